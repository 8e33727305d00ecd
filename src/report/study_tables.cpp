#include "report/study_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "report/study_findings.h"
#include "table/columns.h"
#include "table/inspect_tables.h"

namespace pare::report {
namespace {

using table::left;
using table::right;

std::string measured(const Study& study) { return measure_title(study.inspection.options); }

}  // namespace

Table models_table(const std::vector<Study>& studies) {
  Table table;
  table.columns = {left("model"), left("read as"),  right("parameters"), right("tensors"),
                   left("dtype"), right("on disk"), right("left out")};
  for (const Study& study : studies) {
    const InspectRow& all = study.inspection.overall;
    table.rows.push_back({study.inspection.title, study.inspection.architecture, all.stats.count, all.tensors,
                          all.dtype, bytes_text(study.model->checkpoint.bytes_on_disk()),
                          static_cast<std::uint64_t>(study.inspection.left_out.size())});
  }
  return table;
}

Table tails_table(const std::vector<Study>& studies) {
  const std::vector<double>& tails = studies.front().inspection.options.tails;
  Table table;
  table.columns = {left("model")};
  for (const double tail : tails) table.columns.push_back(right(measure_title(Measure::kMagnitude, tail)));
  table.columns.insert(table.columns.end(), {right("largest"), left("in", true)});
  for (const Study& study : studies) {
    std::vector<Cell> cells{study.inspection.title};
    for (std::size_t i = 0; i < tails.size(); ++i)
      cells.emplace_back(study.inspection.overall.stats.cutoffs[i + 1].above);
    cells.resize(cells.size() + 2);
    if (!study.inspection.largest.empty()) {
      cells[cells.size() - 2] = study.inspection.largest.front().value;
      cells.back() = study.inspection.largest.front().tensor;
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Table shared_levels_table(const std::vector<Study>& studies) {
  Table table;
  table.columns = {left("pruned")};
  table.rows = {{std::string("nothing")}};
  for (const LevelPlan& level : studies.front().plan.levels) table.rows.push_back({level_title(level.amount)});
  for (const Study& study : studies) {
    table.columns.push_back(right(study.inspection.title));
    table.rows[0].emplace_back(study.before());
    for (std::size_t i = 0; i < study.levels.size(); ++i) table.rows[i + 1].emplace_back(study.after(i));
  }
  return table;
}

Table selection_table(const Study& study) {
  Table table;
  table.columns = {left("group"), right("tensors pruned"), right("weights pruned from"), right("tensors left alone"),
                   right("parameters left alone")};
  for (const InspectRow& group : study.inspection.groups) {
    std::array<std::uint64_t, 2> tensors{}, weights{};
    for (std::size_t i = 0; i < study.pruned.size(); ++i) {
      const InspectRow& row = study.inspection.tensors[i];
      if (row.group != group.group) continue;
      ++tensors[study.pruned[i]];
      weights[study.pruned[i]] += row.stats.count;
    }
    table.rows.push_back({group.name, tensors[1], weights[1], tensors[0], weights[0]});
  }
  return table;
}

Table levels_table(const Study& study) {
  const bool global = study.plan.options.scope == Scope::kGlobal && study.plan.options.pattern == Pattern();
  Table table;
  table.columns = {left("level"), right("weights set to 0")};
  if (global) table.columns.push_back(right("largest of them"));
  table.columns.insert(table.columns.end(),
                       {right("sparsity of the pruned tensors"), right("sparsity of the model"),
                        right(measured(study) + " before"), right("after"), right("tensors emptied")});
  const std::uint64_t all = study.inspection.overall.stats.count;
  for (std::size_t i = 0; i < study.levels.size(); ++i) {
    const LevelPlan& level = study.plan.levels[i];
    std::vector<Cell> cells{level_title(level.amount), level.pruned};
    if (global) {
      cells.emplace_back();
      if (level.threshold) cells.back() = *level.threshold;
    }
    cells.insert(cells.end(), {study.sparsity(i), Share{study.levels[i].zeros, all}, study.before(), study.after(i),
                               static_cast<std::uint64_t>(emptied_tensors(study, i).size())});
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Table layer_sparsity_table(const Study& study) {
  Table table;
  table.columns = {left("layer"), right("pruned weights")};
  for (const LevelPlan& level : study.plan.levels) table.columns.push_back(right(level_title(level.amount)));
  for (const LayerSparsity& layer : study.layers) {
    const std::uint64_t weights = layer.levels.empty() ? 0 : layer.levels.front().whole;
    std::vector<Cell> cells{layer.name, weights};
    for (const Share& share : layer.levels) cells.emplace_back(share);
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Table tensors_table(const Study& study) {
  Table table = rows_table(study.inspection, Rows::kTensors);
  for (std::size_t level = 0; level < study.levels.size(); ++level) {
    table.columns.push_back(right("zeros at " + level_title(study.plan.levels[level].amount)));
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
      table.rows[i].emplace_back();
      if (study.pruned[i]) table.rows[i].back() = study.tensor_sparsity(level, i);
    }
  }
  return table;
}

Table tensors_csv_table(const Study& study) {
  const Rows kinds[] = {Rows::kTensors};
  Table table = inspect_csv_table({&study.inspection, 1}, kinds);
  table.columns.push_back(right("pruned"));
  for (std::size_t i = 0; i < table.rows.size(); ++i) table.rows[i].emplace_back(std::uint64_t{study.pruned[i]});
  for (std::size_t level = 0; level < study.levels.size(); ++level) {
    table.columns.push_back(right("zeros_at_" + study.plan.levels[level].amount.label));
    for (std::size_t i = 0; i < table.rows.size(); ++i)
      table.rows[i].emplace_back(study.levels[level].tensors[i].zeros);
  }
  return table;
}

Table steps_table(const std::vector<Study>& studies) {
  Table table;
  table.columns = {left("step")};
  for (const Step& step : studies.front().steps) table.rows.push_back({step.name});
  for (const Study& study : studies) {
    table.columns.push_back(right(study.inspection.title));
    for (std::size_t i = 0; i < study.steps.size(); ++i)
      table.rows[i].emplace_back(fmt::format("{:.2f} s", study.steps[i].seconds));
  }
  return table;
}

}  // namespace pare::report
