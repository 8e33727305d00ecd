#include "run/rotary_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "pare/error.h"
#include "run/settings.h"

namespace pare::run {
namespace {

/// The frequencies of `width` rotated elements. In F32 and in this order, as PyTorch computes them.
std::vector<float> plain_frequencies(double base, std::size_t width) {
  std::vector<float> frequencies;
  for (std::size_t i = 0; i < width; i += 2)
    frequencies.push_back(1.0F / std::pow(static_cast<float>(base), static_cast<float>(i) / static_cast<float>(width)));
  return frequencies;
}

/// One set of parameters.
class Rope {
 public:
  Rope(const model::Config& config, const RotaryDefaults& defaults, std::string_view layer_type) : config_(config) {
    parameters_ = config.nested(config.has("rope_parameters") ? "rope_parameters" : "rope_scaling");
    if (!layer_type.empty() && parameters_.has(layer_type)) parameters_ = parameters_.nested(layer_type);
    type_ = text("rope_type", "type").value_or("default");
    base_ = real("rope_theta").value_or(defaults.base);
    const double fraction = real("partial_rotary_factor").value_or(defaults.fraction);
    if (!(base_ > 0 && std::isfinite(base_))) refuse("rope_theta", base_);
    if (!(fraction > 0 && fraction <= 1)) refuse("partial_rotary_factor", fraction);
    width_ = static_cast<std::size_t>(static_cast<double>(defaults.head_width) * fraction);
    width_ += width_ % 2;
    if (width_ == 0 || width_ > defaults.head_width) refuse("partial_rotary_factor", fraction);
  }

  RotarySpec spec() const {
    if (type_ == "default") return {plain_frequencies(base_, width_)};
    if (type_ == "linear") return linear();
    if (type_ == "dynamic") return dynamic();
    if (type_ == "llama3") return llama3();
    if (type_ == "yarn") return yarn();
    if (type_ == "longrope" || type_ == "su") return longrope();
    throw Error(ErrorCode::kUnsupported, config_.path(),
                fmt::format("'{}' is not a type of rotary positions that pare knows", type_));
  }

 private:
  [[noreturn]] void refuse(std::string_view key, double value) const {
    throw Error(ErrorCode::kMalformed, config_.path(), fmt::format("'{}' cannot be {}", key, value));
  }
  std::optional<std::string> text(std::string_view key, std::string_view older) const {
    const auto value = parameters_.text(key);
    return value ? value : parameters_.text(older);
  }
  /// A number of the set, else of the configuration itself.
  std::optional<double> real(std::string_view key) const {
    const auto value = parameters_.real(key);
    return value ? value : config_.real(key);
  }
  double positive(std::string_view key, std::optional<double> fallback = {}) const {
    const std::optional<double> value = parameters_.real(key);
    if (!value && !fallback)
      throw Error(ErrorCode::kMalformed, config_.path(), fmt::format("'{}' is missing, which '{}' needs", key, type_));
    const double number = value.value_or(fallback.value_or(0));
    if (!(number > 0 && std::isfinite(number))) refuse(key, number);
    return number;
  }
  /// Positions that the model was trained with.
  double most() const { return static_cast<double>(size_setting(config_, {"max_position_embeddings"}, 2048)); }
  double original() const {
    const auto own = config_.real("original_max_position_embeddings");
    const double value = own ? *own : positive("original_max_position_embeddings", most());
    if (!(value >= 1)) refuse("original_max_position_embeddings", value);
    return value;
  }

  RotarySpec linear() const {
    RotarySpec spec{plain_frequencies(base_, width_)};
    const auto factor = static_cast<float>(positive("factor"));
    for (float& frequency : spec.frequencies) frequency /= factor;
    return spec;
  }

  RotarySpec dynamic() const {
    const double factor = positive("factor"), most = this->most(), base = base_;
    const std::size_t width = width_;
    if (width <= 2) refuse("head_dim", static_cast<double>(width));
    RotarySpec spec{plain_frequencies(base_, width_)};
    spec.by_length = [factor, most, base, width](std::size_t length) {
      const double tokens = std::max(static_cast<double>(length), most), n = static_cast<double>(width);
      return plain_frequencies(base * std::pow(factor * tokens / most - (factor - 1), n / (n - 2)), width);
    };
    return spec;
  }

  RotarySpec llama3() const {
    RotarySpec spec{plain_frequencies(base_, width_)};
    const auto factor = static_cast<float>(positive("factor"));
    const double low = positive("low_freq_factor"), high = positive("high_freq_factor"), context = original();
    if (low == high) refuse("high_freq_factor", high);
    for (float& frequency : spec.frequencies) {
      const float wave = 2 * std::numbers::pi_v<float> / frequency;
      if (wave < static_cast<float>(context / high)) continue;
      if (wave > static_cast<float>(context / low)) {
        frequency /= factor;
        continue;
      }
      const float smooth =
          (static_cast<float>(context) / wave - static_cast<float>(low)) / static_cast<float>(high - low);
      frequency = (1 - smooth) * frequency / factor + smooth * frequency;
    }
    return spec;
  }

  /// Factor on cosines and sines.
  double yarn_factor(double factor) const {
    if (const auto given = parameters_.real("attention_factor")) return *given;
    const auto scale = [factor](double m) { return factor <= 1 ? 1.0 : 0.1 * m * std::log(factor) + 1.0; };
    const double m = parameters_.real("mscale").value_or(0), all = parameters_.real("mscale_all_dim").value_or(0);
    return m != 0 && all != 0 ? scale(m) / scale(all) : scale(1);
  }

  RotarySpec yarn() const {
    const double context = original(), factor = positive("factor", most() / context), n = static_cast<double>(width_);
    // The element whose wave fits so many times into the original context.
    const auto element = [&](double rotations) {
      return n * std::log(context / (rotations * 2 * std::numbers::pi)) / (2 * std::log(base_));
    };
    double low = element(positive("beta_fast", 32)), high = element(positive("beta_slow", 1));
    if (parameters_.flag("truncate").value_or(true)) {
      low = std::floor(low);
      high = std::ceil(high);
    }
    low = std::max(low, 0.0);
    high = std::min(high, n - 1);
    if (low == high) high += 0.001;
    RotarySpec spec{plain_frequencies(base_, width_), static_cast<float>(yarn_factor(factor))};
    for (std::size_t i = 0; i < spec.frequencies.size(); ++i) {
      const auto ramp =
          std::clamp((static_cast<float>(i) - static_cast<float>(low)) / static_cast<float>(high - low), 0.0F, 1.0F);
      const float plain = spec.frequencies[i];
      spec.frequencies[i] = plain / static_cast<float>(factor) * ramp + plain * (1 - ramp);
    }
    return spec;
  }

  std::vector<float> longrope_frequencies(std::string_view key) const {
    const std::vector<double> factors = parameters_.reals(key);
    std::vector<float> frequencies = plain_frequencies(base_, width_);
    if (factors.size() != frequencies.size())
      throw Error(ErrorCode::kMalformed, config_.path(),
                  fmt::format("'{}' has {} numbers (expected {})", key, factors.size(), frequencies.size()));
    for (std::size_t i = 0; i < frequencies.size(); ++i) {
      if (!(factors[i] > 0)) refuse(key, factors[i]);
      const float power = std::pow(static_cast<float>(base_), static_cast<float>(2 * i) / static_cast<float>(width_));
      frequencies[i] = 1.0F / (static_cast<float>(factors[i]) * power);
    }
    return frequencies;
  }

  RotarySpec longrope() const {
    const double context = original(), factor = positive("factor", most() / context);
    const double given = parameters_.real("attention_factor").value_or(0);
    RotarySpec spec{longrope_frequencies("short_factor")};
    if (given != 0)
      spec.factor = static_cast<float>(given);
    else if (factor > 1)
      spec.factor = static_cast<float>(std::sqrt(1 + std::log(factor) / std::log(context)));
    spec.by_length = [context, near = spec.frequencies, far = longrope_frequencies("long_factor")](std::size_t length) {
      return static_cast<double>(length) > context ? far : near;
    };
    return spec;
  }

  const model::Config& config_;
  model::Config parameters_;
  std::string type_;
  double base_ = 0;
  std::size_t width_ = 0;
};

}  // namespace

RotarySpec rotary_settings(const model::Config& config, const RotaryDefaults& defaults, std::string_view layer_type) {
  return Rope(config, defaults, layer_type).spec();
}

RotarySpec plain_rotary(double base, std::size_t width) { return {plain_frequencies(base, width)}; }

}  // namespace pare::run
