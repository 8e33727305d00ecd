// Which weights go: magnitude and random pruning, global or per tensor, one by one or in patterns that hardware likes,
// at many levels at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pare/mask.h"
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

enum class Norm : std::uint8_t {
  kL1,    ///< sum of magnitudes
  kL2,    ///< root of the sum of squares
  kLInf,  ///< largest magnitude
};

/// "magnitude", "random".
std::string_view criterion_name(Criterion criterion) noexcept;
/// "global", "per-tensor".
std::string_view scope_name(Scope scope) noexcept;
/// "independent", "accumulate".
std::string_view schedule_name(Schedule schedule) noexcept;
/// "l1", "l2", "linf".
std::string_view norm_name(Norm norm) noexcept;

/// How much to prune: a fraction in [0, 1], or a number of weights, as PyTorch's `amount`.
struct Amount {
  double fraction = 0;
  std::optional<std::uint64_t> count;  ///< if set, fraction is ignored
  std::string label;                   ///< as the user wrote it, for directory names and tables

  /// "90", "99.9", "90%": percent. Throws Error for anything but a number in [0, 100].
  static Amount percent(std::string_view text);
  /// PyTorch's: "0.9" a fraction, "1000" a count. Throws Error.
  static Amount pytorch(std::string_view text);
  /// Weights (or rows, columns, blocks) to prune out of n: round-half-to-even(fraction * n), or count. Throws Error if
  /// count > n.
  std::uint64_t of(std::uint64_t n) const;
};

/// Which weights go together. Outputs and inputs are those of the layer y = Wx: a matrix stored [in, out] (GPT-2's
/// Conv1D) is taken as the [out, in] that it means, one of no linear layer as it is stored.
struct Pattern {
  enum class Kind : std::uint8_t {
    kUnstructured,  ///< each weight by itself
    /// Of every m consecutive weights along the input axis the n largest magnitudes stay, m - n go. What is left over
    /// at the end of the axis is a group of its own, of r < m weights, of which ceil(n * r / m) stay.
    kNOfM,
    kRows,     ///< whole outputs: ln_structured(dim=0) of a Linear, dim=1 of a Conv1D
    kColumns,  ///< whole inputs: ln_structured(dim=1) of a Linear, dim=0 of a Conv1D
    /// n outputs by m inputs. Blocks at the ends of the axes may be smaller: their sums are scaled to a whole block's.
    kBlocks,
  };
  Kind kind = Kind::kUnstructured;
  std::uint64_t n = 0, m = 0;  ///< for kNOfM and kBlocks

  /// "unstructured", "2:4", "rows", "columns", "1x8" (outputs x inputs). Throws Error for anything else, for N:M that
  /// keeps nothing or everything, and for sizes above 1024 (N:M) or 65536 (blocks).
  static Pattern parse(std::string_view text);
  std::string text() const;  ///< as parse() takes it
  /// The level that N:M fixes: 1 - n/m.
  std::optional<Amount> level() const;
  /// Whether weights go by rows, columns or blocks, in the order of their norm.
  bool has_norm() const noexcept { return kind >= Kind::kRows; }
  bool operator==(const Pattern&) const = default;
};

/// The levels that patterns among these fix, each once.
std::vector<Amount> fixed_levels(const std::vector<Pattern>& patterns);

/// Tensors that share a threshold and lose an amount of their own: a unit of a non-uniform allocation.
struct PruneSet {
  std::string name;                  ///< for people
  std::vector<std::string> tensors;  ///< globs over parameter names
  Amount amount;
};

/// Reads the file that write_levels() made or a user wrote. Throws Error naming the entry that is wrong.
std::vector<PruneSet> read_levels(const std::filesystem::path& path);
/// Writes sets as JSON (docs/formats.md); `force` replaces an existing file. Throws Error.
void write_levels(const std::vector<PruneSet>& sets, const std::filesystem::path& path, bool force = false);
/// A glob that matches this name alone.
std::string glob_of(std::string_view name);

struct PruneOptions {
  std::vector<Amount> levels;  ///< must be empty where the pattern fixes the level
  /// If not empty, the one level is made of these, and levels, scope and what selects parameters must be left alone.
  /// Magnitude only; every parameter belongs to one set at most.
  std::vector<PruneSet> sets;
  Criterion criterion = Criterion::kMagnitude;
  Scope scope = Scope::kGlobal;
  Schedule schedule = Schedule::kIndependent;
  /// Other than kUnstructured: by magnitude only, of matrices only, without sets. Rows, columns and N:M are pruned in
  /// each tensor by itself, whatever the scope; amounts are of rows, columns or blocks, not of weights.
  Pattern pattern = {};
  Norm norm = Norm::kL1;             ///< by which rows, columns and blocks are ranked
  std::uint64_t seed = 0;            ///< for Criterion::kRandom
  std::vector<std::string> include;  ///< globs over parameter names; empty: the class default
  std::vector<std::string> exclude;  ///< globs taken away again
  std::vector<Group> groups;         ///< if not empty: 2-D and other weights of these groups

  /// Whether anything says how much to prune: a level, a set, or the pattern.
  bool prunes() const;
};

/// What one level does to one tensor.
struct TensorCut {
  std::uint64_t pruned = 0;  ///< weights set to 0 (those already 0 included)
  std::uint64_t zeros = 0;   ///< zeros afterwards
  Mask mask;                 ///< which weights those are
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
  PruneOptions options;                     ///< levels, and the scope where the pattern fixes it, as they are meant
  std::vector<std::string> notes = {};      ///< sentences for people: on axes that the pattern does not divide
  std::vector<std::size_t> parameters;      ///< indices into Model::parameters, in model order
  std::uint64_t candidates = 0;             ///< elements of those
  std::vector<std::uint64_t> zeros_before;  ///< one per entry of parameters
  std::vector<LevelPlan> levels;            ///< in the order asked for
};

/// Indices of the parameters that `options` selects. Throws Error if a glob or group matches
/// nothing, or a matching tensor's dtype cannot be pruned.
std::vector<std::size_t> select_parameters(const Model& model, const PruneOptions& options);

/// Decides every level's cuts without writing anything. Reads the weights two or three times,
/// sorts nothing. Ties: the first in order go, tensors in model order, elements, rows, columns and blocks in C order
/// of the matrix as it is stored; -0 equals 0. NaN is larger than everything, as in torch.topk, and so is what holds
/// one; among NaNs the pattern's magnitude decides. Norms are sums in double: over the stored rows of a block in order,
/// and over a row's elements in eight lanes, element i going to lane i mod 8, lanes added in order. Throws Error,
/// Interrupted.
PrunePlan plan_pruning(const Model& model, const PruneOptions& options, const Context& context = {});

/// `model` as it is after level `level` of the plan, in memory: pruned tensors are copied, the others shared.
/// Independent of `model` and `plan` afterwards. Throws Interrupted.
Model pruned_model(const Model& model, const PrunePlan& plan, std::size_t level, const Context& context = {});

struct WriteOptions {
  bool force = false;  ///< replace an existing output that pare wrote
};

/// Where level `i` of the plan goes: `out` itself for a single level, else out/sparsity-LABEL.
std::filesystem::path level_directory(const PrunePlan& plan, std::size_t level, const std::filesystem::path& out);

/// Writes a checkpoint per level that from_pretrained loads: safetensors sharded and headed like
/// the source, untouched tensors bit for bit, config and side files, pare.json. Everything
/// appears at once (written beside, fsynced, renamed) or not at all. Throws Error, Interrupted.
void write_pruned(const Model& model, const PrunePlan& plan, const std::filesystem::path& out,
                  const WriteOptions& options = {}, const Context& context = {});

}  // namespace pare
