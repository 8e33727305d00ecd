// Parses patterns and prints them.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "pare/error.h"
#include "pare/prune.h"

namespace pare {
namespace {

constexpr std::uint64_t kLargestGroup = 1024, kLargestSide = 65536;

/// Two numbers around a separator, as "2:4" or "1x8"; nullopt for anything else.
std::optional<std::pair<std::uint64_t, std::uint64_t>> two_numbers(std::string_view text, char sign) {
  std::uint64_t first = 0, second = 0;
  const char* end = text.data() + text.size();
  const auto [middle, failure] = std::from_chars(text.data(), end, first);
  if (failure != std::errc() || middle == end || *middle != sign) return std::nullopt;
  const auto [rest, failure_after] = std::from_chars(middle + 1, end, second);
  if (failure_after != std::errc() || rest != end) return std::nullopt;
  return std::pair{first, second};
}

}  // namespace

std::string_view norm_name(Norm norm) noexcept {
  switch (norm) {
    case Norm::kL1:
      return "l1";
    case Norm::kL2:
      return "l2";
    case Norm::kLInf:
      return "linf";
  }
  return "";
}

Pattern Pattern::parse(std::string_view text) {
  const auto fail = [&](const std::string& cause) {
    throw Error(ErrorCode::kArgument, fmt::format("pattern '{}' {}", text, cause));
  };
  if (text == "unstructured") return {};
  if (text == "rows") return {Kind::kRows, 0, 0};
  if (text == "columns") return {Kind::kColumns, 0, 0};
  if (const auto numbers = two_numbers(text, ':')) {
    const auto [n, m] = *numbers;
    if (n == 0) fail("keeps nothing: N of N:M is at least 1");
    if (n >= m) fail("removes nothing: N of N:M is less than M");
    if (m > kLargestGroup) fail(fmt::format("has groups of more than {} weights", kLargestGroup));
    return {Kind::kNOfM, n, m};
  }
  if (const auto numbers = two_numbers(text, 'x')) {
    const auto [rows, columns] = *numbers;
    if (rows == 0 || columns == 0) fail("has empty blocks");
    if (rows > kLargestSide || columns > kLargestSide) fail(fmt::format("has blocks longer than {}", kLargestSide));
    return {Kind::kBlocks, rows, columns};
  }
  fail("is not one of unstructured, N:M (as 2:4), rows, columns, RxC (as 1x8)");
  return {};
}

std::string Pattern::text() const {
  switch (kind) {
    case Kind::kUnstructured:
      return "unstructured";
    case Kind::kNOfM:
      return fmt::format("{}:{}", n, m);
    case Kind::kRows:
      return "rows";
    case Kind::kColumns:
      return "columns";
    case Kind::kBlocks:
      return fmt::format("{}x{}", n, m);
  }
  return {};
}

std::optional<Amount> Pattern::level() const {
  if (kind != Kind::kNOfM) return std::nullopt;
  const double fraction = static_cast<double>(m - n) / static_cast<double>(m);
  return Amount{fraction, std::nullopt, fmt::format("{:.4g}", 100 * fraction)};
}

std::vector<Amount> fixed_levels(const std::vector<Pattern>& patterns) {
  std::vector<Amount> levels;
  for (const Pattern& pattern : patterns) {
    const std::optional<Amount> level = pattern.level();
    if (level && std::none_of(levels.begin(), levels.end(), [&](const Amount& a) { return a.label == level->label; }))
      levels.push_back(*level);
  }
  return levels;
}

}  // namespace pare
