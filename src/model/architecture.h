// An architecture as data: which parameters a class has, in the order of named_parameters().
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/name_index.h"
#include "model/config.h"
#include "pare/model.h"

namespace pare::model {

/// The role of a parameter. It determines the group, the orientation, whether the parameter is pruned by default, and
/// how transformers initializes it when a checkpoint lacks it.
enum class Role : std::uint8_t {
  kEmbedding,
  kPositionBias,
  kQ,
  kK,
  kV,
  kO,
  kQkv,
  kFeedForward,  // weights of torch.nn.Linear
  kConvQ,
  kConvQkv,
  kConvO,
  kConvFeedForward,  // weights of transformers' Conv1D
  kNorm,
  kBias,
  kHead,         // Linear weights of poolers and outputs
  kLinear,       // Linear weights of no group
  kRouter,       // not pruned by default
  kExperts,      // 3-D, not pruned by default: one [out, in] matrix for each expert
  kConvExperts,  // the same, [in, out]
  kOther,        // neither matrices, norms, biases nor embeddings
};

/// Layers with a higher index are refused, or in an unknown model not taken for layers.
inline constexpr unsigned kMostBlocks = 10'000;

class Names;

/// What a class's rows can depend on.
struct Site {
  const Config& config;
  const Names& names;
  int layer = -1;
};
using Condition = bool (*)(const Site& site);

/// A row without a slot gets that of its role (kQ, kConvQkv, ...); a bias without one, that of the row before it.
struct Row {
  std::string_view name;
  Role role;
  std::optional<Slot> slot = std::nullopt;
  Condition occurs = nullptr;  ///< default: always
};
using Rows = std::vector<Row>;

/// One parameter that a class has.
struct Expected {
  std::string name;  ///< canonical
  Role role = Role::kBias;
  Slot slot = Slot::kNone;
  std::string stack;
  int layer = -1;
  bool cross_attention = false;
  int expert = -1;
};

/// A class of a family, laid out for one configuration.
struct Architecture {
  std::string class_name;
  std::vector<Expected> parameters;
  /// Prefix of the encoder's names in classes with a head, e.g. "bert."; files may hold names with or without it.
  std::string prefix;
  /// Pairs of canonical names (both in `parameters`) that are one parameter under the first of the two names, unless
  /// the files hold both and they differ.
  std::vector<std::pair<std::string, std::string>> ties;
  /// Parts of canonical names and what older files have instead.
  std::vector<std::pair<std::string_view, std::string_view>> spellings;
  /// Globs of tensors that are buffers of the class.
  std::vector<std::string> buffers;
};

/// The names in a checkpoint, which decide what its configuration leaves open. What a wrapper has added to them is left
/// out: see wrappers.h.
class Names {
 public:
  /// `prefix` is one that all names have behind the wrappers' components, or empty.
  explicit Names(const Checkpoint& checkpoint, std::string prefix = {});
  Names(Names&&) = default;
  Names& operator=(Names&&) = default;
  const std::string& prefix() const noexcept { return prefix_; }
  /// The name of checkpoint.tensors()[index] without what a wrapper has added.
  std::string_view name(std::size_t index) const {
    return names_.empty() ? std::string_view(checkpoint_.tensors()[index].name) : names_[index];
  }
  /// Index of the tensor with this name; nullopt if there is none.
  std::optional<std::size_t> find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name).has_value(); }
  /// True if the name of some tensor is `ending` or ends with "." + `ending`.
  bool has_ending(std::string_view ending) const;
  bool has_match(std::string_view glob) const;
  /// One more than the highest number between `before` and a following '.', over all tensors whose
  /// names hold it at their start or after a '.'; 0 if there is none. Throws Error beyond 10,000.
  unsigned count_blocks(std::string_view before) const;

 private:
  template <class Matches>
  bool any(const Matches& matches) const;

  Checkpoint checkpoint_;
  std::string prefix_;
  /// Ends of the tensors' names, or else in made_; empty if all are those of the tensors. There may be a million.
  std::vector<std::string_view> names_;
  std::deque<std::string> made_;
  checkpoint::NameIndex index_;  ///< of names_, of two equal ones the first
};

/// Number of blocks: the first of `keys` in the configuration, else as the names of the tensors show. Throws Error for
/// more than 10,000.
unsigned block_count(const Config& config, const std::vector<std::string_view>& keys, unsigned shown);

/// The rows whose conditions hold.
Rows occurring(const Rows& rows, const Site& site);

/// Appends `rows`, whose conditions do not count, under a prefix, in which "{i}" stands for the block's index.
void append_rows(Architecture& architecture, std::string_view prefix, const Rows& rows, int layer = -1,
                 const std::string& stack = {}, bool cross_attention = false);

/// A canonical name as older files spell it.
std::string older_spelling(const Architecture& architecture, std::string name);

Group group_of(Role role) noexcept;
Orientation orientation_of(Role role) noexcept;
/// The slot that a role alone determines: those of attention's projections; kNone for others.
Slot slot_of(Role role) noexcept;
/// Whether weights of this role are those of a Linear or Conv1D layer.
bool is_prunable(Role role) noexcept;
/// Whether tensors of this role have three axes.
bool is_stack_of_experts(Role role) noexcept;

}  // namespace pare::model
