// Rotary positions as a configuration describes them.
#pragma once

#include <cstddef>

#include "model/config.h"
#include "run/spec.h"

namespace pare::run {

/// What a family assumes where its configuration is silent.
struct RotaryDefaults {
  std::size_t head_width = 0;
  double base = 10'000;
  double fraction = 1;  ///< of a head's elements that are rotated
};

/// Rotary positions by "rope_parameters" (transformers 5) or "rope_scaling", "rope_theta" and "partial_rotary_factor"
/// (before): default, linear, dynamic, yarn, longrope and llama3, as transformers' modeling_rope_utils computes them.
/// `layer_type` chooses one of several sets of parameters, if there are several. Throws Error (kUnsupported) for
/// another type, kMalformed for numbers that make no sense.
RotarySpec rotary_settings(const model::Config& config, const RotaryDefaults& defaults,
                           std::string_view layer_type = {});

/// The same with another base and without scaling, for layers that attend to nearby tokens only.
RotarySpec plain_rotary(double base, std::size_t width);

}  // namespace pare::run
