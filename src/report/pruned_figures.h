// Figures of a model after pruning, without writing the pruned model.
#pragma once

#include <cstdint>
#include <vector>

#include "pare/inspect.h"
#include "pare/prune.h"

namespace pare::report {

/// A tensor after a cut, as reports describe it.
struct TensorAfter {
  std::uint64_t zeros = 0;
  std::uint64_t above = 0;  ///< #{|w| > cutoff}
  std::uint64_t big = 0;    ///< in the requested measure
};

/// All parameters after one level.
struct LevelFigures {
  std::vector<TensorAfter> tensors;             ///< one per Inspection::tensors, pruned or not
  std::uint64_t zeros = 0, above = 0, big = 0;  ///< over all of them
  Histogram histogram;                          ///< of all tensors, with the bins of the original's
  Histogram pruned_histogram;                   ///< of the tensors that the plan prunes
};

/// #{|w| > c} after the smallest `zeros` of the tensor are 0 (zeros counts those that were 0
/// before). NaNs are pruned last.
std::uint64_t above_after(const Stats& before, std::size_t cutoff, std::uint64_t zeros) noexcept;

/// A histogram of magnitudes from 0 after its smallest `zeros` elements have become 0.
Histogram histogram_after(const Histogram& before, std::uint64_t zeros);

void add_histogram(Histogram& total, const Histogram& part);

/// Figures of every level of `plan`, a plan of `model`. `histograms[i]` is that of inspection.tensors[i]
/// in the measure of inspection.options. In the magnitude measure, if the smallest magnitudes were pruned, counts
/// determine all figures and nothing is read again. In the signed measure, and after other masks, the pruned tensors
/// are read once for each level. Both ways are exact.
std::vector<LevelFigures> figures_after(const Model& model, const Inspection& inspection,
                                        const std::vector<Histogram>& histograms, const PrunePlan& plan,
                                        const Context& context);

}  // namespace pare::report
