#include "model/architecture.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "model/wrappers.h"
#include "pare/error.h"

namespace pare::model {
namespace {

std::string with_index(std::string_view pattern, int layer) {
  std::string name(pattern);
  if (const auto at = name.find("{i}"); at != std::string::npos) name.replace(at, 3, std::to_string(layer));
  return name;
}

}  // namespace

Names::Names(const Checkpoint& checkpoint, std::string prefix) : checkpoint_(checkpoint), prefix_(std::move(prefix)) {
  const std::span<const TensorView> tensors = checkpoint.tensors();
  const auto bare = [&](const TensorView& tensor) {
    std::string name = without_wrappers(tensor.name);
    if (name.starts_with(prefix_)) name.erase(0, prefix_.size());
    return name;
  };
  if (std::all_of(tensors.begin(), tensors.end(),
                  [&](const TensorView& tensor) { return bare(tensor) == tensor.name; }))
    return;
  names_.reserve(tensors.size());
  for (const TensorView& tensor : tensors) {
    std::string name = bare(tensor);
    const std::string_view whole = tensor.name;
    names_.push_back(whole.ends_with(name) ? whole.substr(whole.size() - name.size())
                                           : std::string_view(made_.emplace_back(std::move(name))));
    index_.add(names_.size() - 1, [this](std::size_t i) { return names_[i]; });
  }
}

std::optional<std::size_t> Names::find(std::string_view name) const {
  if (names_.empty()) {
    const TensorView* tensor = checkpoint_.find(name);
    return tensor == nullptr ? std::nullopt
                             : std::optional(static_cast<std::size_t>(tensor - checkpoint_.tensors().data()));
  }
  return index_.find(name, [this](std::size_t i) { return names_[i]; });
}

template <class Matches>
bool Names::any(const Matches& matches) const {
  for (std::size_t i = 0; i < checkpoint_.tensors().size(); ++i)
    if (matches(name(i))) return true;
  return false;
}

bool Names::has_ending(std::string_view ending) const {
  return any([ending](std::string_view name) {
    return name.ends_with(ending) && (name.size() == ending.size() || name[name.size() - ending.size() - 1] == '.');
  });
}

bool Names::has_match(std::string_view glob) const {
  return any([glob](std::string_view name) { return glob_match(glob, name); });
}

unsigned Names::count_blocks(std::string_view before) const {
  unsigned count = 0;
  for (std::size_t i = 0; i < checkpoint_.tensors().size(); ++i) {
    const std::string_view name = this->name(i);
    for (auto at = name.find(before); at != std::string_view::npos; at = name.find(before, at + 1)) {
      if (at != 0 && name[at - 1] != '.') continue;
      const char *begin = name.data() + at + before.size(), *past = name.data() + name.size();
      unsigned index = 0;
      const auto [end, error] = std::from_chars(begin, past, index);
      if (error == std::errc::invalid_argument || end == past || *end != '.') continue;
      if (error != std::errc() || index >= kMostBlocks) {
        const TensorView& tensor = checkpoint_.tensors()[i];
        throw Error(ErrorCode::kLimit, checkpoint_.files()[tensor.file].path, tensor.name,
                    fmt::format("its name has a layer number that is too large (expected less than {})", kMostBlocks));
      }
      count = std::max(count, index + 1);
    }
  }
  return count;
}

unsigned block_count(const Config& config, const std::vector<std::string_view>& keys, unsigned shown) {
  for (const std::string_view key : keys) {
    const std::optional<std::uint64_t> blocks = config.number(key);
    if (!blocks) continue;
    if (*blocks > kMostBlocks)
      throw Error(ErrorCode::kLimit, config.path(),
                  fmt::format("'{}' is too large (expected at most {}, found {})", key, kMostBlocks, *blocks));
    return static_cast<unsigned>(*blocks);
  }
  return shown;
}

Rows occurring(const Rows& rows, const Site& site) {
  Rows left;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(left),
               [&site](const Row& row) { return row.occurs == nullptr || row.occurs(site); });
  return left;
}

void append_rows(Architecture& architecture, std::string_view prefix, const Rows& rows, int layer,
                 const std::string& stack, bool cross_attention) {
  Slot before = Slot::kNone;
  for (const Row& row : rows) {
    const Slot slot = row.slot ? *row.slot : row.role == Role::kBias ? before : slot_of(row.role);
    architecture.parameters.push_back(
        {with_index(prefix, layer) + std::string(row.name), row.role, slot, stack, layer, cross_attention});
    before = slot;
  }
}

std::string older_spelling(const Architecture& architecture, std::string name) {
  for (const auto& [part, spelling] : architecture.spellings)
    if (const auto at = name.find(part); at != std::string::npos) name.replace(at, part.size(), spelling);
  return name;
}

Group group_of(Role role) noexcept {
  switch (role) {
    case Role::kEmbedding:
      return Group::kEmbedding;
    case Role::kPositionBias:
      return Group::kPositionBias;
    case Role::kQ:
    case Role::kConvQ:
      return Group::kAttentionQ;
    case Role::kK:
      return Group::kAttentionK;
    case Role::kV:
      return Group::kAttentionV;
    case Role::kO:
    case Role::kConvO:
      return Group::kAttentionO;
    case Role::kConvQkv:
    case Role::kQkv:
      return Group::kAttentionQkv;
    case Role::kFeedForward:
    case Role::kConvFeedForward:
    case Role::kExperts:
    case Role::kConvExperts:
      return Group::kFeedForward;
    case Role::kNorm:
      return Group::kNorm;
    case Role::kBias:
      return Group::kBias;
    case Role::kHead:
      return Group::kHead;
    case Role::kLinear:
    case Role::kRouter:
    case Role::kOther:
      return Group::kOther;
  }
  return Group::kOther;
}

Orientation orientation_of(Role role) noexcept {
  switch (role) {
    case Role::kConvQ:
    case Role::kConvQkv:
    case Role::kConvO:
    case Role::kConvFeedForward:
    case Role::kConvExperts:
      return Orientation::kInOut;
    case Role::kEmbedding:
    case Role::kPositionBias:
    case Role::kNorm:
    case Role::kBias:
    case Role::kOther:
      return Orientation::kNone;
    default:
      return Orientation::kOutIn;
  }
}

Slot slot_of(Role role) noexcept {
  switch (role) {
    case Role::kQ:
    case Role::kConvQ:
      return Slot::kQ;
    case Role::kK:
      return Slot::kK;
    case Role::kV:
      return Slot::kV;
    case Role::kConvQkv:
    case Role::kQkv:
      return Slot::kQkv;
    case Role::kO:
    case Role::kConvO:
      return Slot::kO;
    case Role::kPositionBias:
      return Slot::kPositionBias;
    default:
      return Slot::kNone;
  }
}

bool is_prunable(Role role) noexcept {
  return orientation_of(role) != Orientation::kNone && role != Role::kRouter && !is_stack_of_experts(role);
}

bool is_stack_of_experts(Role role) noexcept { return role == Role::kExperts || role == Role::kConvExperts; }

}  // namespace pare::model
