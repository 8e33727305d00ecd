#include "run/head.h"

#include <fmt/format.h>

#include <cmath>

#include "pare/error.h"
#include "run/threaded.h"

namespace pare::run {

Head::Head(StackWeights& weights, const HeadSpec& spec, Stack& stack)
    : spec_(spec), stack_(stack), nan_check_(weights.source()) {
  const Place output{Slot::kHead};
  const std::size_t width = stack.out_width();
  std::size_t in = width;
  if (const Place transform{Slot::kHeadTransform}; weights.has(transform)) {
    // ELECTRA's leads to the width of the embeddings.
    in = stack.words().columns();
    transform_ = weights.linear(transform, width, in);
    norm_ = stack.load_norm(weights, {Slot::kHeadNorm}, in);
  }
  if (weights.has(output))
    output_ = weights.linear(output, in, stack.vocabulary());
  else if (spec.tied && stack.words().columns() == in)
    output_ = weights.tied_head({Slot::kWordEmbedding}, stack.words());
  if (output_ && output_->bias == nullptr) output_->bias = weights.bias(output, output_->out);
}

Matrix Head::transformed(const Matrix& hidden, const Context& context) const {
  linear::Unbiased product = apply_unbiased(*transform_, hidden, context);
  activate(spec_.activation, product, context);
  Matrix x = std::move(product.product);
  stack_.normalize(norm_, x, context);
  return x;
}

Matrix Head::logits(const Matrix& hidden, const Context& context) const {
  if (!output_) throw Error(ErrorCode::kUnsupported, nan_check_.source(), "has no language-model head");
  Matrix x;
  const Matrix* input = &hidden;
  if (transform_) {
    x = transformed(hidden, context);
    input = &x;
  } else if (spec_.scale != 1) {
    x = hidden;
    for (float& value : x.values) value *= spec_.scale;
    input = &x;
  }
  Matrix logits = apply(*output_, *input, context);
  if (spec_.divisor != 1)
    for (float& value : logits.values) value /= spec_.divisor;
  if (spec_.cap != 0)
    for (float& value : logits.values) value = spec_.cap * std::tanh(value / spec_.cap);
  nan_check_.part(logits, transform_ ? "the masked-LM head" : "the head");
  return logits;
}

}  // namespace pare::run
