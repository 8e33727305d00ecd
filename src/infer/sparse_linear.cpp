#include "infer/sparse_linear.h"

namespace pare::infer {

Kernel SparseLinear::kernel_for(std::size_t tokens) const {
  switch (choice_) {
    case KernelChoice::kDense:
      return Kernel::kDense;
    case KernelChoice::kSliced:
      return Kernel::kSliced;
    case KernelChoice::kMasked:
      return tokens <= kernels::kMaskedRows ? Kernel::kMasked : Kernel::kSliced;
    case KernelChoice::kFastest:
      break;
  }
  return costs_->choose(tokens, weights_.in, weights_.out, nonzeros_);
}

bool SparseLinear::apply(const Matrix& x, const float* bias, Matrix& y, unsigned threads) const {
  switch (kernel_for(x.rows)) {
    case Kernel::kDense:
      return false;
    case Kernel::kSliced:
      std::call_once(sliced_once_, [&] { sliced_ = std::make_unique<const SlicedMatrix>(weights_, threads_); });
      sliced_->multiply(x, bias, y, threads);
      return true;
    case Kernel::kMasked:
      std::call_once(masked_once_, [&] { masked_ = std::make_unique<const MaskedMatrix>(weights_, threads_); });
      masked_->multiply(x, bias, y, threads);
      return true;
  }
  return false;
}

}  // namespace pare::infer
