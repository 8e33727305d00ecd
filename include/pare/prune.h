// Which weights go: magnitude and random pruning, global or per tensor, at many levels at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pare/model.h"

namespace pare {

enum class Criterion : std::uint8_t {
  kMagnitude,  ///< smallest |w| first: torch.nn.utils.prune.L1Unstructured
  kRandom,     ///< uniformly at random from a seed: RandomUnstructured (same counts, not same draw)
};
enum class Scope : std::uint8_t {
  kGlobal,     ///< one threshold over all pruned tensors: global_unstructured
  kPerTensor,  ///< the same amount of each tensor: l1_unstructured, random_unstructured
};
enum class Schedule : std::uint8_t {
  kIndependent,  ///< every level starts from the original weights
  kAccumulate,   ///< each level prunes its amount of what the level before left, as repeated calls
                 ///< of torch.nn.utils.prune on one module do
};

/// How much to prune: a fraction in [0, 1], or a number of weights, as PyTorch's `amount`.
struct Amount {
  double fraction = 0;
  std::optional<std::uint64_t> count;  ///< if set, fraction is ignored
  std::string label;                   ///< as the user wrote it, for directory names and tables

  /// "90", "99.9", "90%": percent. Throws Error for what is no number in [0, 100].
  static Amount percent(std::string_view text);
  /// PyTorch's: "0.9" a fraction, "1000" a count. Throws Error.
  static Amount pytorch(std::string_view text);
  /// Weights to prune out of n: round-half-to-even(fraction * n), or count. Throws Error if count > n.
  std::uint64_t of(std::uint64_t n) const;
};

/// Tensors that share a threshold and lose an amount of their own: a unit of a non-uniform allocation.
struct PruneSet {
  std::string name;                  ///< for people
  std::vector<std::string> tensors;  ///< globs over parameter names
  Amount amount;
};

/// Reads the file that write_levels() made or a user wrote. Throws Error naming the entry that is wrong.
std::vector<PruneSet> read_levels(const std::filesystem::path& path);
/// Writes sets as JSON (docs/formats.md). Throws Error.
void write_levels(const std::vector<PruneSet>& sets, const std::filesystem::path& path);
/// A glob that matches this name alone.
std::string glob_of(std::string_view name);

struct PruneOptions {
  std::vector<Amount> levels;
  /// If not empty, the one level is made of these, and levels, scope and what selects parameters must be left alone.
  /// Magnitude only; every parameter belongs to one set at most.
  std::vector<PruneSet> sets;
  Criterion criterion = Criterion::kMagnitude;
  Scope scope = Scope::kGlobal;
  Schedule schedule = Schedule::kIndependent;
  std::uint64_t seed = 0;            ///< for Criterion::kRandom
  std::vector<std::string> include;  ///< globs over parameter names; empty: the class default
  std::vector<std::string> exclude;  ///< globs taken away again
  std::vector<Group> groups;         ///< if not empty: 2-D and other weights of these groups
  unsigned threads = 0;
};

/// What one level does to one tensor.
struct TensorCut {
  std::uint64_t pruned = 0;  ///< weights set to 0 (those already 0 included)
  std::uint64_t zeros = 0;   ///< zeros afterwards
  /// A weight goes if its score's key is below `key`, or equal to it at a flat index < tie_end.
  std::uint64_t key = 0;
  std::uint64_t tie_end = 0;
};

struct LevelPlan {
  Amount amount;
  std::uint64_t pruned = 0;  ///< over all pruned tensors
  std::uint64_t zeros = 0;   ///< afterwards, over all pruned tensors
  /// Largest magnitude that goes (global magnitude pruning); empty if nothing goes or for others.
  std::optional<double> threshold;
  std::vector<TensorCut> cuts;  ///< one per PrunePlan::parameters
};

struct PrunePlan {
  PruneOptions options;
  std::vector<std::size_t> parameters;      ///< indices into Model::parameters, in model order
  std::uint64_t candidates = 0;             ///< elements of those
  std::vector<std::uint64_t> zeros_before;  ///< one per entry of parameters
  std::vector<LevelPlan> levels;            ///< in the order asked for
};

/// Indices of the parameters that `options` selects. Throws Error if a glob or group matches
/// nothing, or a matching tensor's dtype cannot be pruned.
std::vector<std::size_t> select_parameters(const Model& model, const PruneOptions& options);

/// Decides every level's cuts without writing anything. Reads the weights two or three times,
/// sorts nothing. Ties: the first in order go, tensors in model order, elements in C order.
/// NaN is larger than everything, as in torch.topk. Throws Error, Interrupted.
PrunePlan plan_pruning(const Model& model, const PruneOptions& options);

/// `model` as it is after level `level` of the plan, in memory: pruned tensors are copied, the others shared.
/// Independent of `model` and `plan` afterwards. Throws Interrupted.
Model pruned_model(const Model& model, const PrunePlan& plan, std::size_t level, unsigned threads = 0);

struct WriteOptions {
  bool force = false;  ///< replace an existing output that pare wrote
  unsigned threads = 0;
  std::function<void(std::uint64_t bytes_done, std::uint64_t bytes_total)> progress;
};

/// Where level `i` of the plan goes: `out` itself for a single level, else out/sparsity-LABEL.
std::filesystem::path level_directory(const PrunePlan& plan, std::size_t level, const std::filesystem::path& out);

/// Writes a checkpoint per level that from_pretrained loads: safetensors sharded and headed like
/// the source, untouched tensors bit for bit, config and side files, pare.json. Everything
/// appears at once (written beside, fsynced, renamed) or not at all. Throws Error, Interrupted.
void write_pruned(const Model& model, const PrunePlan& plan, const std::filesystem::path& out,
                  const WriteOptions& options = {});

}  // namespace pare
