// Which parts of a model can go: what pruning each alone does to a score, and levels made from that.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pare/eval.h"
#include "pare/prune.h"

namespace pare {

/// What is pruned alone.
enum class UnitKind : std::uint8_t {
  kLayer,   ///< all prunable weights of a block
  kGroup,   ///< those of one role throughout the model, e.g. every attention.q
  kTensor,  ///< a single weight matrix
};

struct SensitivityOptions {
  /// Task and data. Degradation is measured in nats by perplexities and divergence, as a lost share by accuracies.
  EvalOptions eval;
  UnitKind unit = UnitKind::kLayer;
  std::vector<Amount> levels;  ///< each unit is pruned to each of them; empty: 50, 80, 90 and 95 %
};

struct SensitiveUnit {
  std::string name;   ///< "layer 3", "attention.q", a parameter's name
  std::string stack;  ///< "encoder", "decoder", or empty
  int layer = -1;     ///< -1 where the unit is of no layer
  std::string part;   ///< a tensor's name within its layer ("mlp.c_fc"), or the group; empty for a layer
  std::vector<std::size_t> parameters;  ///< indices into Model::parameters
  std::uint64_t weights = 0;
  std::vector<double> degradation;  ///< one per level: how much worse the score is than the dense model's
};

struct Sensitivity {
  std::string score;             ///< name of the score that degradation is made of
  std::string degradation_unit;  ///< "nats" or "share"
  double dense = 0;              ///< that score of the model as it is
  std::vector<Amount> levels;
  std::vector<SensitiveUnit> units;  ///< in model order
  std::uint64_t weights = 0;         ///< of all units
};

/// Units' indices, those that hurt least first: by the mean degradation over the levels.
std::vector<std::size_t> ranking(const Sensitivity& sensitivity);

/// Prunes one unit at a time to each level, by magnitude with one threshold for the unit, and scores the model.
/// Throws what evaluate() and plan_pruning() throw.
Sensitivity measure_sensitivity(const Model& model, const SensitivityOptions& options, const Context& context = {});

/// A way to reach one overall sparsity, and its score's degradation on the data that it was made with.
struct Allocation {
  std::string name;            ///< "uniform", "global", "additive", "searched"
  std::vector<PruneSet> sets;  ///< one per unit
  std::vector<double> levels;  ///< fraction pruned of each unit
  double degradation = 0;
};

struct AllocationOptions {
  double target = 0.8;  ///< fraction of all units' weights to prune
  unsigned rounds = 4;  ///< of the search; each scores the model about twice per unit
};

/// Levels for each unit that lose least at `target` overall. Tried are: the same level everywhere; each unit's share
/// under one global threshold; the best under the assumption that the degradations measured add up; and from the best
/// of these a search that moves sparsity from the units where more of it hurts most to those where it hurts least, as
/// long as the score improves. The last one is never worse than the others on this data; whether it is on other data
/// must be measured there. Returns all four, the best last.
std::vector<Allocation> allocate(const Model& model, const Sensitivity& sensitivity, const SensitivityOptions& options,
                                 const AllocationOptions& allocation, const Context& context = {});

}  // namespace pare
