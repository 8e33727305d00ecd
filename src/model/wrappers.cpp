#include "model/wrappers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace pare::model {
namespace {

/// No wrapper has a prefix of more components.
constexpr std::size_t kMostPrefixes = 8;

constexpr std::string_view kFirst = "module.";  ///< only in front: further back it may be a part of the model
constexpr std::array<std::string_view, 5> kAnywhere{"_orig_mod.", "_fsdp_wrapped_module.",
                                                    "_checkpoint_wrapped_module.", "_forward_module.", "base_layer."};

/// Removes `part` where it begins a component of the name.
bool remove_component(std::string& name, std::string_view part) {
  bool found = false;
  for (std::size_t at = name.find(part); at != std::string::npos; at = name.find(part, at)) {
    if (at != 0 && name[at - 1] != '.') {
      ++at;
      continue;
    }
    name.erase(at, part.size());
    found = true;
  }
  return found;
}

std::string strip(std::string_view from, std::set<std::string_view>& stripped) {
  std::string name(from);
  for (const std::string_view part : kAnywhere)
    if (remove_component(name, part)) stripped.insert(part);
  while (name.starts_with(kFirst)) {
    name.erase(0, kFirst.size());
    stripped.insert(kFirst);
  }
  return name;
}

}  // namespace

std::string without_wrappers(std::string_view name) {
  std::set<std::string_view> ignored;
  return strip(name, ignored);
}

std::vector<std::string> shared_prefixes(const Checkpoint& checkpoint) {
  std::vector<std::string> prefixes{""};
  const std::span<const TensorView> tensors = checkpoint.tensors();
  if (tensors.empty()) return prefixes;
  std::string shared = without_wrappers(tensors.front().name);
  for (const TensorView& tensor : tensors) {
    const std::string name = without_wrappers(tensor.name);
    const auto end = std::mismatch(shared.begin(), shared.end(), name.begin(), name.end()).first;
    shared.erase(end, shared.end());
  }
  for (std::size_t dot = shared.find('.'); dot != std::string::npos && prefixes.size() <= kMostPrefixes;
       dot = shared.find('.', dot + 1))
    prefixes.push_back(shared.substr(0, dot + 1));
  return prefixes;
}

std::string note_on_wrappers(const Checkpoint& checkpoint, std::string_view prefix) {
  std::set<std::string_view> stripped;
  for (const TensorView& tensor : checkpoint.tensors()) strip(tensor.name, stripped);
  if (!prefix.empty()) stripped.insert(prefix);
  if (stripped.empty()) return {};
  return fmt::format("'{}' in the names of tensors is a wrapper's and is left out", fmt::join(stripped, "' and '"));
}

}  // namespace pare::model
