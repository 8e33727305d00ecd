// BART (Lewis et al. 2020).
#include <array>
#include <cmath>

#include "run/families.h"
#include "run/settings.h"

namespace pare::run {
namespace {

StackSpec bart_stack(const model::Config& config, bool decoder) {
  StackSpec stack;
  stack.stack = decoder ? "decoder" : "encoder";
  stack.causal = stack.cross_attention = decoder;
  stack.width = size_setting(config, {"d_model"}, 1024);
  set_heads(config, stack, size_setting(config, {decoder ? "decoder_attention_heads" : "encoder_attention_heads"}, 16));
  stack.inner = size_setting(config, {decoder ? "decoder_ffn_dim" : "encoder_ffn_dim"}, 4096);
  stack.norm_after_sum = true;
  stack.activation = activation_setting(config, "activation_function", "gelu");
  if (config.flag("scale_embedding").value_or(false))
    stack.embedding_scale = std::sqrt(static_cast<float>(stack.width));
  stack.positions = Positions::kLearned;
  stack.position_offset = 2;
  stack.layers.assign(layer_setting(config, {decoder ? "decoder_layers" : "encoder_layers"}, 12), {head_scale(stack)});
  return stack;
}

ModelSpec bart_spec(const model::Config& config) {
  ModelSpec spec;
  spec.kind = ModelKind::kEncoderDecoder;
  spec.stack = bart_stack(config, false);
  spec.decoder = bart_stack(config, true);
  spec.decoder_start = config.token_id("decoder_start_token_id").value_or(2);
  return spec;
}

}  // namespace

std::span<const RunnableFamily> bart_kind() {
  static constexpr std::array kFamilies{RunnableFamily{"bart", ModelKind::kEncoderDecoder, bart_spec}};
  return kFamilies;
}

}  // namespace pare::run
