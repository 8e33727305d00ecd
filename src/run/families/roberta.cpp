// RoBERTa (Liu et al. 2019) and encoders that number positions as it does.
#include <array>

#include "run/families.h"
#include "run/families/encoder_spec.h"
#include "run/settings.h"

namespace pare::run {
namespace {

/// Positions count from the row after that of the padding token.
StackSpec offset_stack(const model::Config& config) {
  StackSpec stack = bert_stack(config);
  stack.padding = config.token_id("pad_token_id").value_or(1);
  stack.position_offset = static_cast<std::size_t>(stack.padding) + 1;
  return stack;
}

/// RoBERTa's head always has GELU.
ModelSpec roberta_spec(const model::Config& config) {
  ModelSpec spec = encoder_spec(offset_stack(config), config);
  spec.head.activation = kernels::Activation::kGelu;
  return spec;
}

/// MPNet (Song et al. 2020) adds T5's biases to the scores of all layers.
ModelSpec mpnet_spec(const model::Config& config) {
  ModelSpec spec = roberta_spec(config);
  spec.stack.padding = 1;
  spec.stack.position_offset = 2;
  spec.stack.positions = Positions::kBuckets;
  spec.stack.furthest = 128;
  return spec;
}

}  // namespace

std::span<const RunnableFamily> roberta_kind() {
  using enum ModelKind;
  static constexpr std::array kFamilies{
      RunnableFamily{"roberta", kEncoder, roberta_spec},
      RunnableFamily{"xlm-roberta", kEncoder, roberta_spec},
      RunnableFamily{"camembert", kEncoder, roberta_spec},
      RunnableFamily{"mpnet", kEncoder, mpnet_spec},
  };
  return kFamilies;
}

}  // namespace pare::run
