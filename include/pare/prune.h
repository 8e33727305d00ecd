// Pruning by magnitude, at random, by calibrated criteria (see pare/calibrate.h) or by a given mask, globally or per
// tensor, unstructured or in patterns that hardware supports, at several levels in one run:
//
//     const Model model = open_model("gpt2");
//     PruneOptions options;
//     options.levels = {Amount::percent("50"), Amount::percent("90")};
//     write_pruned(model, plan_pruning(model, options), "pruned");
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
  kRandom,     ///< uniformly at random from a seed: RandomUnstructured (same number of weights, not the same weights)
  kWanda,      ///< |w| times the L2 norm of its input, compared within each output (Sun et al. 2023)
  kSparseGpt,  ///< optimal brain surgeon, column by column; changes the other weights (Frantar and Alistarh 2023)
  kAlps,       ///< ADMM on the squared error of each linear; changes the other weights (Meng et al. 2024)
  kMask,       ///< what PruneOptions::mask says: torch.nn.utils.prune.custom_from_mask
};
enum class Scope : std::uint8_t {
  kGlobal,     ///< one threshold over all pruned tensors: global_unstructured
  kPerTensor,  ///< the same amount of each tensor: l1_unstructured, random_unstructured
};
enum class Schedule : std::uint8_t {
  kIndependent,  ///< every level starts from the original weights
  kAccumulate,   ///< each level prunes its amount of the weights that remain after the level before, as
                 ///< repeated calls of torch.nn.utils.prune on one module do
};

enum class Norm : std::uint8_t {
  kL1,    ///< sum of magnitudes
  kL2,    ///< root of the sum of squares
  kLInf,  ///< largest magnitude
};

/// "magnitude", "random", "wanda", "sparsegpt", "alps", "mask".
std::string_view criterion_name(Criterion criterion) noexcept;
/// Whether the criterion needs the inputs of linears on a text, so that plan_calibrated() makes its plans.
bool is_calibrated(Criterion criterion) noexcept;
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
  /// PyTorch's form: "0.9" and "1.0" are fractions, "1000" and "1" counts. Throws Error for anything else.
  static Amount pytorch(std::string_view text);
  /// Returns how many of n weights (or rows, columns, blocks) to prune: round-half-to-even(fraction * n), or count.
  /// Throws Error (kArgument) if count > n, or if there is no count and fraction is not between 0 and 1.
  std::uint64_t of(std::uint64_t n) const;
};

/// Which weights are pruned together. Outputs and inputs are those of y = Wx: a matrix stored as [in, out] (GPT-2's
/// Conv1D) is treated as its [out, in] transpose. A matrix that does not belong to a linear is used as stored.
struct Pattern {
  enum class Kind : std::uint8_t {
    kUnstructured,  ///< each weight by itself
    /// Of every m consecutive weights along the input axis, the n that rank highest by the criterion remain. Of r < m
    /// weights at the end of the axis, ceil(n * r / m) remain.
    kNOfM,
    kRows,     ///< whole outputs: ln_structured(dim=0) of a Linear, dim=1 of a Conv1D
    kColumns,  ///< whole inputs: ln_structured(dim=1) of a Linear, dim=0 of a Conv1D
    /// n outputs by m inputs. Blocks at the ends of the axes may be smaller. For comparison, their L1 norm is
    /// multiplied by (elements of a whole block / their elements), their L2 norm by the root of that; LInf stays as it
    /// is.
    kBlocks,
  };
  Kind kind = Kind::kUnstructured;
  std::uint64_t n = 0, m = 0;  ///< for kNOfM and kBlocks

  /// "unstructured", "2:4", "rows", "columns", "1x8" (outputs x inputs). Throws Error for anything else, for N:M that
  /// keeps nothing or everything, and for sizes above 1024 (N:M) or 65536 (blocks).
  static Pattern parse(std::string_view text);
  std::string text() const;  ///< as parse() takes it
  /// Returns the level 1 - n/m of an N:M pattern, nullopt for others.
  std::optional<Amount> level() const;
  /// Whether whole rows, columns or blocks are pruned, ranked by their norm.
  bool has_norm() const noexcept { return kind >= Kind::kRows; }
  bool operator==(const Pattern&) const = default;
};

/// Returns the distinct levels that the N:M patterns among `patterns` fix.
std::vector<Amount> fixed_levels(const std::vector<Pattern>& patterns);

/// Tensors that are pruned together, with one threshold, by an amount of their own. Several sets make one level whose
/// sparsity differs from set to set; a file of sets is called a levels file.
struct PruneSet {
  std::string name;                  ///< shown in messages and tables
  std::vector<std::string> tensors;  ///< globs over parameter names
  Amount amount;
};

/// Reads a file that write_levels() or a user wrote. Throws Error naming the entry that is wrong.
std::vector<PruneSet> read_levels(const std::filesystem::path& path);
/// Writes sets as JSON (docs/formats.md); `force` replaces an existing file. Throws Error: kExists, kIo, kNoSpace.
void write_levels(const std::vector<PruneSet>& sets, const std::filesystem::path& path, bool force = false);
/// Returns a glob that matches this name only.
std::string glob_of(std::string_view name);

struct PruneOptions {
  std::vector<Amount> levels;  ///< must be empty for an N:M pattern, which fixes the level
  /// If not empty, these sets make the only level; `levels`, `scope`, `include`, `exclude` and `groups` must then keep
  /// their defaults, and `criterion` must not be kRandom. A parameter may belong to one set at most.
  std::vector<PruneSet> sets;
  Criterion criterion = Criterion::kMagnitude;
  /// For Criterion::kMask, which makes the only level; `levels`, `sets` and `pattern` must then keep their defaults.
  /// Either of:
  /// - a mask file: a checkpoint file with a tensor for each parameter that holds 1 for weights that are kept and 0 for
  ///   those that are pruned, of type BOOL or U8 or, if its name ends in "_mask", of a floating-point type. The names
  ///   (without "_mask") are those of parameters, or of tensors of the model's files;
  /// - another model, as open_model() takes it: what is 0 there is pruned.
  /// Parameters without a mask stay as they are, and so do those that the filters below leave out.
  std::string mask;
  Scope scope = Scope::kGlobal;  ///< rows, columns, N:M and calibrated criteria do not use it
  Schedule schedule = Schedule::kIndependent;
  /// Patterns other than kUnstructured prune matrices only, by magnitude (N:M also by calibrated criteria), and cannot
  /// be combined with `sets`. Rows, columns and N:M are always pruned per tensor; blocks follow `scope`. Amounts of
  /// rows, columns and blocks count these, not weights.
  Pattern pattern = {};
  /// Whether, after any criterion has chosen, the remaining weights of each linear are adjusted so that its outputs on
  /// a text stay close to those with all weights. Then plan_calibrated() (pare/calibrate.h) makes the plan.
  bool refit = false;
  /// Share of the mean of the diagonal of the inputs' products that is added to the diagonal: SparseGPT's percdamp,
  /// which Criterion::kAlps, `refit` and AllocationKind::kSecondOrder of these use, too. From 1e-8 to 1.
  double damping = 0.01;
  /// SparseGPT's blocksize: number of a matrix's columns among which its weights are chosen, at least 1. For an N:M
  /// pattern, of which each group is chosen by itself, rounded down to a multiple of M, but at least M.
  std::size_t block_size = 128;
  Norm norm = Norm::kL1;   ///< by which rows, columns and blocks are ranked
  std::uint64_t seed = 0;  ///< for Criterion::kRandom
  /// Globs over parameter names. If both `include` and `groups` are empty, parameters with Parameter::prunable are
  /// selected. Otherwise prunable is ignored, so embeddings and biases can be selected, too. A parameter must match one
  /// of the globs, if there are any, and one of the groups, if there are any.
  std::vector<std::string> include;
  std::vector<std::string> exclude;  ///< globs of parameters to leave out
  std::vector<Group> groups;         ///< if not empty, only parameters of these groups are selected

  /// Whether a level, a set, the pattern or a mask says how much to prune.
  bool prunes() const;
};

/// The weights among which the smallest are pruned: "global", "per-tensor"; "per-row" for Wanda; "sets" for a levels
/// file.
std::string_view scope_name(const PruneOptions& options) noexcept;

/// The text on which a calibrated criterion ran the model.
struct CalibrationRecord {
  std::string file;                         ///< name of the text's file, without directories
  std::uint64_t bytes = 0;                  ///< its size
  std::string xxh3_128;                     ///< its hash
  std::uint64_t sequences = 0, length = 0;  ///< pieces of the text, and tokens of each
  std::uint64_t seed = 0;
  /// Name of the file of statistics that took the place of the text (CalibrationOptions::statistics), without
  /// directories. Its inputs are those of the model as it was; otherwise they are what pruned layers compute.
  std::string statistics = {};
  bool true_sequential = true;  ///< CalibrationOptions::true_sequential; without a meaning for statistics
};

/// The mask that was given.
struct MaskRecord {
  std::string file;         ///< name of the file or model, without directories
  std::uint64_t bytes = 0;  ///< size of the file; 0 for a model
  std::string xxh3_128;     ///< its hash; empty for a model
};

/// What one level does to one tensor.
struct TensorCut {
  /// Number of weights that are set to 0. Includes weights that were 0 before, and with Schedule::kAccumulate also
  /// those that earlier levels prune.
  std::uint64_t pruned = 0;
  std::uint64_t zeros = 0;  ///< number of zeros after pruning
  Mask mask;                ///< selects the pruned weights
};

struct LevelPlan {
  Amount amount;
  std::uint64_t pruned = 0;  ///< over all pruned tensors
  std::uint64_t zeros = 0;   ///< number of zeros after pruning, over all pruned tensors
  /// Largest pruned |w|. Set only for global, unstructured magnitude pruning, and only if anything is pruned.
  std::optional<double> threshold;
  std::vector<TensorCut> cuts;  ///< one per PrunePlan::parameters
  /// The level of each matrix, if an allocation (pare/calibrate.h) made them differ. As PruneOptions::sets, or written
  /// as a levels file, they prune the same number of weights of each matrix.
  std::vector<PruneSet> sets = {};
};

struct PrunePlan {
  PruneOptions options;                     ///< those in effect, with the level and scope that the pattern fixes
  std::vector<std::string> notes = {};      ///< sentences for people, e.g. about axes that the pattern does not divide
  std::vector<std::size_t> parameters;      ///< indices into Model::parameters, in model order
  std::uint64_t candidates = 0;             ///< number of elements of these parameters
  std::vector<std::uint64_t> zeros_before;  ///< one per entry of parameters
  std::vector<LevelPlan> levels;            ///< in the order of PruneOptions::levels
  std::optional<CalibrationRecord> calibration = {};  ///< of a calibrated criterion
  std::optional<MaskRecord> mask = {};                ///< of Criterion::kMask
};

/// Indices of the parameters that `options` selects. Throws Error if a glob or group matches
/// nothing, or a matching tensor's dtype cannot be pruned.
std::vector<std::size_t> select_parameters(const Model& model, const PruneOptions& options);

/// Returns the weights to prune at every level; writes nothing. For calibrated criteria and `refit`, call
/// plan_calibrated() (pare/calibrate.h) instead. In a group of processes, each gets the whole plan. Throws Error for
/// options that contradict each other or do not suit the model, and for damaged data; Interrupted. Reads the weights
/// two or three times, however many levels there are (more for very many blocks; see docs/architecture.md).
///
/// Among equals, the first are pruned: tensors in model order, then elements, rows, columns or blocks in row-major
/// order of the stored matrix; -0 equals 0. NaN is larger than any number, as in torch.topk, and so is a row, column or
/// block that holds one. NaNs are ordered by their bits without the sign. L1 and L2 norms are computed in double, in a
/// fixed order. Within each stored row of a block, element i is added to accumulator i mod 8; then the eight
/// accumulators are added in order. The sums of the stored rows are then added in order.
PrunePlan plan_pruning(const Model& model, const PruneOptions& options, const Context& context = {});

/// Returns the model pruned to level `level` of the plan, in memory. Pruned tensors are copies; the others share
/// ownership of the checkpoint, so `model` and `plan` need not outlive the result. Throws Error for damaged data;
/// Interrupted.
Model pruned_model(const Model& model, const PrunePlan& plan, std::size_t level, const Context& context = {});

struct WriteOptions {
  bool force = false;  ///< replace an existing output that pare wrote
  /// Keep the files that are finished if the call fails or is killed, and use those that an earlier call with `resume`
  /// has finished, if it was made with the same plan for the same files (otherwise they are made again). The output is
  /// the same, byte for byte.
  bool resume = false;
};

/// Returns the directory for level `level` of the plan: `out` itself for a single level, else out/sparsity-LABEL.
std::filesystem::path level_directory(const PrunePlan& plan, std::size_t level, const std::filesystem::path& out);

/// Writes one checkpoint per level, which transformers' from_pretrained() loads. The safetensors files have the shards
/// and metadata of the source; tensors that are not pruned are copied bit for bit (quantized ones as their dequantized
/// values). config.json and the model's other files are copied, and pare.json is added. The output, with all levels, is
/// written under a temporary name, synced and renamed, so it appears complete or not at all. `model` may be in memory.
/// Throws Error for files that cannot be read or written; Interrupted.
void write_pruned(const Model& model, const PrunePlan& plan, const std::filesystem::path& out,
                  const WriteOptions& options = {}, const Context& context = {});

}  // namespace pare
