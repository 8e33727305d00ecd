// BERT (Devlin et al. 2019) and encoders like it, and two of them as an encoder-decoder (Rothe et al. 2020).
#include <array>

#include "run/families.h"
#include "run/settings.h"

namespace pare::run {
namespace {

StackSpec bert_stack(const model::Config& config) {
  StackSpec stack;
  stack.width = size_setting(config, {"hidden_size", "dim"}, 768);
  set_heads(config, stack, size_setting(config, {"num_attention_heads", "n_heads"}, 12));
  stack.inner = size_setting(config, {"intermediate_size", "hidden_dim"}, 4 * stack.width);
  stack.norm_after_sum = true;
  stack.epsilon = epsilon_setting(config, "layer_norm_eps", 1e-12);
  stack.activation = activation_setting(config, config.has("activation") ? "activation" : "hidden_act", "gelu");
  stack.positions = Positions::kLearned;
  stack.causal = config.flag("is_decoder").value_or(false);
  stack.layers.assign(layer_setting(config, {"num_hidden_layers", "n_layers"}, 12), {head_scale(stack)});
  return stack;
}

ModelSpec encoder_spec(StackSpec stack, const model::Config& config) {
  ModelSpec spec;
  spec.kind = ModelKind::kEncoder;
  spec.head.activation = stack.activation;
  spec.head.tied = config.flag("tie_word_embeddings").value_or(true);
  spec.stack = std::move(stack);
  return spec;
}

ModelSpec bert_spec(const model::Config& config) { return encoder_spec(bert_stack(config), config); }

ModelSpec distilbert_spec(const model::Config& config) {
  ModelSpec spec = bert_spec(config);
  spec.head.pooler = kernels::Activation::kRelu;
  return spec;
}

ModelSpec electra_spec(const model::Config& config) {
  ModelSpec spec = bert_spec(config);
  spec.head.pooler = kernels::Activation::kGelu;
  return spec;
}

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

ModelSpec composed_spec(const model::Config& config) {
  const model::Config encoder = config.nested("encoder"), decoder = config.nested("decoder");
  ModelSpec spec = bert_spec(decoder);
  spec.kind = ModelKind::kEncoderDecoder;
  spec.decoder_start = config.token_id("decoder_start_token_id").value_or(0);
  spec.decoder = std::move(spec.stack);
  spec.decoder.stack = spec.head.stack = "decoder";
  spec.decoder.causal = spec.decoder.cross_attention = true;
  spec.stack = bert_stack(encoder);
  spec.stack.stack = "encoder";
  spec.stack.causal = false;
  return spec;
}

}  // namespace

std::span<const RunnableFamily> bert_kind() {
  using enum ModelKind;
  static constexpr std::array kFamilies{
      RunnableFamily{"bert", kEncoder, bert_spec},
      RunnableFamily{"distilbert", kEncoder, distilbert_spec},
      RunnableFamily{"electra", kEncoder, electra_spec},
      RunnableFamily{"roberta", kEncoder, roberta_spec},
      RunnableFamily{"xlm-roberta", kEncoder, roberta_spec},
      RunnableFamily{"camembert", kEncoder, roberta_spec},
      RunnableFamily{"mpnet", kEncoder, mpnet_spec},
      RunnableFamily{"encoder-decoder", kEncoderDecoder, composed_spec},
  };
  return kFamilies;
}

}  // namespace pare::run
