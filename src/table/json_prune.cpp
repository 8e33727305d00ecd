#include "pare/json.h"
#include "table/json_values.h"
#include "table/prune_tables.h"

namespace pare {
namespace {

using table::elements_at;
using table::Json;
using table::parameter_at;

Json level_json(const PruneSummary& summary, std::size_t index) {
  const LevelPlan& level = summary.plan.levels[index];
  Json tensors = Json::array();
  for (std::size_t i = 0; i < summary.plan.parameters.size(); ++i)
    tensors.push_back({{"name", parameter_at(summary, i).name},
                       {"parameters", elements_at(summary, i)},
                       {"zeros_before", summary.plan.zeros_before[i]},
                       {"pruned", level.cuts[i].pruned},
                       {"zeros", level.cuts[i].zeros}});
  Json json{{"level", level.amount.label},
            {"pruned", level.pruned},
            {"zeros", level.zeros},
            {"sparsity_percent", table::sparsity(summary, level).percent()},
            {"model_sparsity_percent", table::model_sparsity(summary, level).percent()},
            {"threshold", level.threshold ? Json(*level.threshold) : Json()}};
  if (!summary.directories[index].empty()) json["directory"] = summary.directories[index];
  json["tensors"] = std::move(tensors);
  return json;
}

}  // namespace

std::string prune_json(const PruneSummary& summary) {
  const PruneOptions& options = summary.plan.options;
  Json levels = Json::array();
  for (std::size_t i = 0; i < summary.plan.levels.size(); ++i) levels.push_back(level_json(summary, i));
  Json json{{"title", summary.model.title},
            {"source", summary.model.source},
            {"architecture", summary.model.architecture},
            {"scope", scope_name(options)},
            {"criterion", criterion_name(options.criterion)},
            {"schedule", schedule_name(options.schedule)},
            {"pattern", options.pattern.text()},
            {"candidates", summary.plan.candidates},
            {"parameters", summary.plan.candidates + summary.untouched},
            {"levels", std::move(levels)}};
  if (summary.plan.mask) json["mask"] = summary.plan.mask->file;
  if (options.pattern.has_norm()) json["norm"] = norm_name(options.norm);
  if (!summary.plan.notes.empty()) json["notes"] = summary.plan.notes;
  return base::indented_text(json);
}

}  // namespace pare
