#include "run/settings.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "pare/error.h"

namespace pare::run {

std::size_t size_setting(const model::Config& config, std::initializer_list<std::string_view> keys,
                         std::size_t fallback) {
  constexpr std::uint64_t kMost = 1U << 24;
  for (const std::string_view key : keys) {
    const std::optional<std::uint64_t> value = config.number(key);
    if (!value) continue;
    if (*value == 0 || *value > kMost)
      throw Error(ErrorCode::kMalformed, config.path(), fmt::format("'{}' cannot be {}", key, *value));
    return static_cast<std::size_t>(*value);
  }
  return fallback;
}

float epsilon_setting(const model::Config& config, std::string_view key, double fallback) {
  const double value = config.real(key).value_or(fallback);
  if (!(value >= 0 && value < 1))
    throw Error(ErrorCode::kMalformed, config.path(), fmt::format("'{}' cannot be {}", key, value));
  return static_cast<float>(value);
}

kernels::Activation activation_named(const model::Config& config, std::string_view name) {
  using kernels::Activation;
  for (const auto& [known, activation] : {std::pair{"relu", Activation::kRelu},
                                          {"gelu", Activation::kGelu},
                                          {"gelu_new", Activation::kGeluNew},
                                          {"gelu_pytorch_tanh", Activation::kGeluNew},
                                          {"silu", Activation::kSilu},
                                          {"swish", Activation::kSilu},
                                          {"tanh", Activation::kTanh}})
    if (name == known) return activation;
  throw Error(ErrorCode::kUnsupported, config.path(), fmt::format("'{}' is not an activation that pare knows", name));
}

kernels::Activation activation_setting(const model::Config& config, std::string_view key, std::string_view fallback) {
  const std::optional<std::string> name = config.text(key);
  return activation_named(config, name ? std::string_view(*name) : fallback);
}

}  // namespace pare::run
