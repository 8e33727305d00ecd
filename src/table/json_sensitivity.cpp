#include "pare/json.h"
#include "table/json_values.h"

namespace pare {

using table::Json;
using table::numbers;

std::string sensitivity_json(const SensitivityResults& results) {
  const Sensitivity& found = results.sensitivity;
  Json levels = Json::array(), units = Json::array(), order = Json::array(), allocations = Json::array();
  for (const Amount& level : found.levels) levels.push_back(100 * level.fraction);
  for (const SensitiveUnit& unit : found.units)
    units.push_back({{"name", unit.name},
                     {"stack", unit.stack},
                     {"layer", unit.layer >= 0 ? Json(unit.layer) : Json()},
                     {"part", unit.part},
                     {"weights", unit.weights},
                     {"damage", numbers(unit.degradation)}});
  for (const std::size_t i : ranking(found)) order.push_back(found.units[i].name);
  for (const Allocation& one : results.allocations) {
    std::vector<double> percents;
    for (const double level : one.levels) percents.push_back(100 * level);
    allocations.push_back({{"name", one.name}, {"damage", one.degradation}, {"percent", numbers(percents)}});
  }
  Json json{{"model", results.model}, {"task", results.task},      {"data", results.data},
            {"score", found.score},   {"dense", found.dense},      {"damage_unit", found.degradation_unit},
            {"levels", levels},       {"units", std::move(units)}, {"ranking", std::move(order)}};
  if (!found.statistics.empty())
    json.update(
        Json{{"criterion", criterion_name(found.criterion)}, {"refit", found.refit}, {"statistics", found.statistics}});
  if (!results.allocations.empty()) {
    json["target_percent"] = 100 * results.target;
    json["allocations"] = std::move(allocations);
  }
  return base::indented_text(json);
}

}  // namespace pare
