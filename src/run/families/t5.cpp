// T5 (Raffel et al. 2020), v1.0 and v1.1: norms without means, relative positions, unscaled attention.
#include <array>
#include <cmath>

#include "run/families.h"
#include "run/settings.h"

namespace pare::run {
namespace {

StackSpec t5_stack(const model::Config& config, bool decoder) {
  StackSpec stack;
  stack.stack = decoder ? "decoder" : "encoder";
  stack.causal = stack.cross_attention = decoder;
  stack.width = size_setting(config, {"d_model"}, 512);
  stack.heads = stack.kv_heads = size_setting(config, {"num_heads"}, 8);
  stack.head_width = size_setting(config, {"d_kv"}, 64);
  stack.inner = size_setting(config, {"d_ff"}, 2048);
  stack.norm = NormKind::kRms;
  stack.epsilon = epsilon_setting(config, "layer_norm_epsilon", 1e-6);
  // "gated-gelu" means the approximation by tanh.
  std::string kind = config.text("feed_forward_proj").value_or("relu");
  if (kind.starts_with("gated-")) kind = kind == "gated-gelu" ? "gelu_new" : kind.substr(6);
  stack.activation = activation_named(config, kind);
  stack.positions = Positions::kBuckets;
  stack.furthest = size_setting(config, {"relative_attention_max_distance"}, 128);
  const std::size_t layers = layer_setting(config, {"num_layers"}, 6);
  stack.layers.resize(decoder ? layer_setting(config, {"num_decoder_layers"}, layers) : layers);
  return stack;
}

ModelSpec t5_spec(const model::Config& config) {
  ModelSpec spec{ModelKind::kEncoderDecoder, t5_stack(config, false), t5_stack(config, true), {}};
  spec.decoder_start = config.token_id("decoder_start_token_id").value_or(0);
  const bool tied = config.flag("tie_word_embeddings").value_or(true);
  if (config.flag("scale_decoder_outputs").value_or(tied))
    spec.head.scale = 1.0F / std::sqrt(static_cast<float>(spec.decoder.width));
  return spec;
}

}  // namespace

std::span<const RunnableFamily> t5_kind() {
  static constexpr std::array kFamilies{RunnableFamily{"t5", ModelKind::kEncoderDecoder, t5_spec},
                                        RunnableFamily{"mt5", ModelKind::kEncoderDecoder, t5_spec}};
  return kFamilies;
}

}  // namespace pare::run
