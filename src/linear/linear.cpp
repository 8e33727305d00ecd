#include "linear/linear.h"

#include "kernels/matvec.h"
#include "kernels/targets.h"
#include "linear/dense_product.h"

namespace pare::linear {
namespace {

bool rounds_inputs(const Linear& linear, std::size_t tokens) {
  return linear.identity != nullptr && linear.identity->round_inputs && linear.weight.type == FloatType::kBF16 &&
         tokens > kernels::kFewRows && can_multiply_rounded();
}

}  // namespace

LayerUse Linear::use(std::size_t tokens) const {
  LayerUse use = identity->use;
  if (sparse != nullptr) use.kernel = sparse->kernel_for(tokens);
  const std::uint64_t size = kernels::weight_bytes(weight.type), all = std::uint64_t{in} * out;
  switch (use.kernel) {
    case Kernel::kDense:
      use.bytes = size * all;
      use.rounds_inputs = rounds_inputs(*this, tokens);
      break;
    case Kernel::kSliced:
      use.bytes = (size + sizeof(std::uint16_t)) * use.nonzeros;
      break;
    case Kernel::kMasked:
      use.bytes = size * use.nonzeros + all / 8;
      break;
  }
  return use;
}

Matrix apply(const Linear& linear, const Matrix& x, const Context& context) {
  if (linear.identity != nullptr && linear.identity->observer) linear.identity->observer(linear.use(x.rows), x);
  Matrix y(x.rows, linear.out);
  if (x.rows == 0 || (linear.sparse != nullptr && linear.sparse->apply(x, linear.bias, y, context))) return y;
  LayerWeights weights{linear.weight, linear.out_in, nullptr};
  if (weights.view.data == nullptr && linear.sparse != nullptr) weights.view = linear.sparse->dense();
  if (rounds_inputs(linear, x.rows))
    multiply_rounded(weights, x, linear.bias, y, context);
  else
    multiply_dense(weights, x, linear.bias, y, context);
  return y;
}

}  // namespace pare::linear

namespace pare {

void choose_instruction_set() { kernels::choose_target(); }

}  // namespace pare
