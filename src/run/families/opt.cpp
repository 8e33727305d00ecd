// OPT (Zhang et al. 2022). The 350m has its norms after the sums, and embeddings of another width.
#include <array>

#include "run/families.h"
#include "run/settings.h"

namespace pare::run {
namespace {

ModelSpec opt_spec(const model::Config& config) {
  ModelSpec spec;
  StackSpec& stack = spec.stack;
  stack.causal = true;
  stack.width = size_setting(config, {"hidden_size"}, 768);
  set_heads(config, stack, size_setting(config, {"num_attention_heads"}, 12));
  stack.inner = size_setting(config, {"ffn_dim"}, 4 * stack.width);
  stack.norm_after_sum = !config.flag("do_layer_norm_before").value_or(true);
  stack.activation = activation_setting(config, "activation_function", "relu");
  stack.positions = Positions::kLearned;
  stack.position_offset = 2;
  stack.layers.assign(layer_setting(config, {"num_hidden_layers"}, 12), {head_scale(stack)});
  spec.head.tied = config.flag("tie_word_embeddings").value_or(true);
  return spec;
}

}  // namespace

std::span<const RunnableFamily> opt_kind() {
  static constexpr std::array kFamilies{RunnableFamily{"opt", ModelKind::kCausal, opt_spec}};
  return kFamilies;
}

}  // namespace pare::run
