// What the decoders since Llama share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/config.h"
#include "run/spec.h"

namespace pare::run {

/// What a family's class assumes where the configuration is silent.
struct DecoderDefaults {
  std::size_t kv_heads = 0;    ///< 0: as many as heads
  std::size_t head_width = 0;  ///< 0: the width over the number of heads
  bool tied = false;
  double epsilon = 1e-6;
  double rotary_base = 10'000;
  const char* activation_key = "hidden_act";
  const char* activation = "silu";
};

/// RMS norms before each branch, rotary positions in every layer, grouped queries.
ModelSpec decoder_spec(const model::Config& config, const DecoderDefaults& defaults);

/// An entry of "layer_types".
inline constexpr std::string_view kSlidingAttention = "sliding_attention";

/// "layer_types"; empty if the configuration has none. Throws Error for another number than `layers`.
std::vector<std::string> layer_types(const model::Config& config, std::size_t layers);

/// A positive number of tokens; kUnlimited for null, `fallback` if the key is absent. Throws Error for 0.
std::size_t window_setting(const model::Config& config, std::string_view key, std::size_t fallback);

}  // namespace pare::run
