// Sensitivity analysis: how much a score degrades when one part of a model is pruned, and levels for each part derived
// from this.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "pare/eval.h"
#include "pare/prune.h"

namespace pare {

/// The unit that is pruned while the rest of the model stays dense.
enum class UnitKind : std::uint8_t {
  kLayer,   ///< all prunable weights of one layer (transformer block)
  kGroup,   ///< those of one role throughout the model, e.g. every attention.q
  kTensor,  ///< a single weight matrix
};

struct SensitivityOptions {
  /// Task and data. Degradation is the increase of the loss in nats for tasks that give a perplexity, the divergence in
  /// nats for divergence, and otherwise the decrease of the score as a fraction (0.02 for two points of accuracy).
  EvalOptions eval;
  UnitKind unit = UnitKind::kLayer;
  std::vector<Amount> levels;  ///< to which each unit is pruned; empty: 50, 80, 90 and 95 %
  /// kMagnitude, with one threshold for each unit, or a calibrated criterion. Calibrated criteria and `refit` prune
  /// only linears of layers (is_layer_linear()), so that units have no other parameters, with the default damping and
  /// block size. Levels must then be fractions, unless the criterion is kMagnitude.
  Criterion criterion = Criterion::kMagnitude;
  bool refit = false;  ///< as PruneOptions::refit
  /// A file that write_statistics() wrote of the model: needed by calibrated criteria and `refit`, and must otherwise
  /// be empty (CalibrationOptions::statistics).
  std::filesystem::path statistics = {};
};

struct SensitiveUnit {
  std::string name;   ///< "layer 3", "attention.q", a parameter's name
  std::string stack;  ///< "encoder", "decoder", or empty
  int layer = -1;     ///< -1 if the unit does not belong to one layer
  std::string part;   ///< a tensor's name within its layer ("mlp.c_fc"), or the group; empty for a layer
  std::vector<std::size_t> parameters;  ///< indices into Model::parameters
  std::uint64_t weights = 0;            ///< number of prunable weights
  std::vector<double> degradation;      ///< one per Sensitivity::levels; 0: as good as the dense model, below 0: better
};

struct Sensitivity {
  std::string score;             ///< name of the score from which degradation is computed
  std::string degradation_unit;  ///< "nats" or "share" (a fraction of 1)
  double dense = 0;              ///< that score of the dense model, e.g. its perplexity; 0 for divergence
  Criterion criterion = Criterion::kMagnitude;
  bool refit = false;
  std::string statistics = {};  ///< name of the file of statistics, without directories
  std::vector<Amount> levels;
  std::vector<SensitiveUnit> units;  ///< in model order
  std::uint64_t weights = 0;         ///< number of prunable weights in all units
};

/// Returns the indices of the units in ascending order of their mean degradation over the levels.
std::vector<std::size_t> ranking(const Sensitivity& sensitivity);

/// Scores the model dense, and once for each unit and level with only that unit pruned. Throws Error: those of
/// evaluate() and plan_pruning(), with statistics those of plan_calibrated(), kArgument for a criterion that is not
/// supported or does not go with the other options, and kUnsupported if the dense model's loss is infinite;
/// Interrupted.
Sensitivity measure_sensitivity(const Model& model, const SensitivityOptions& options, const Context& context = {});

/// Levels for all units that together reach a target, and the degradation that they cause on the data of the task.
struct Allocation {
  std::string name;            ///< "uniform", "global", "additive", "searched"
  std::vector<PruneSet> sets;  ///< one per unit
  std::vector<double> levels;  ///< fraction (0 to 1) of each unit's weights to prune
  double degradation = 0;
};

struct AllocationOptions {
  double target = 0.8;  ///< fraction of all units' weights to prune
  /// Of the search. Each scores the model about once per unit, or a few times if the last one found nothing better.
  unsigned rounds = 4;
};

/// Computes four allocations that prune the fraction `target` of all units' weights, and returns them, the best last:
/// - uniform: the same level for every unit;
/// - global: the levels that one magnitude threshold for all units gives;
/// - additive: optimal if the measured degradations add up;
/// - searched: starts from the best of these and moves sparsity from sensitive to tolerant units while the score
/// improves. On the data of the task, `searched` is never worse than the others. Whether that holds for other data must
/// be measured there. Criterion::kWanda meets the target nearly, because it rounds in each row. `options` are those of
/// measure_sensitivity(), and the same errors are thrown; kArgument if `sensitivity` is of another criterion.
std::vector<Allocation> allocate(const Model& model, const Sensitivity& sensitivity, const SensitivityOptions& options,
                                 const AllocationOptions& allocation, const Context& context = {});

}  // namespace pare
