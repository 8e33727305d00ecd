#include "report/study_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "table/inspect_tables.h"

namespace pare::report {
namespace {

constexpr std::size_t kFewestToJudge = 5;  // layers that LayerSpread::outlying needs

std::string title_of(Measure measure, const Study& study) {
  return markdown_escape(measure_title(measure, study.inspection.options.cutoff));
}

/// "a parameter with |w| > 0.1", "a parameter outside [0, 0.1)".
std::string with(Measure measure, const Study& study) {
  return (measure == Measure::kMagnitude ? "with " : "") + title_of(measure, study);
}

const LayerSpread* widest(const Inspection& inspection) {
  const auto& spreads = inspection.spreads;
  const auto found = std::max_element(spreads.begin(), spreads.end(), [](const LayerSpread& a, const LayerSpread& b) {
    return a.max - a.min < b.max - b.min;
  });
  return found == spreads.end() ? nullptr : &*found;
}

int layer_at(const LayerSpread& spread, double share) {
  const auto found = std::find(spread.shares.begin(), spread.shares.end(), share);
  return spread.layers[static_cast<std::size_t>(found - spread.shares.begin())];
}

}  // namespace

std::string factor_text(double factor) {
  if (!(factor >= 1000)) return fmt::format("{:.3g}", factor);
  if (factor >= 1e15) return fmt::format("{:.1e}", factor);
  const double unit = std::pow(10, std::floor(std::log10(factor)) - 2);
  return count_text(static_cast<std::uint64_t>(std::round(factor / unit) * unit));
}

Extremes layer_extremes(const Inspection& inspection) {
  Extremes extremes;
  const auto share = [&](std::size_t i) { return inspection.layers[i].stats.share(inspection.options.measure); };
  for (std::size_t i = 1; i < inspection.layers.size(); ++i) {
    if (share(i) < share(extremes.lowest)) extremes.lowest = i;
    if (share(i) > share(extremes.highest)) extremes.highest = i;
  }
  return extremes;
}

Sentences overall_findings(const Study& study) {
  const Inspection& inspection = study.inspection;
  const Stats& all = inspection.overall.stats;
  const Share magnitude = table::share_of(all, Measure::kMagnitude), outside = table::share_of(all, Measure::kSigned);
  Sentences said;
  said.push_back(fmt::format("Of {}, {} ({}) have {}; {} lie {}.", plural(all.count, "parameter"),
                             count_text(magnitude.part), percent_text(magnitude), title_of(Measure::kMagnitude, study),
                             percent_text(outside), title_of(Measure::kSigned, study)));
  const auto big = [&](const InspectRow& row) { return table::share_of(row.stats, inspection.options.measure); };
  const auto most = std::max_element(inspection.groups.begin(), inspection.groups.end(),
                                     [&](const auto& a, const auto& b) { return big(a).part < big(b).part; });
  if (most != inspection.groups.end() && big(*most).part != 0)
    said.push_back(fmt::format("Of those {}, the group {} holds the most: {} of them, in {} of the parameters.",
                               with(inspection.options.measure, study), most->name,
                               percent_text(Share{big(*most).part, study.before().part}),
                               percent_text(Share{most->stats.count, all.count})));
  if (all.nans != 0)
    said.push_back(fmt::format("{} NaN and count as big in neither measure.",
                               all.nans == 1 ? "1 is" : count_text(all.nans) + " are"));
  return said;
}

Sentences layer_findings(const Study& study) {
  const Inspection& inspection = study.inspection;
  if (inspection.layers.size() < 2) return {"The model has no two layers to compare."};
  Sentences said;
  const Extremes extremes = layer_extremes(inspection);
  const InspectRow &low = inspection.layers[extremes.lowest], &high = inspection.layers[extremes.highest];
  const Share least = table::share_of(low.stats, inspection.options.measure);
  const Share greatest = table::share_of(high.stats, inspection.options.measure);
  if (percent_text(least) == percent_text(greatest)) {
    said.push_back(fmt::format("All layers have the same overall share, to two decimals: {}.", percent_text(least)));
  } else {
    std::string sentence = fmt::format("The overall shares of layers run from {} ({}) to {} ({})", percent_text(least),
                                       low.name, percent_text(greatest), high.name);
    if (least.part != 0) sentence += ", a factor of " + factor_text(greatest.percent() / least.percent());
    said.push_back(sentence + '.');
  }
  if (const LayerSpread* most = widest(inspection);
      most != nullptr && percent_text(most->min) != percent_text(most->max))
    said.push_back(fmt::format("It varies most in {}: from {} (layer {}) to {} (layer {}), standard deviation {}.",
                               table::spread_name(*most), percent_text(most->min), layer_at(*most, most->min),
                               percent_text(most->max), layer_at(*most, most->max), percent_text(most->std)));
  std::vector<std::string> outlying;
  std::size_t judged = 0;
  for (const LayerSpread& spread : inspection.spreads) {
    judged += spread.layers.size() >= kFewestToJudge;
    for (const int layer : spread.outlying)
      outlying.push_back(fmt::format("layer {} ({})", layer, table::spread_name(spread)));
  }
  if (!outlying.empty())
    said.push_back(
        fmt::format("Standing out from their group by a modified z-score above 3.5: {}.", enumeration(outlying)));
  else if (judged != 0)
    said.push_back("No layer stands out from its group by a modified z-score above 3.5.");
  else
    said.push_back(fmt::format("With fewer than {} layers none is called outlying.", kFewestToJudge));
  return said;
}

Sentences tail_findings(const Study& study) {
  const Inspection& inspection = study.inspection;
  const Stats& all = inspection.overall.stats;
  Sentences said;
  std::vector<std::string> counts;
  std::size_t farthest = 0;
  for (std::size_t i = 0; i < inspection.options.tails.size(); ++i) {
    const std::uint64_t above = all.cutoffs[i + 1].above;
    counts.push_back(fmt::format("{} ({:.2g} %) above {}", count_text(above), Share{above, all.count}.percent(),
                                 inspection.options.tails[i]));
    if (above != 0) farthest = i + 1;
  }
  if (!counts.empty()) said.push_back(fmt::format("In magnitude, {}.", enumeration(counts)));
  if (farthest != 0) {
    const std::uint64_t above = all.cutoffs[farthest].above;
    const auto most = std::max_element(inspection.tensors.begin(), inspection.tensors.end(),
                                       [&](const InspectRow& a, const InspectRow& b) {
                                         return a.stats.cutoffs[farthest].above < b.stats.cutoffs[farthest].above;
                                       });
    const std::uint64_t here = most->stats.cutoffs[farthest].above;
    const double cutoff = inspection.options.tails[farthest - 1];
    if (above == 1)
      said.push_back(fmt::format("The one above {} sits in {}.", cutoff, markdown_code(most->name)));
    else
      said.push_back(fmt::format("Of the {} above {}, {} ({}) sit in {}.", count_text(above), cutoff, count_text(here),
                                 percent_text(Share{here, above}), markdown_code(most->name)));
  }
  if (!inspection.largest.empty()) {
    const LargeParameter& largest = inspection.largest.front();
    std::string sentence =
        fmt::format("The largest is {} in {}", number_text(largest.value), markdown_code(largest.tensor));
    if (all.std() > 0)
      sentence += fmt::format(", {} standard deviations of all parameters from 0",
                              factor_text(std::abs(largest.value) / all.std()));
    said.push_back(sentence + '.');
  }
  return said;
}

Sentences selection_findings(const Study& study) {
  const std::uint64_t all = study.inspection.overall.stats.count, rest = all - study.plan.candidates;
  const std::size_t tensors = study.plan.parameters.size(), others = study.inspection.tensors.size() - tensors;
  const bool known = study.model->architecture != "unknown";
  Sentences said;
  said.push_back(fmt::format(
      "Pruned: {} with {} ({} of the parameters), {}. Left alone: {} with {} ({}).", plural(tensors, "tensor"),
      plural(study.plan.candidates, "weight"), percent_text(Share{study.plan.candidates, all}),
      known ? "the weight matrices of linear layers" : "what looks like weights of linear layers",
      plural(others, "tensor"), plural(rest, "parameter"), percent_text(Share{rest, all})));
  std::uint64_t highest = study.plan.candidates;  // the number of zeros if all of those weights were pruned
  for (std::size_t i = 0; i < study.pruned.size(); ++i)
    if (!study.pruned[i]) highest += study.inspection.tensors[i].stats.zeros;
  if (highest != all)
    said.push_back(fmt::format("If all of those weights were pruned, the sparsity of the whole model would be {}.",
                               percent_text(Share{highest, all})));
  return said;
}

Sentences level_findings(const Study& study) {
  Sentences said;
  std::vector<std::string> unchanged;
  for (std::size_t i = 0; i < study.levels.size(); ++i)
    if (study.levels[i].big == study.before().part) unchanged.push_back(level_title(study.plan.levels[i].amount));
  const std::string share = "the share " + with(study.inspection.options.measure, study);
  if (unchanged.size() == study.levels.size()) return {fmt::format("No level changes {}.", share)};
  if (!unchanged.empty())
    said.push_back(
        fmt::format("At {} {} stays as it was: {}.", enumeration(unchanged), share, percent_text(study.before())));
  std::vector<std::string> changes;
  for (std::size_t i = 0; i < study.levels.size(); ++i)
    if (study.levels[i].big != study.before().part)
      changes.push_back(
          fmt::format("{} at {}", percent_text(study.after(i)), level_title(study.plan.levels[i].amount)));
  if (unchanged.empty())
    said.push_back(
        fmt::format("Pruning takes {} from {} to {}.", share, percent_text(study.before()), enumeration(changes)));
  else
    said.push_back(fmt::format("It becomes {}.", enumeration(changes)));
  return said;
}

}  // namespace pare::report
