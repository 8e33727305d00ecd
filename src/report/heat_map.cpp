#include "report/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "table/inspect_tables.h"

namespace pare::report {
namespace {

void add_share(std::optional<Share>& sum, const Share& share) {
  if (!sum) sum.emplace();
  sum->part += share.part;
  sum->whole += share.whole;
}

void add_tensor(HeatCell& cell, const Study& study, std::size_t tensor) {
  const Stats& stats = study.inspection.tensors[tensor].stats;
  cell.figures.resize(2 + study.levels.size());
  cell.parameters += stats.count;
  add_share(cell.figures[0], table::share_of(stats, study.inspection.options.measure));
  add_share(cell.figures[1], {stats.zeros, stats.count});
  if (!study.pruned[tensor]) return;
  for (std::size_t level = 0; level < study.levels.size(); ++level)
    add_share(cell.figures[2 + level], study.tensor_sparsity(level, tensor));
}

/// Index of `value` in `values`, to which it is added if it is new.
template <class Value>
std::size_t place_of(std::vector<Value>& values, const Value& value) {
  const auto found = std::find(values.begin(), values.end(), value);
  if (found != values.end()) return static_cast<std::size_t>(found - values.begin());
  values.push_back(value);
  return values.size() - 1;
}

}  // namespace

std::string tensor_kind(const std::string& name, int layer, int expert) {
  const std::string number = fmt::format(".{}.", layer), dotted = '.' + name;
  const std::size_t at = dotted.find(number);
  if (at == std::string::npos) return name;
  std::string kind = dotted.substr(at + number.size());
  if (expert < 0) return kind;
  const std::string expert_number = fmt::format(".{}.", expert);
  if (const std::size_t place = kind.find(expert_number); place != std::string::npos)
    kind.replace(place, expert_number.size(), ".*.");
  return kind;
}

std::vector<std::string> heat_titles(const Study& study) {
  std::vector<std::string> titles{measure_title(study.inspection.options), "zeros"};
  for (const LevelPlan& level : study.plan.levels) titles.push_back("zeros at " + level_title(level.amount));
  return titles;
}

std::vector<HeatMap> heat_maps(const Study& study) {
  std::map<std::string, int> experts;
  for (const Parameter& parameter : study.model->parameters) experts.emplace(parameter.name, parameter.expert);
  std::vector<HeatMap> maps;
  std::vector<std::string> stacks;
  for (const InspectRow& row : study.inspection.tensors) {
    if (row.layer < 0) continue;
    const std::size_t stack = place_of(stacks, row.stack);
    if (stack == maps.size()) maps.push_back({row.stack, {}, {}, {}});
    place_of(maps[stack].layers, row.layer);
  }
  for (HeatMap& map : maps) {
    std::sort(map.layers.begin(), map.layers.end());
    map.cells.resize(map.layers.size());
  }
  for (std::size_t i = 0; i < study.inspection.tensors.size(); ++i) {
    const InspectRow& row = study.inspection.tensors[i];
    if (row.layer < 0) continue;
    HeatMap& map = maps[place_of(stacks, row.stack)];
    const std::size_t column = place_of(map.kinds, tensor_kind(row.name, row.layer, experts[row.name]));
    std::vector<HeatCell>& cells = map.cells[place_of(map.layers, row.layer)];
    cells.resize(std::max(cells.size(), column + 1));
    add_tensor(cells[column], study, i);
  }
  for (HeatMap& map : maps)
    for (std::vector<HeatCell>& cells : map.cells) cells.resize(map.kinds.size());
  return maps;
}

}  // namespace pare::report
