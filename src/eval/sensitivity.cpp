#include "pare/sensitivity.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include "eval/degradation.h"
#include "pare/error.h"

namespace pare {
namespace eval {
namespace {

std::string role_name(const Parameter& parameter) {
  return (parameter.cross_attention ? "cross-" : "") + std::string(group_name(parameter.group));
}

/// "mlp.c_fc" of "h.3.mlp.c_fc.weight": what stands behind the layer's number.
std::string part_name(const Parameter& parameter, UnitKind kind) {
  if (kind == UnitKind::kLayer) return "";
  if (kind == UnitKind::kGroup) return role_name(parameter);
  const std::string number = fmt::format(".{}.", parameter.layer);
  const std::size_t at = parameter.name.find(number);
  std::string part = at == std::string::npos ? parameter.name : parameter.name.substr(at + number.size());
  if (part.ends_with(".weight")) part.resize(part.size() - 7);
  return part;
}

std::string unit_name(const Parameter& parameter, UnitKind kind) {
  const std::string stack = parameter.stack.empty() ? "" : parameter.stack + " ";
  if (kind == UnitKind::kTensor) return parameter.name;
  if (kind == UnitKind::kGroup) return stack + role_name(parameter);
  return parameter.layer < 0 ? stack + "outside any layer" : fmt::format("{}layer {}", stack, parameter.layer);
}

std::vector<SensitiveUnit> units_of(const Model& model, const SensitivityOptions& options) {
  const UnitKind kind = options.unit;
  std::vector<SensitiveUnit> units;
  for (const std::size_t index : parameters_of_units(model, options)) {
    const Parameter& parameter = model.parameters[index];
    const std::string name = unit_name(parameter, kind);
    auto unit = std::find_if(units.begin(), units.end(), [&](const SensitiveUnit& one) { return one.name == name; });
    if (unit == units.end()) {
      units.push_back({name,
                       parameter.stack,
                       kind == UnitKind::kGroup ? -1 : parameter.layer,
                       part_name(parameter, kind),
                       {},
                       0,
                       {}});
      unit = units.end() - 1;
    }
    unit->parameters.push_back(index);
    unit->weights += model.tensor(parameter).elements();
  }
  return units;
}

std::vector<Amount> default_levels() {
  std::vector<Amount> levels;
  for (const char* level : {"50", "80", "90", "95"}) levels.push_back(Amount::percent(level));
  return levels;
}

}  // namespace
}  // namespace eval

std::vector<std::size_t> ranking(const Sensitivity& sensitivity) {
  std::vector<std::size_t> order(sensitivity.units.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto total = [&](std::size_t i) {
    const std::vector<double>& degradation = sensitivity.units[i].degradation;
    return std::accumulate(degradation.begin(), degradation.end(), 0.0);
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return total(a) < total(b); });
  return order;
}

Sensitivity measure_sensitivity(const Model& model, const SensitivityOptions& options, const Context& context) {
  Sensitivity result;
  eval::Degradation degradation(model, options, context);
  result.score = degradation.score();
  result.degradation_unit = degradation.unit();
  result.dense = degradation.dense();
  result.criterion = options.criterion;
  result.refit = options.refit;
  result.statistics = options.statistics.filename().string();
  result.levels = options.levels.empty() ? eval::default_levels() : options.levels;
  result.units = eval::units_of(model, options);
  const auto total = static_cast<double>(result.units.size() * result.levels.size());
  double done = 0;
  for (SensitiveUnit& unit : result.units) {
    result.weights += unit.weights;
    for (const Amount& level : result.levels) {
      context.report(done++ / total, unit.name);
      PruneSet set = eval::set_of(model, unit, level.fraction);
      if (level.count) set.amount = level;
      unit.degradation.push_back(degradation.of({std::move(set)}));
    }
  }
  return result;
}

}  // namespace pare
