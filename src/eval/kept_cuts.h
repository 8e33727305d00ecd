// Weights that a criterion prunes by a file of statistics, kept so that a search solves each set once.
#pragma once

#include <cstddef>
#include <vector>

#include "calibrate/statistics/statistics_file.h"
#include "pare/sensitivity.h"

namespace pare::eval {

/// Whether units are pruned by a file of statistics.
bool uses_statistics(const SensitivityOptions& options) noexcept;

/// The parameters of which units are made: without statistics, those that are pruned by default; with them, the linears
/// of layers among these. Throws Error (kArgument) if there are none.
std::vector<std::size_t> parameters_of_units(const Model& model, const SensitivityOptions& options);

/// Makes pruned models. By statistics, a set is pruned to its amount in the same way whatever the amounts of the other
/// sets are, so cuts of earlier calls can be used again.
class KeptCuts {
 public:
  /// Checks what can be known before any weight is pruned. Throws Error: those of plan_calibrated() for the file and
  /// for options that do not go with it, kArgument for levels that are counts.
  KeptCuts(const Model& model, const SensitivityOptions& options, const Context& context);

  /// Returns what plan_calibrated() and pruned_model() make of these sets, bit for bit. Solves the sets whose cuts are
  /// not kept. Afterwards, the cuts of `sets` and of the sets given to hold() are kept. Throws Error as
  /// plan_calibrated(), and kChanged if the file of statistics changed; Interrupted.
  Model pruned(const std::vector<PruneSet>& sets, const Context& context);
  /// Drops all cuts but those of these sets, and keeps these until the next call of hold().
  void hold(const std::vector<PruneSet>& sets);

  std::size_t kept() const noexcept { return kept_.size(); }     ///< number of sets
  std::size_t solved() const noexcept { return solved_count_; }  ///< number of sets, of all calls

 private:
  struct Kept {
    PruneSet set;
    std::vector<std::size_t> parameters;  ///< indices into Model::parameters
    std::vector<TensorCut> cuts;          ///< one for each parameter
    bool held = false;
  };

  const Kept* find(const PruneSet& set) const;
  void solve(const std::vector<PruneSet>& sets, const Context& context);

  const Model& model_;
  PruneOptions pruning_;  ///< without sets
  std::filesystem::path statistics_;
  calibrate::StatisticsFile file_;
  std::vector<Kept> kept_;
  std::size_t solved_count_ = 0;
};

}  // namespace pare::eval
