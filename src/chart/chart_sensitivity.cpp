#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "pare/chart.h"

namespace pare {

LineChart sensitivity_chart(const SensitivityResults& results) {
  const Sensitivity& found = results.sensitivity;
  const bool by_layer =
      std::any_of(found.units.begin(), found.units.end(), [](const SensitiveUnit& unit) { return unit.layer >= 0; });
  const bool layers_only = by_layer && std::all_of(found.units.begin(), found.units.end(),
                                                   [](const SensitiveUnit& unit) { return unit.part.empty(); });
  LineChart chart;
  chart.title = results.model + ": what pruning one part alone costs";
  if (!found.statistics.empty())
    chart.title += " (" + std::string(criterion_name(found.criterion)) + (found.refit ? ", refit)" : ")");
  chart.x_label = by_layer ? "layer" : "pruned (%)";
  chart.y_label = found.score == "kl"                ? "KL from the dense model (nats)"
                  : found.degradation_unit == "nats" ? "rise of the loss (nats)"
                                                     : "loss of " + std::string(score_kind(found.score).title);
  chart.percent_y = found.degradation_unit == "share";
  chart.ordered = layers_only;
  chart.log_y = !chart.percent_y;
  std::map<std::pair<std::string, std::string>, std::size_t> lines;  // by panel and name
  const auto add = [&](const std::string& panel, const std::string& name, double x, double y) {
    if (chart.log_y && !(y > 0)) return;
    const auto [line, fresh] = lines.emplace(std::pair(panel, name), chart.series.size());
    if (fresh) chart.series.push_back({name, {}, {}, panel});
    chart.series[line->second].x.push_back(x);
    chart.series[line->second].y.push_back(y);
  };
  for (std::size_t level = 0; level < found.levels.size(); ++level)
    for (const SensitiveUnit& unit : found.units) {
      if (layers_only && unit.layer >= 0)
        add(unit.stack, level_title(found.levels[level]), unit.layer, unit.degradation[level]);
      else if (by_layer && unit.layer >= 0)
        add(level_title(found.levels[level]), (unit.stack.empty() ? "" : unit.stack + " ") + unit.part, unit.layer,
            unit.degradation[level]);
      else if (!by_layer)
        add("", unit.name, 100 * found.levels[level].fraction, unit.degradation[level]);
    }
  return chart;
}

}  // namespace pare
