#include "table/prune_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "prune/masks/count_zeros.h"

namespace pare {
namespace table {

Share sparsity(const PruneSummary& summary, const LevelPlan& level) { return {level.zeros, summary.plan.candidates}; }

Share model_sparsity(const PruneSummary& summary, const LevelPlan& level) {
  return {level.zeros + summary.untouched_zeros, summary.plan.candidates + summary.untouched};
}

const Parameter& parameter_at(const PruneSummary& summary, std::size_t index) {
  return summary.model.parameters[summary.plan.parameters[index]];
}

std::uint64_t elements_at(const PruneSummary& summary, std::size_t index) {
  return summary.model.tensor(parameter_at(summary, index)).elements();
}

}  // namespace table

namespace {

using table::elements_at;
using table::model_sparsity;
using table::parameter_at;
using table::sparsity;

/// "2:4"; "wanda, 2:4"; "wanda, per-row"; "rows by l2, per-tensor"; "magnitude, global, accumulating"; "magnitude, 12
/// parts each with ..".
std::string method_text(const PruneOptions& options) {
  if (options.criterion == Criterion::kMask) return "by a given mask";
  std::string text(criterion_name(options.criterion));
  if (!options.sets.empty()) return fmt::format("{}, {} sets with a level each", text, options.sets.size());
  if (options.pattern != Pattern())
    text = (is_calibrated(options.criterion) ? text + ", " : "") + options.pattern.text();
  if (options.pattern.has_norm()) text += fmt::format(" by {}", norm_name(options.norm));
  if (options.pattern.kind != Pattern::Kind::kNOfM) text += fmt::format(", {}", scope_name(options));
  return text + (options.schedule == Schedule::kAccumulate ? ", accumulating" : "");
}

Table level_table(const PruneSummary& summary, bool for_people) {
  const bool written = !summary.directories.front().empty();
  const bool threshold = std::any_of(summary.plan.levels.begin(), summary.plan.levels.end(),
                                     [](const LevelPlan& level) { return level.threshold.has_value(); });
  Table table;
  table.columns = {{"level", "level", true},
                   {"pruned", "pruned"},
                   {"zeros", "zeros"},
                   {"sparsity_percent", "sparsity"},
                   {"model_sparsity_percent", "whole model"}};
  if (threshold) table.columns.push_back({"threshold", "threshold"});
  if (written) table.columns.push_back({"directory", "directory", true, true});
  for (std::size_t i = 0; i < summary.plan.levels.size(); ++i) {
    const LevelPlan& level = summary.plan.levels[i];
    std::vector<Cell> row{for_people ? level_title(level.amount) : level.amount.label, level.pruned, level.zeros,
                          sparsity(summary, level), model_sparsity(summary, level)};
    if (threshold) row.emplace_back();
    if (level.threshold) row.back() = *level.threshold;
    if (written) row.emplace_back(summary.directories[i]);
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// A line for each tensor, with its share of zeros at each level.
Table tensor_table(const PruneSummary& summary) {
  Table table;
  table.columns = {{"tensor", "tensor", true, true}, {"parameters", "parameters"}, {"before", "zeros before"}};
  for (const LevelPlan& level : summary.plan.levels) {
    table.columns.push_back({"zeros", fmt::format("zeros at {}", level_title(level.amount))});
    table.columns.push_back({"sparsity", "sparsity"});
  }
  for (std::size_t i = 0; i < summary.plan.parameters.size(); ++i) {
    std::vector<Cell> row{parameter_at(summary, i).name, elements_at(summary, i), summary.plan.zeros_before[i]};
    for (const LevelPlan& level : summary.plan.levels) {
      row.emplace_back(level.cuts[i].zeros);
      row.emplace_back(Share{level.cuts[i].zeros, elements_at(summary, i)});
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// The same for programs: a line for each tensor and level.
Table long_tensor_table(const PruneSummary& summary) {
  Table table;
  for (const char* key : {"tensor", "parameters", "level", "zeros_before", "pruned", "zeros", "sparsity_percent"})
    table.columns.push_back({key, key});
  for (const LevelPlan& level : summary.plan.levels)
    for (std::size_t i = 0; i < summary.plan.parameters.size(); ++i)
      table.rows.push_back({parameter_at(summary, i).name, elements_at(summary, i), level.amount.label,
                            summary.plan.zeros_before[i], level.cuts[i].pruned, level.cuts[i].zeros,
                            Share{level.cuts[i].zeros, elements_at(summary, i)}});
  return table;
}

}  // namespace

PruneSummary summarize(const Model& model, const PrunePlan& plan, std::vector<std::string> directories,
                       const Context& context) {
  PruneSummary summary{model, plan, std::move(directories)};
  std::vector<TensorView> untouched;
  for (std::size_t i = 0; i < model.parameters.size(); ++i) {
    const TensorView& tensor = model.tensor(model.parameters[i]);
    if (is_analyzed(tensor.dtype) && !std::binary_search(plan.parameters.begin(), plan.parameters.end(), i))
      untouched.push_back(tensor);
  }
  decode_packed(untouched, context);
  for (const TensorView& tensor : untouched) summary.untouched += tensor.elements();
  for (const std::uint64_t zeros : prune::count_zeros(untouched, context)) summary.untouched_zeros += zeros;
  return summary;
}

std::string prune_text(const PruneSummary& summary, Markup markup, bool by_tensor) {
  const PruneOptions& options = summary.plan.options;
  Document document(markup);
  document.heading(summary.model.title, 1);
  document.paragraph(
      fmt::format("{}: {} of {} parameters, in {} of {} tensors; {}", summary.model.architecture,
                  count_text(summary.plan.candidates), count_text(summary.plan.candidates + summary.untouched),
                  summary.plan.parameters.size(), summary.model.parameters.size(), method_text(options)));
  std::vector<std::string> notes = summary.model.notes;
  notes.insert(notes.end(), summary.plan.notes.begin(), summary.plan.notes.end());
  document.list(notes);
  document.table(level_table(summary, true));
  if (by_tensor) document.table(tensor_table(summary));
  return document.text();
}

Table prune_csv_table(const PruneSummary& summary, bool by_tensor) {
  return by_tensor ? long_tensor_table(summary) : level_table(summary, false);
}

}  // namespace pare
