// The numbers of a configuration that a forward pass needs, checked against what can be.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string_view>

#include "kernels/elementwise.h"
#include "model/config.h"
#include "run/spec.h"

namespace pare::run {

/// The first of `keys` that the configuration has and that is not null, else `fallback`. Throws Error for 0 and for
/// more than 2^24.
std::size_t size_setting(const model::Config& config, std::initializer_list<std::string_view> keys,
                         std::size_t fallback);
/// A small positive number, as epsilons are. Throws Error otherwise.
float epsilon_setting(const model::Config& config, std::string_view key, double fallback);
/// transformers' name of an activation. Throws Error for one that pare does not have.
kernels::Activation activation_setting(const model::Config& config, std::string_view key, std::string_view fallback);
kernels::Activation activation_named(const model::Config& config, std::string_view name);
/// A positive, finite number. Throws Error otherwise.
float factor_setting(const model::Config& config, std::string_view key, float fallback);
/// A number of layers: up to model::kMostBlocks, 0 included.
std::size_t layer_setting(const model::Config& config, std::initializer_list<std::string_view> keys,
                          std::size_t fallback);
/// Sets heads, kv_heads (0: as many as heads) and head_width (0: the width over the number of heads). Throws Error if
/// the width is not a multiple of the heads where it must be, or the heads not one of kv_heads.
void set_heads(const model::Config& config, StackSpec& stack, std::size_t heads, std::size_t kv_heads = 0,
               std::size_t head_width = 0);
/// The usual attention_scale: 1 / sqrt(head_width).
float head_scale(const StackSpec& stack);

}  // namespace pare::run
