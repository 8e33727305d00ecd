// The numbers of a configuration that a forward pass needs, checked against what can be.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string_view>

#include "kernels/elementwise.h"
#include "model/config.h"

namespace pare::run {

/// The first of `keys` that the configuration has, else `fallback`. Throws Error for 0 and for more than 2^24.
std::size_t size_setting(const model::Config& config, std::initializer_list<std::string_view> keys,
                         std::size_t fallback);
/// A small positive number, as epsilons are. Throws Error otherwise.
float epsilon_setting(const model::Config& config, std::string_view key, double fallback);
/// transformers' name of an activation. Throws Error for one that pare does not have.
kernels::Activation activation_setting(const model::Config& config, std::string_view key, std::string_view fallback);
kernels::Activation activation_named(const model::Config& config, std::string_view name);

}  // namespace pare::run
