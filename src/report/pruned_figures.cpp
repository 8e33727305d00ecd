#include "report/pruned_figures.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>

#include "base/parallel.h"
#include "base/pieces.h"
#include "table/inspect_tables.h"

namespace pare::report {
namespace {

/// Index of each pruned parameter among the inspected tensors.
std::vector<std::size_t> inspected_places(const Model& model, const Inspection& inspection, const PrunePlan& plan) {
  std::map<std::string, std::size_t> where;
  for (std::size_t i = 0; i < inspection.tensors.size(); ++i) where.emplace(inspection.tensors[i].name, i);
  std::vector<std::size_t> places;
  for (const std::size_t parameter : plan.parameters) places.push_back(where.at(model.parameters[parameter].name));
  return places;
}

/// Measures and histogram after pruning, computed from a pruned copy of the tensor.
struct Look {
  std::uint64_t above = 0, big = 0;
  Histogram histogram;
};

Look look_at_pruned(const TensorView& tensor, const Mask& mask, const InspectOptions& options, const Histogram& like,
                    const Context& context) {
  Look total;
  total.histogram = {like.low, like.high, std::vector<std::uint64_t>(like.counts.size()), 0, 0, 0};
  std::vector<std::byte> buffer;
  const std::uint64_t n = tensor.elements();
  for (std::uint64_t begin = 0; begin < n; begin += base::kPieceElements) {
    const std::uint64_t count = std::min(base::kPieceElements, n - begin);
    buffer.resize(count * dtype_bits(tensor.dtype) / 8);
    mask.copy(tensor, begin, count, buffer.data());
    const TensorView piece{tensor.name, tensor.dtype, {count}, buffer, tensor.file};
    ScanOptions scanning;
    scanning.cutoffs = {options.cutoff};
    const Stats stats = scan({&piece, 1}, scanning, context).tensors[0];
    total.above += stats.cutoffs[0].above;
    total.big += table::share_of(stats, options.measure).part;
    add_histogram(total.histogram,
                  histogram({&piece, 1}, options.measure, like.low, like.high, like.counts.size(), context));
  }
  return total;
}

LevelFigures untouched(const Inspection& inspection) {
  LevelFigures figures;
  for (const InspectRow& row : inspection.tensors)
    figures.tensors.push_back(
        {row.stats.zeros, row.stats.cutoffs[0].above, table::share_of(row.stats, inspection.options.measure).part});
  return figures;
}

void sum_up(LevelFigures& figures, const std::vector<Histogram>& histograms, const std::vector<std::size_t>& pruned) {
  for (const TensorAfter& tensor : figures.tensors) {
    figures.zeros += tensor.zeros;
    figures.above += tensor.above;
    figures.big += tensor.big;
  }
  for (const Histogram& part : histograms) add_histogram(figures.histogram, part);
  for (const std::size_t place : pruned) add_histogram(figures.pruned_histogram, histograms[place]);
}

}  // namespace

std::uint64_t above_after(const Stats& before, std::size_t cutoff, std::uint64_t zeros) noexcept {
  const std::uint64_t numbers = before.count - before.nans;
  return zeros >= numbers ? 0 : std::min(before.cutoffs[cutoff].above, numbers - zeros);
}

Histogram histogram_after(const Histogram& before, std::uint64_t zeros) {
  Histogram after = before;
  std::uint64_t left = zeros;
  const auto take = [&left](std::uint64_t& bin) {
    const std::uint64_t gone = std::min(bin, left);
    bin -= gone;
    left -= gone;
  };
  for (std::uint64_t& bin : after.counts) take(bin);
  take(after.beyond);
  take(after.nans);
  if (!after.counts.empty()) after.counts[0] += zeros - left;
  return after;
}

void add_histogram(Histogram& total, const Histogram& part) {
  if (total.counts.empty()) {
    total = part;
    return;
  }
  for (std::size_t i = 0; i < total.counts.size(); ++i) total.counts[i] += part.counts[i];
  total.below += part.below;
  total.beyond += part.beyond;
  total.nans += part.nans;
}

std::vector<LevelFigures> figures_after(const Model& model, const Inspection& inspection,
                                        const std::vector<Histogram>& histograms, const PrunePlan& plan,
                                        const Context& context) {
  const std::vector<std::size_t> places = inspected_places(model, inspection, plan);
  std::vector<LevelFigures> levels;
  const Context one_thread = context.with_threads(1).with_progress({});
  for (std::size_t level = 0; level < plan.levels.size(); ++level) {
    LevelFigures figures = untouched(inspection);
    std::vector<Histogram> after = histograms;
    base::parallel_for(places.size(), context, [&](std::size_t i, unsigned) {
      const std::size_t place = places[i];
      const TensorCut& cut = plan.levels[level].cuts[i];
      const bool smallest_went = cut.mask.removes_smallest();
      TensorAfter& tensor = figures.tensors[place];
      tensor.zeros = cut.zeros;
      if (smallest_went) tensor.above = above_after(inspection.tensors[place].stats, 0, tensor.zeros);
      if (smallest_went && inspection.options.measure == Measure::kMagnitude) {
        tensor.big = tensor.above;
        after[place] = histogram_after(histograms[place], tensor.zeros);
      } else {
        Look look = look_at_pruned(model.tensor(model.parameters[plan.parameters[i]]), cut.mask, inspection.options,
                                   histograms[place], one_thread);
        tensor.above = look.above;
        tensor.big = look.big;
        after[place] = std::move(look.histogram);
      }
    });
    sum_up(figures, after, places);
    levels.push_back(std::move(figures));
  }
  return levels;
}

}  // namespace pare::report
