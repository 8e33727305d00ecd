// Decoders with a mixture of experts in their layers: Mixtral (Jiang et al. 2024) and Qwen3's.
#include <fmt/format.h>

#include <array>

#include "pare/error.h"
#include "run/families.h"
#include "run/families/decoder_spec.h"
#include "run/settings.h"

namespace pare::run {
namespace {

ExpertSpec expert_settings(const model::Config& config, std::size_t count, std::size_t chosen) {
  ExpertSpec experts;
  experts.count = size_setting(config, {"num_local_experts", "num_experts"}, count);
  experts.chosen = size_setting(config, {"num_experts_per_tok"}, chosen);
  if (experts.chosen > experts.count)
    throw Error(ErrorCode::kMalformed, config.path(),
                fmt::format("'num_experts_per_tok' is {} (expected at most the number of experts, {})", experts.chosen,
                            experts.count));
  return experts;
}

ModelSpec mixtral_spec(const model::Config& config) {
  ModelSpec spec = decoder_spec(config, {.kv_heads = 8, .epsilon = 1e-5});
  const std::size_t window = window_setting(config, "sliding_window", kUnlimited);
  for (LayerSpec& layer : spec.stack.layers) layer.window = window;
  spec.stack.experts = expert_settings(config, 8, 2);
  spec.stack.experts.inner = spec.stack.inner;
  spec.stack.experts.normalized = true;
  return spec;
}

ModelSpec qwen3_moe_spec(const model::Config& config) {
  ModelSpec spec = decoder_spec(config, {.kv_heads = 4});
  if (config.flag("use_sliding_window").value_or(false))
    for (LayerSpec& layer : spec.stack.layers) layer.window = window_setting(config, "sliding_window", 4096);
  spec.stack.experts = expert_settings(config, 128, 8);
  spec.stack.experts.inner = size_setting(config, {"moe_intermediate_size"}, 768);
  spec.stack.experts.normalized = config.flag("norm_topk_prob").value_or(false);
  return spec;
}

}  // namespace

std::span<const RunnableFamily> mixture_kind() {
  static constexpr std::array kFamilies{RunnableFamily{"mixtral", ModelKind::kCausal, mixtral_spec},
                                        RunnableFamily{"qwen3_moe", ModelKind::kCausal, qwen3_moe_spec}};
  return kFamilies;
}

}  // namespace pare::run
