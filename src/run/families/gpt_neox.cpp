// GPT-NeoX (Black et al. 2022) and Pythia (Biderman et al. 2023).
#include <array>

#include "run/families.h"
#include "run/rotary_settings.h"
#include "run/settings.h"

namespace pare::run {
namespace {

ModelSpec gpt_neox_spec(const model::Config& config) {
  ModelSpec spec;
  StackSpec& stack = spec.stack;
  stack.causal = true;
  stack.width = size_setting(config, {"hidden_size"}, 6144);
  set_heads(config, stack, size_setting(config, {"num_attention_heads"}, 64));
  stack.inner = size_setting(config, {"intermediate_size"}, 4 * stack.width);
  stack.epsilon = epsilon_setting(config, "layer_norm_eps", 1e-5);
  stack.activation = activation_setting(config, "hidden_act", "gelu");
  stack.parallel = config.flag("use_parallel_residual").value_or(true);
  stack.qkv_order = QkvOrder::kHeads;
  stack.rotaries = {rotary_settings(config, {stack.head_width, config.real("rotary_emb_base").value_or(10'000),
                                             config.real("rotary_pct").value_or(0.25)})};
  stack.layers.assign(layer_setting(config, {"num_hidden_layers"}, 44), {head_scale(stack), kUnlimited, 0});
  spec.head.tied = config.flag("tie_word_embeddings").value_or(false);
  return spec;
}

}  // namespace

std::span<const RunnableFamily> gpt_neox_kind() {
  static constexpr std::array kFamilies{RunnableFamily{"gpt_neox", ModelKind::kCausal, gpt_neox_spec}};
  return kFamilies;
}

}  // namespace pare::run
