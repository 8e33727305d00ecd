// From hidden states to logits over the vocabulary.
#pragma once

#include <optional>

#include "run/nan_check.h"
#include "run/stack.h"

namespace pare::run {

class Head {
 public:
  /// `stack` is the one whose states it takes. It must outlive this. Its embeddings are the head's weights if the
  /// model has no others and `spec.tied` says so.
  Head(StackWeights& weights, const HeadSpec& spec, Stack& stack);

  explicit operator bool() const noexcept { return output_.has_value(); }
  /// Whether it is a masked-LM head, which has a transform before its projection.
  bool has_transform() const noexcept { return transform_.has_value(); }
  /// A masked-LM head's rows before their projection.
  Matrix transformed(const Matrix& hidden, const Context& context) const;
  /// Runner::logits(). Throws Error (kUnsupported) without a head.
  Matrix logits(const Matrix& hidden, const Context& context) const;

 private:
  HeadSpec spec_;
  const Stack& stack_;
  NanCheck nan_check_;
  std::optional<linear::Linear> transform_, output_;
  Norm norm_;
};

}  // namespace pare::run
