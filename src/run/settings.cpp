#include "run/settings.h"

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <utility>

#include "model/architecture.h"
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
                                          {"gelu_fast", Activation::kGeluNew},
                                          {"gelu_accurate", Activation::kGeluNew},
                                          {"gelu_python_tanh", Activation::kGeluNew},
                                          {"gelu_python", Activation::kGelu},
                                          {"quick_gelu", Activation::kQuickGelu},
                                          {"relu2", Activation::kRelu2},
                                          {"sigmoid", Activation::kSigmoid},
                                          {"mish", Activation::kMish},
                                          {"linear", Activation::kLinear},
                                          {"silu", Activation::kSilu},
                                          {"swish", Activation::kSilu},
                                          {"tanh", Activation::kTanh}})
    if (name == known) return activation;
  throw Error(ErrorCode::kUnsupported, config.path(), fmt::format("'{}' is not an activation that pare knows", name));
}

float factor_setting(const model::Config& config, std::string_view key, float fallback) {
  const double value = config.real(key).value_or(static_cast<double>(fallback));
  if (!(value > 0 && value < 1e30) && value != static_cast<double>(fallback))
    throw Error(ErrorCode::kMalformed, config.path(), fmt::format("'{}' cannot be {}", key, value));
  return static_cast<float>(value);
}

std::size_t layer_setting(const model::Config& config, std::initializer_list<std::string_view> keys,
                          std::size_t fallback) {
  return model::block_count(config, keys, static_cast<unsigned>(fallback));
}

void set_heads(const model::Config& config, StackSpec& stack, std::size_t heads, std::size_t kv_heads,
               std::size_t head_width) {
  stack.heads = heads;
  stack.kv_heads = kv_heads == 0 ? heads : kv_heads;
  stack.head_width = head_width == 0 ? stack.width / heads : head_width;
  if (head_width == 0 && stack.width % heads != 0)
    throw Error(
        ErrorCode::kMalformed, config.path(),
        fmt::format("the hidden size, {}, is not a multiple of the number of attention heads, {}", stack.width, heads));
  if (heads % stack.kv_heads != 0)
    throw Error(ErrorCode::kMalformed, config.path(),
                fmt::format("the number of attention heads, {}, is not a multiple of 'num_key_value_heads', {}", heads,
                            stack.kv_heads));
}

float head_scale(const StackSpec& stack) { return 1.0F / std::sqrt(static_cast<float>(stack.head_width)); }

kernels::Activation activation_setting(const model::Config& config, std::string_view key, std::string_view fallback) {
  const std::optional<std::string> name = config.text(key);
  return activation_named(config, name ? std::string_view(*name) : fallback);
}

}  // namespace pare::run
