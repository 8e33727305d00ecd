#include "prune/amount.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "pare/error.h"

namespace pare {
namespace {

/// The whole text as a number, or nullopt.
std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace

Amount Amount::percent(std::string_view text) {
  std::string digits(text);
  if (!digits.empty() && digits.back() == '%') digits.pop_back();
  const std::optional<double> value = parse_number(digits);
  if (!value || *value < 0 || *value > 100)
    throw Error(ErrorCode::kArgument, "level '" + std::string(text) + "' is not a percentage between 0 and 100");
  // "99.9" percent must be the double nearest to 0.999, as PyTorch users write it. 99.9 / 100 may differ from it, so
  // the decimal point is shifted in the text instead.
  const bool has_exponent = digits.find_first_of("eE") != std::string::npos;
  const double fraction = has_exponent ? *value / 100 : parse_number(digits + "e-2").value_or(*value / 100);
  return {fraction, std::nullopt, fmt::format("{}", *value + 0.0)};
}

Amount Amount::pytorch(std::string_view text) {
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc() && end == text.data() + text.size()) return {0, count, fmt::format("amount-{}", count)};
  const std::optional<double> fraction = parse_number(text);
  if (!fraction || *fraction < 0 || *fraction > 1)
    throw Error(ErrorCode::kArgument,
                "amount '" + std::string(text) + "' is neither a fraction between 0.0 and 1.0 nor a number of weights");
  return {*fraction, std::nullopt, fmt::format("amount-{}", *fraction + 0.0)};
}

std::uint64_t Amount::of(std::uint64_t n) const {
  if (!count && !(fraction >= 0 && fraction <= 1))  // NaN, too
    throw Error(ErrorCode::kArgument, fmt::format("amount {} is not a fraction between 0 and 1", fraction));
  if (!count) return static_cast<std::uint64_t>(std::nearbyint(fraction * static_cast<double>(n)));
  if (*count > n)
    throw Error(ErrorCode::kArgument,
                fmt::format("amount {} is more than the {} weights there are to prune", *count, n));
  return *count;
}

namespace prune {

std::vector<std::uint64_t> level_counts(const PruneOptions& options, std::uint64_t n) {
  std::vector<std::uint64_t> counts;
  std::uint64_t gone = 0;
  for (const Amount& amount : options.levels) {
    if (options.schedule == Schedule::kIndependent) gone = 0;
    gone += amount.of(n - gone);
    counts.push_back(gone);
  }
  return counts;
}

}  // namespace prune

}  // namespace pare
