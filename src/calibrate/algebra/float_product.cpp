#include "calibrate/algebra/float_product.h"

#include <dnnl.h>

#include "linear/one_openmp_thread.h"
#include "pare/error.h"

namespace pare::calibrate {

void multiply(Floats<const float> a, Floats<const float> b, std::size_t rows, std::size_t inner, std::size_t columns,
              float factor, float before, Floats<float> c) {
  if (rows == 0 || columns == 0) return;
  const auto size = [](std::size_t n) { return static_cast<dnnl_dim_t>(n); };
  const linear::OneOpenMpThread one_thread;
  const dnnl_status_t status =
      dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', size(rows), size(columns), size(inner), factor,
                 a.data, size(a.stride), b.data, size(b.stride), before, c.data, size(c.stride));
  if (status != dnnl_success) throw Error(ErrorCode::kUnavailable, "oneDNN cannot multiply matrices here");
}

}  // namespace pare::calibrate
