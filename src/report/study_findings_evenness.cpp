// Findings about the distribution of pruning over layers and tensors, and the comparison of models.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "report/study_findings.h"
#include "table/inspect_tables.h"

namespace pare::report {
namespace {

constexpr double kUneven = 1;           // percentage points from which a difference is reported
constexpr double kUnevenFactor = 1.25;  // and how many times as many weights one layer may keep as another

/// The highest level below 100 %, for which a distribution over layers is still meaningful.
std::optional<std::size_t> telling_level(const Study& study) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < study.plan.levels.size(); ++i) {
    const std::uint64_t zeros = study.plan.levels[i].zeros;
    if (zeros == 0 || zeros >= study.plan.candidates) continue;
    if (!best || zeros > study.plan.levels[*best].zeros) best = i;
  }
  return best;
}

std::vector<std::size_t> numbered_layers(const Study& study) {
  std::vector<std::size_t> layers;
  for (std::size_t i = 0; i < study.layers.size(); ++i)
    if (study.layers[i].layer >= 0) layers.push_back(i);
  return layers;
}

std::string title_of(const Study& study) { return markdown_escape(study.inspection.title); }

std::string layers_sentence(const Study& study, std::size_t level, std::string_view at) {
  const Extremes extremes = sparsity_extremes(study, level);
  const LayerSparsity &low = study.layers[extremes.lowest], &high = study.layers[extremes.highest];
  const double least = low.levels[level].percent(), greatest = high.levels[level].percent();
  const std::string title = level_title(study.plan.levels[level].amount);
  if (greatest - least < kUneven && 100 - least <= kUnevenFactor * (100 - greatest))
    return fmt::format("{}{} the layers are pruned nearly alike: {} to {}.", at, title, percent_text(low.levels[level]),
                       percent_text(high.levels[level]));
  std::string sentence =
      fmt::format("{}{} the layers' sparsity runs from {} ({}) to {} ({})", at, title, percent_text(low.levels[level]),
                  low.name, percent_text(high.levels[level]), high.name);
  if (greatest < 100)
    sentence += fmt::format(": {} keeps {} times the share of weights that {} keeps", low.name,
                            factor_text((100 - least) / (100 - greatest)), high.name);
  return sentence + '.';
}

std::string tensors_sentence(const Study& study, std::size_t level) {
  std::optional<std::size_t> low, high;
  const auto percent = [&](std::size_t i) { return study.tensor_sparsity(level, i).percent(); };
  for (std::size_t i = 0; i < study.pruned.size(); ++i) {
    if (!study.pruned[i] || study.inspection.tensors[i].stats.count == 0) continue;
    if (!low || percent(i) < percent(*low)) low = i;
    if (!high || percent(i) > percent(*high)) high = i;
  }
  if (!low || percent(*high) - percent(*low) < kUneven) return {};
  return fmt::format("Among single tensors: from {} ({}) to {} ({}).", percent_text(study.tensor_sparsity(level, *low)),
                     markdown_code(study.inspection.tensors[*low].name),
                     percent_text(study.tensor_sparsity(level, *high)),
                     markdown_code(study.inspection.tensors[*high].name));
}

std::string emptied_sentence(const Study& study, std::size_t level) {
  const std::vector<std::size_t> emptied = emptied_tensors(study, level);
  if (emptied.empty()) return {};
  std::string sentence =
      fmt::format("At {}, {} of {} {} without a single weight: ", level_title(study.plan.levels[level].amount),
                  count_text(emptied.size()), plural(study.plan.parameters.size(), "tensor"),
                  emptied.size() == 1 ? "is left" : "are left");
  std::vector<std::string> names;
  for (const std::size_t i : emptied) names.push_back(markdown_code(study.inspection.tensors[i].name));
  constexpr std::size_t kShown = 4;
  if (names.size() > kShown) {
    const std::size_t more = names.size() - (kShown - 1);
    names.resize(kShown - 1);
    names.push_back(plural(more, "other"));
  }
  return sentence + enumeration(names) + '.';
}

}  // namespace

Extremes sparsity_extremes(const Study& study, std::size_t level) {
  const std::vector<std::size_t> layers = numbered_layers(study);
  if (layers.empty()) return {};
  Extremes extremes{layers.front(), layers.front()};
  const auto percent = [&](std::size_t i) { return study.layers[i].levels[level].percent(); };
  for (const std::size_t i : layers) {
    if (percent(i) < percent(extremes.lowest)) extremes.lowest = i;
    if (percent(i) > percent(extremes.highest)) extremes.highest = i;
  }
  return extremes;
}

std::vector<std::size_t> emptied_tensors(const Study& study, std::size_t level) {
  std::vector<std::size_t> emptied;
  for (std::size_t i = 0; i < study.pruned.size(); ++i) {
    const std::uint64_t n = study.inspection.tensors[i].stats.count;
    if (study.pruned[i] && n != 0 && study.levels[level].tensors[i].zeros == n) emptied.push_back(i);
  }
  return emptied;
}

Sentences evenness_findings(const Study& study) {
  Sentences said;
  if (study.plan.options.scope == Scope::kPerTensor)
    said.push_back(
        "The same amount was taken of each tensor, so differences between layers come only from rounding "
        "and from weights that were 0 before.");
  else
    said.push_back("One threshold holds for all pruned tensors, so those with smaller weights lose more.");
  if (const std::optional<std::size_t> level = telling_level(study)) {
    if (numbered_layers(study).size() >= 2) said.push_back(layers_sentence(study, *level, "At "));
    if (std::string sentence = tensors_sentence(study, *level); !sentence.empty()) said.push_back(std::move(sentence));
  }
  for (std::size_t level = 0; level < study.levels.size(); ++level)
    if (std::string sentence = emptied_sentence(study, level); !sentence.empty()) said.push_back(std::move(sentence));
  return said;
}

Sentences shared_findings(const std::vector<Study>& studies) {
  Sentences said;
  const InspectOptions& options = studies.front().inspection.options;
  const std::string big = markdown_escape(measure_title(options));
  std::vector<std::string> shares;
  for (const Study& study : studies)
    shares.push_back(fmt::format("{} of {}{}",
                                 percent_text(table::share_of(study.inspection.overall.stats, Measure::kMagnitude)),
                                 shares.empty() ? "the parameters of " : "", title_of(study)));
  said.push_back(fmt::format("Meaningfully larger than 0, that is {}: {}.",
                             markdown_escape(measure_title(Measure::kMagnitude, options.cutoff)), enumeration(shares)));
  for (const Study& study : studies) {
    const auto& layers = study.inspection.layers;
    if (layers.size() < 2) continue;
    const Extremes extremes = layer_extremes(study.inspection);
    const Share low = table::share_of(layers[extremes.lowest].stats, options.measure);
    const Share high = table::share_of(layers[extremes.highest].stats, options.measure);
    if (percent_text(low) == percent_text(high)) continue;
    said.push_back(fmt::format("By layer in {}: {} runs from {} ({}) to {} ({}).", title_of(study), big,
                               percent_text(low), layers[extremes.lowest].name, percent_text(high),
                               layers[extremes.highest].name));
  }
  for (const Study& study : studies) {
    const std::optional<std::size_t> level = telling_level(study);
    if (!level || numbered_layers(study).size() < 2) continue;
    said.push_back(fmt::format("Pruning {}: {}", title_of(study), layers_sentence(study, *level, "at ")));
  }
  return said;
}

}  // namespace pare::report
