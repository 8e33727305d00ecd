#include "linear/sparse_linear.h"

namespace pare::linear {

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
  return costs_->choose(tokens, weights_->shape().in(), weights_->shape().out(), nonzeros_,
                        model_->dense_bytes <= kSmallModelBytes, kernels::weight_bytes(weights_->shape().view.type));
}

const SlicedMatrix& SparseLinear::sliced(std::size_t tokens, const Context& context) const {
  const std::size_t inputs = block_inputs(weights_->shape(), nonzeros_, tokens);
  const bool few = inputs >= weights_->shape().in() || inputs == block_inputs(weights_->shape(), nonzeros_, 1);
  std::unique_ptr<const SlicedMatrix>& matrix = few ? few_ : many_;
  (few ? few_once_ : many_once_).run([&] {
    matrix = weights_->with_nonzeros([&](const LayerWeights& weights) {
      return std::make_unique<const SlicedMatrix>(weights, inputs, model_->layouts, context);
    });
  });
  return *matrix;
}

const MaskedMatrix& SparseLinear::masked(const Context& context) const {
  masked_once_.run([&] {
    masked_ = weights_->with_nonzeros([&](const LayerWeights& weights) {
      return std::make_unique<const MaskedMatrix>(weights, model_->layouts, context);
    });
  });
  return *masked_;
}

bool SparseLinear::apply(const Matrix& x, const float* bias, Matrix& y, const Context& context) const {
  switch (kernel_for(x.rows)) {
    case Kernel::kDense:
      return false;
    case Kernel::kSliced:
      sliced(x.rows, context).multiply(x, bias, y, context);
      return true;
    case Kernel::kMasked:
      masked(context).multiply(x, bias, y, context);
      return true;
  }
  return false;
}

bool SparseLinear::apply_rows(const float* x, std::size_t rows, const float* bias, float* y,
                              const Context& context) const {
  if (kernel_for(rows) != Kernel::kSliced) return false;
  sliced(rows, context).multiply_many(x, rows, bias, y, context);
  return true;
}

bool SparseLinear::apply_panel(const Activations& x, const float* bias, Activations& y, const Context& context) const {
  if (kernel_for(x.rows) != Kernel::kSliced) return false;
  sliced(x.rows, context).multiply_panel(x.values.data(), x.width, bias, y.values.data(), context);
  return true;
}

void SparseLinear::prepare(std::size_t tokens, const Context& context) const {
  switch (kernel_for(tokens)) {
    case Kernel::kDense:
      weights_->dense();
      break;
    case Kernel::kSliced:
      sliced(tokens, context);
      break;
    case Kernel::kMasked:
      masked(context);
      break;
  }
}

std::optional<Work> SparseLinear::work(const Matrix& x, const float* bias, Matrix& y, std::size_t pieces,
                                       const Context& context) const {
  switch (kernel_for(x.rows)) {
    case Kernel::kDense:
      break;
    case Kernel::kSliced:
      return sliced(x.rows, context).work(x, bias, y, pieces);
    case Kernel::kMasked:
      return masked(context).work(x, bias, y, pieces);
  }
  return std::nullopt;
}

}  // namespace pare::linear
