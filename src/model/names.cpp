// Names of groups, and globs over names of parameters.
#include <array>
#include <utility>

#include "pare/error.h"
#include "pare/model.h"

namespace pare {
namespace {

constexpr std::array<std::pair<Group, std::string_view>, 12> kGroups{{
    {Group::kEmbedding, "embedding"},
    {Group::kAttentionQ, "attention.q"},
    {Group::kAttentionK, "attention.k"},
    {Group::kAttentionV, "attention.v"},
    {Group::kAttentionO, "attention.o"},
    {Group::kAttentionQkv, "attention.qkv"},
    {Group::kFeedForward, "feed-forward"},
    {Group::kNorm, "norm"},
    {Group::kBias, "bias"},
    {Group::kHead, "head"},
    {Group::kPositionBias, "position-bias"},
    {Group::kOther, "other"},
}};

/// Matches one character against a set that begins after '['. Sets `end` past its ']'; returns
/// nullopt if there is no ']' (then '[' stands for itself, as in Python's fnmatch).
std::optional<bool> match_set(std::string_view pattern, std::size_t begin, char c, std::size_t& end) {
  std::size_t at = begin;
  const bool negated = at < pattern.size() && pattern[at] == '!';
  if (negated) ++at;
  const std::size_t first = at;
  std::size_t close = pattern.find(']', first + (first < pattern.size() && pattern[first] == ']' ? 1 : 0));
  if (close == std::string_view::npos) return std::nullopt;
  bool matched = false;
  for (; at < close; ++at) {
    if (at + 2 < close && pattern[at + 1] == '-') {
      matched |= pattern[at] <= c && c <= pattern[at + 2];
      at += 2;
    } else {
      matched |= pattern[at] == c;
    }
  }
  end = close + 1;
  return matched != negated;
}

}  // namespace

std::string_view group_name(Group group) noexcept {
  for (const auto& [value, name] : kGroups)
    if (value == group) return name;
  return "other";
}

std::vector<Group> parse_groups(std::string_view name) {
  std::vector<Group> groups;
  for (const auto& [value, known] : kGroups)
    if (name == known || (name == "attention" && known.starts_with("attention."))) groups.push_back(value);
  if (!groups.empty()) return groups;
  std::string all = "attention";
  for (const auto& row : kGroups) all += ", " + std::string(row.second);
  throw Error(ErrorCode::kArgument, "unknown group '" + std::string(name) + "' (expected one of " + all + ")");
}

bool glob_match(std::string_view pattern, std::string_view name) {
  // Greedy matching with a single backtracking point: linear in practice, never exponential.
  std::size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    bool matched = false;
    std::size_t next = p + 1;
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
      continue;
    }
    if (p < pattern.size() && pattern[p] == '?') {
      matched = true;
    } else if (p < pattern.size() && pattern[p] == '[') {
      matched = match_set(pattern, p + 1, name[n], next).value_or(name[n] == '[');
    } else if (p < pattern.size()) {
      matched = pattern[p] == name[n];
    }
    if (matched) {
      p = next;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::vector<TensorView> measured_tensors(const Model& model) {
  std::vector<TensorView> tensors;
  for (const Parameter& parameter : model.parameters)
    if (is_analyzed(model.tensor(parameter).dtype)) tensors.push_back(model.tensor(parameter));
  return tensors;
}

std::uint64_t Model::parameter_count() const noexcept {
  std::uint64_t count = 0;
  for (const Parameter& parameter : parameters) count += tensor(parameter).elements();
  return count;
}

}  // namespace pare
