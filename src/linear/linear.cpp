#include "linear/linear.h"

#include <dnnl.h>

#include <algorithm>

#include "base/parallel.h"
#include "kernels/matvec.h"
#include "kernels/targets.h"
#include "pare/error.h"

/// Functions of OpenMP, which oneDNN runs on. GCC has <omp.h>; Clang has it only with a package of its own.
extern "C" int omp_get_max_threads();
extern "C" void omp_set_num_threads(int);

namespace pare::linear {
namespace {

/// Number of columns in each of about `count` pieces. Pieces are long runs of weights in whole vectors, so that no sum
/// depends on `count`.
std::size_t piece_of(std::size_t columns, std::size_t count) { return ((columns + count - 1) / count + 63) / 64 * 64; }

void multiply_few(const Linear& linear, const Matrix& x, Matrix& y, const Context& context) {
  const unsigned threads = base::worthwhile_threads(context, x.rows * linear.in * linear.out);
  const std::size_t columns = piece_of(linear.out, 2 * threads);
  base::parallel_for((linear.out + columns - 1) / columns, context.with_threads(threads),
                     [&](std::size_t piece, unsigned) {
                       const std::size_t begin = piece * columns, end = std::min(linear.out, begin + columns);
                       if (linear.out_in) {
                         kernels::multiply_out_in(x.values.data(), x.rows, linear.weight, linear.in, begin, end,
                                                  linear.bias, y.values.data(), y.columns);
                       } else {
                         kernels::multiply_in_out(x.values.data(), x.rows, linear.weight, linear.in, linear.out, begin,
                                                  end, linear.bias, y.values.data(), y.columns);
                       }
                     });
}

/// Limits OpenMP to one thread while it exists, because pare splits the work itself. The setting belongs to the calling
/// thread, which may be the host program's, so the destructor restores it.
class OneOpenMpThread {
 public:
  OneOpenMpThread() noexcept { omp_set_num_threads(1); }
  ~OneOpenMpThread() { omp_set_num_threads(before_); }
  OneOpenMpThread(const OneOpenMpThread&) = delete;
  OneOpenMpThread& operator=(const OneOpenMpThread&) = delete;

 private:
  const int before_ = omp_get_max_threads();
};

/// Columns [begin, end) of y = x W + b by oneDNN, on the calling thread alone.
void multiply_columns(const Linear& linear, const Matrix& x, Matrix& y, std::size_t begin, std::size_t end) {
  const std::size_t width = end - begin;
  if (linear.bias != nullptr)
    for (std::size_t row = 0; row < x.rows; ++row) std::copy_n(linear.bias + begin, width, y.row(row) + begin);
  const float* weight = linear.weight + (linear.out_in ? begin * linear.in : begin);
  const auto size = [](std::size_t n) { return static_cast<dnnl_dim_t>(n); };
  const OneOpenMpThread one_thread;
  const dnnl_status_t status =
      dnnl_sgemm('N', linear.out_in ? 'T' : 'N', size(x.rows), size(width), size(linear.in), 1.0F, x.values.data(),
                 size(x.columns), weight, size(linear.out_in ? linear.in : linear.out), linear.bias ? 1.0F : 0.0F,
                 y.values.data() + begin, size(y.columns));
  if (status != dnnl_success) throw Error(ErrorCode::kUnavailable, "oneDNN cannot multiply matrices here");
}

}  // namespace

Matrix apply(const Linear& layer, const Matrix& x, const Context& context) {
  Matrix y(x.rows, layer.out);
  if (x.rows == 0 || (layer.sparse != nullptr && layer.sparse->apply(x, layer.bias, y, context))) return y;
  Linear linear = layer;
  if (linear.weight == nullptr) linear.weight = linear.sparse->dense();
  if (x.rows <= kernels::kFewRows) {
    multiply_few(linear, x, y, context);
    return y;
  }
  // A piece of columns for each thread, in whole vectors.
  const std::size_t count = base::thread_count(context);
  const std::size_t piece = piece_of(linear.out, count);
  base::parallel_for((linear.out + piece - 1) / piece, context, [&](std::size_t item, unsigned) {
    multiply_columns(linear, x, y, item * piece, std::min(linear.out, (item + 1) * piece));
  });
  return y;
}

}  // namespace pare::linear

namespace pare {

void choose_instruction_set() { kernels::choose_target(); }

}  // namespace pare
