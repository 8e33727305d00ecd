#include "report/study_methods.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <utility>

#include "base/json_text.h"
#include "bench/process_memory.h"
#include "pare/error.h"
#include "report/rows_by_level.h"
#include "report/study_eval.h"

namespace pare::report {
namespace {

using Json = nlohmann::ordered_json;

/// Options for one criterion at one level.
PruneOptions options_of_row(const Model& model, const ReportOptions& options, const MethodRow& row) {
  PruneOptions pruning;
  pruning.criterion = row.criterion;
  pruning.pattern = options.pattern;
  pruning.norm = options.norm;
  pruning.seed = options.calibration.seed;
  if (!pruning.pattern.level()) pruning.levels = {row.level};
  if (is_calibrated(row.criterion)) return pruning;
  pruning.scope = options.scope;
  const std::vector<Criterion>& all = options.compared_criteria;
  if (std::none_of(all.begin(), all.end(), is_calibrated)) return pruning;
  for (const Parameter& parameter : model.parameters)
    if (parameter.prunable && is_layer_linear(model, parameter)) pruning.include.push_back(glob_of(parameter.name));
  return pruning;
}

/// The zeros of the layers with the smallest and the greatest share of them.
std::pair<Share, Share> extreme_layers(const Model& model, const PrunePlan& plan) {
  std::map<std::pair<std::string, int>, Share> layers;
  for (std::size_t i = 0; i < plan.parameters.size(); ++i) {
    const Parameter& parameter = model.parameters[plan.parameters[i]];
    if (parameter.layer < 0) continue;
    Share& layer = layers[{parameter.stack, parameter.layer}];
    layer.part += plan.levels[0].cuts[i].zeros;
    layer.whole += model.tensor(parameter).elements();
  }
  if (layers.empty()) return {};
  const auto [least, most] = std::minmax_element(layers.begin(), layers.end(), [](const auto& a, const auto& b) {
    return a.second.percent() < b.second.percent();
  });
  return {least->second, most->second};
}

PrunePlan plan_row(const Model& model, const ReportOptions& options, MethodRow& row, const Context& context) {
  const PruneOptions pruning = options_of_row(model, options, row);
  const auto start = std::chrono::steady_clock::now();
  const std::uint64_t before = bench::begin_peak();
  PrunePlan plan = is_calibrated(row.criterion) ? plan_calibrated(model, pruning, options.calibration, context)
                                                : plan_pruning(model, pruning, context);
  row.memory = bench::peak_resident() - std::min(bench::peak_resident(), before);
  row.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  row.sparsity = {plan.levels[0].zeros, plan.candidates};
  std::tie(row.least, row.most) = extreme_layers(model, plan);
  return plan;
}

std::vector<PreparedTask> prepare_tasks(const Study& study, const ReportOptions& options, const Context& context) {
  std::vector<PreparedTask> tasks;
  for (std::size_t i = 0; i < options.evals.size(); ++i) {
    if (!study.tasks[i].unsuitable.empty()) continue;
    EvalOptions scoring = options.evals[i];
    if (scoring.task == Task::kDivergence) scoring.reference = study.model;
    tasks.emplace_back(*study.model, scoring, context);
  }
  return tasks;
}

void add_notes(Methods& methods, const std::vector<std::string>& notes) {
  for (const std::string& note : notes)
    if (std::find(methods.notes.begin(), methods.notes.end(), note) == methods.notes.end())
      methods.notes.push_back(note);
}

Json record_json(const CalibrationRecord& record) {
  return {{"file", record.file},           {"bytes", record.bytes},   {"xxh3_128", record.xxh3_128},
          {"sequences", record.sequences}, {"length", record.length}, {"seed", record.seed}};
}

Json scores_json(const std::vector<const TaskCurve*>& tasks, const MethodRow& row) {
  Json scores = Json::array();
  for (std::size_t task = 0; task < tasks.size(); ++task)
    for (const Score& score : row.scores[task].scores)
      scores.push_back({{"task", task_name(tasks[task]->results.task)},
                        {"name", score.name},
                        {"value", base::number_or_null(score.value)},
                        {"standard_error", score.standard_error ? Json(*score.standard_error) : Json()}});
  return scores;
}

}  // namespace

Methods compare_methods(const Study& study, const ReportOptions& options, const Context& context) {
  Methods methods;
  const Model& model = *study.model;
  for (const Amount& level : options.levels)
    for (const Criterion criterion : options.compared_criteria) methods.rows.push_back({criterion, level});
  try {
    std::vector<PreparedTask> tasks = prepare_tasks(study, options, context.with_progress({}));
    const auto steps = static_cast<double>(methods.rows.size());
    for (std::size_t i = 0; i < methods.rows.size(); ++i) {
      MethodRow& row = methods.rows[i];
      const auto part = [&](double begin, double end) {
        return context.part((static_cast<double>(i) + begin) / steps, (static_cast<double>(i) + end) / steps,
                            fmt::format("{} at {}", criterion_name(row.criterion), level_title(row.level)));
      };
      const PrunePlan plan = plan_row(model, options, row, part(0, 0.5));
      add_notes(methods, plan.notes);
      if (plan.calibration) methods.calibration = plan.calibration;
      if (tasks.empty()) continue;
      const Model pruned = pruned_model(model, plan, 0, context.with_progress({}));
      for (PreparedTask& task : tasks) row.scores.push_back(task.score(pruned, part(0.5, 1)));
    }
  } catch (const Error& error) {
    methods = {};
    methods.left_out = error.what();
  }
  return methods;
}

Table method_table(const Study& study) {
  const std::vector<const TaskCurve*> tasks = scored_tasks(study.tasks);
  Table table;
  table.columns = {
      {"level", "level", true},      {"criterion", "criterion", true}, {"sparsity", "sparsity of the pruned tensors"},
      {"least", "least in a layer"}, {"most", "most in a layer"},      {"seconds", "time"},
      {"memory", "memory"}};
  for (const TaskCurve* curve : tasks)
    table.columns.push_back({curve->main_score, fmt::format("{} ({})", score_kind(curve->main_score).title,
                                                            task_name(curve->results.task))});
  if (!tasks.empty()) {
    std::vector<Cell> dense{std::string("nothing")};
    dense.resize(7);
    for (const TaskCurve* curve : tasks) dense.emplace_back(table::score_text(main_score_of(*curve, 0)));
    table.rows.push_back(std::move(dense));
  }
  for (const MethodRow& row : study.methods.rows) {
    std::vector<Cell> cells{level_title(row.level), std::string(criterion_name(row.criterion)), row.sparsity, Cell(),
                            Cell()};
    if (row.most.whole != 0) cells[3] = row.least, cells[4] = row.most;
    cells.emplace_back(fmt::format("{:.2f} s", row.seconds));
    cells.emplace_back(bytes_text(row.memory));
    for (std::size_t task = 0; task < tasks.size(); ++task)
      cells.emplace_back(table::score_text(main_score_of(*tasks[task], row.scores[task])));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Sentences method_findings(const Study& study) {
  const Methods& methods = study.methods;
  Sentences said;
  if (methods.calibration)
    said.push_back(fmt::format("Calibrated on {} of up to {} of {}, drawn with seed {}.",
                               plural(methods.calibration->sequences, "window"),
                               plural(methods.calibration->length, "token"), markdown_code(methods.calibration->file),
                               methods.calibration->seed));
  const auto is_magnitude = [](const MethodRow& row) { return row.criterion == Criterion::kMagnitude; };
  if (study.plan.options.pattern == Pattern() && std::any_of(methods.rows.begin(), methods.rows.end(), is_magnitude))
    said.emplace_back(study.plan.options.scope == Scope::kGlobal
                          ? "Magnitudes are compared over all pruned tensors together."
                          : "Magnitudes are compared within each tensor.");
  said.emplace_back("Time and memory are those of choosing and changing the weights, calibration included.");
  const std::vector<const TaskCurve*> tasks = scored_tasks(study.tasks);
  for (const std::span<const MethodRow> group : rows_by_level(methods.rows))
    for (std::size_t task = 0; group.size() > 1 && task < tasks.size(); ++task) {
      const ScoreKind& kind = score_kind(tasks[task]->main_score);
      const auto score = [&](const MethodRow& row) { return main_score_of(*tasks[task], row.scores[task]); };
      const auto better = [&](const MethodRow& a, const MethodRow& b) {
        return kind.higher_is_better ? score(a).value > score(b).value : score(a).value < score(b).value;
      };
      if (std::any_of(group.begin(), group.end(),
                      [&](const MethodRow& row) { return !std::isfinite(score(row).value); }))
        continue;
      const auto [best, worst] = std::minmax_element(group.begin(), group.end(), better);
      const std::string text = table::score_value_text(score(*best)), other = table::score_value_text(score(*worst));
      if (text == other)
        said.push_back(fmt::format("At {} the {} is {} with all.", level_title(best->level), kind.title, text));
      else
        said.push_back(fmt::format("At {} the {} is best with {}, {}, and worst with {}, {}.", level_title(best->level),
                                   kind.title, criterion_name(best->criterion), text, criterion_name(worst->criterion),
                                   other));
    }
  return said;
}

std::string methods_json(const Study& study) {
  const Methods& methods = study.methods;
  if (!methods.left_out.empty()) return base::compact_text(Json{{"left_out", methods.left_out}});
  Json rows = Json::array();
  for (const MethodRow& row : methods.rows) {
    const auto layer = [&](const Share& share) { return share.whole == 0 ? Json() : Json(share.percent()); };
    rows.push_back({{"criterion", criterion_name(row.criterion)},
                    {"level", row.level.label},
                    {"zeros", row.sparsity.part},
                    {"sparsity_percent", row.sparsity.percent()},
                    {"least_layer_percent", layer(row.least)},
                    {"most_layer_percent", layer(row.most)},
                    {"seconds", row.seconds},
                    {"memory_bytes", row.memory},
                    {"scores", scores_json(scored_tasks(study.tasks), row)}});
  }
  return base::compact_text(Json{{"calibration", methods.calibration ? record_json(*methods.calibration) : Json()},
                                 {"notes", methods.notes},
                                 {"rows", std::move(rows)}});
}

std::vector<LineChart> method_charts(const Study& study) {
  std::vector<LineChart> charts;
  const std::vector<const TaskCurve*> tasks = scored_tasks(study.tasks);
  for (std::size_t task = 0; task < tasks.size(); ++task) {
    LineChart chart = task_axes(*tasks[task], study.inspection.title);
    chart.title = fmt::format("{}: {} by criterion", study.inspection.title, task_name(tasks[task]->results.task));
    for (const MethodRow& row : study.methods.rows) {
      const std::string name(criterion_name(row.criterion));
      auto line = std::find_if(chart.series.begin(), chart.series.end(),
                               [&](const ChartSeries& series) { return series.name == name; });
      if (line == chart.series.end()) {
        chart.series.push_back({name, {}, {}, {}, {}});
        line = chart.series.end() - 1;
      }
      const Score score = main_score_of(*tasks[task], row.scores[task]);
      const double x = row.sparsity.percent();
      const auto at = std::upper_bound(line->x.begin(), line->x.end(), x) - line->x.begin();
      line->x.insert(line->x.begin() + at, x);
      line->y.insert(line->y.begin() + at, score.value);
      line->y_error.insert(line->y_error.begin() + at, score.standard_error.value_or(0));
    }
    charts.push_back(std::move(chart));
  }
  return charts;
}

}  // namespace pare::report
