#include "report/study_patterns.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "base/json_text.h"
#include "report/rows_by_level.h"
#include "report/study_eval.h"

namespace pare::report {
namespace {

using Json = nlohmann::ordered_json;

double sum_of_squares(const Model& model, const PrunePlan& plan, const Context& context) {
  std::vector<TensorView> tensors;
  for (const std::size_t parameter : plan.parameters) tensors.push_back(model.tensor(model.parameters[parameter]));
  double sum = 0;
  for (const Stats& stats : scan(tensors, {}, context).tensors) sum += stats.sum_of_squares;
  return sum;
}

/// Unstructured pruning first, then the patterns in the requested order.
std::vector<Pattern> with_unstructured(const std::vector<Pattern>& asked) {
  std::vector<Pattern> patterns{Pattern()};
  std::copy_if(asked.begin(), asked.end(), std::back_inserter(patterns),
               [](const Pattern& pattern) { return pattern != Pattern(); });
  return patterns;
}

/// "goes from 2.31 with unstructured to 8.2 with rows", "is 0.00 % with all".
std::string range_text(std::span<const PatternRow> group, const TaskCurve& curve, std::size_t task) {
  const auto value = [&](const PatternRow& row) { return main_score_of(curve, row.scores[task]).value; };
  const auto [low, high] = std::minmax_element(
      group.begin(), group.end(), [&](const PatternRow& a, const PatternRow& b) { return value(a) < value(b); });
  const auto text = [&](const PatternRow& row) {
    return table::score_value_text(main_score_of(curve, row.scores[task]));
  };
  if (text(*low) == text(*high)) return fmt::format("is {} with all", text(*low));
  return fmt::format("goes from {} with {} to {} with {}", text(*low), low->pattern.text(), text(*high),
                     high->pattern.text());
}

}  // namespace

std::vector<PatternRow> compare_patterns(const Study& study, const ReportOptions& options,
                                         const std::vector<EvalOptions>& tasks, const Context& context) {
  const Context silent = context.with_progress({});
  const std::vector<Pattern> patterns = with_unstructured(options.compared_patterns);
  std::vector<Amount> levels = fixed_levels(patterns);
  if (levels.empty()) levels.push_back(Amount::percent("50"));
  const Model& model = *study.model;
  std::vector<PatternRow> rows;
  for (const Amount& level : levels)
    for (const Pattern& pattern : patterns)
      if (!pattern.level() || pattern.level()->label == level.label) rows.push_back({pattern, level, 0, {}, 0, {}});
  std::vector<std::optional<PreparedTask>> prepared(tasks.size());
  for (std::size_t task = 0; task < tasks.size(); ++task) {
    if (!study.tasks[task].unsuitable.empty()) continue;
    EvalOptions scoring = tasks[task];
    if (scoring.task == Task::kDivergence) scoring.reference = &model;
    prepared[task].emplace(model, scoring, silent);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    PruneOptions pruning;
    pruning.pattern = rows[i].pattern;
    if (!pruning.pattern.level()) pruning.levels = {rows[i].level};
    pruning.norm = options.norm;
    pruning.scope = options.scope;
    const PrunePlan plan = plan_pruning(model, pruning, silent);
    const Model pruned = pruned_model(model, plan, 0, silent);
    rows[i].pruned = plan.levels[0].pruned;
    rows[i].sparsity = {plan.levels[0].zeros, plan.candidates};
    rows[i].squares_left = sum_of_squares(pruned, plan, silent) / sum_of_squares(model, plan, silent);
    for (std::size_t task = 0; task < tasks.size(); ++task) {
      if (!prepared[task]) continue;
      const auto done_after = [&](std::size_t scored) {
        const double of_row = static_cast<double>(scored) / static_cast<double>(tasks.size());
        return (static_cast<double>(i) + of_row) / static_cast<double>(rows.size());
      };
      rows[i].scores.push_back(prepared[task]->score(pruned, context.part(done_after(task), done_after(task + 1))));
    }
    context.report(static_cast<double>(i + 1) / static_cast<double>(rows.size()));
  }
  return rows;
}

Table pattern_table(const Study& study) {
  const std::vector<const TaskCurve*> tasks = scored_tasks(study.tasks);
  Table table;
  table.columns = {{"level", "level", true},
                   {"pattern", "pattern", true},
                   {"pruned", "weights set to 0"},
                   {"sparsity", "sparsity of the pruned tensors"},
                   {"squares", "sum of squares left"}};
  for (const TaskCurve* curve : tasks)
    table.columns.push_back({curve->main_score, fmt::format("{} ({})", score_kind(curve->main_score).title,
                                                            task_name(curve->results.task))});
  if (!tasks.empty()) {
    std::vector<Cell> dense{std::string("nothing"), Cell(), Cell(), Cell(), Cell()};
    for (const TaskCurve* curve : tasks)
      dense.emplace_back(table::score_text(main_score_of(*curve, curve->results.rows.front().evaluation)));
    table.rows.push_back(std::move(dense));
  }
  for (const PatternRow& row : study.patterns) {
    std::vector<Cell> cells{level_title(row.level), row.pattern.text(), row.pruned, row.sparsity, Cell()};
    if (std::isfinite(row.squares_left)) cells.back() = fmt::format("{:.2f} %", 100 * row.squares_left);
    for (std::size_t task = 0; task < tasks.size(); ++task)
      cells.emplace_back(table::score_text(main_score_of(*tasks[task], row.scores[task])));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Sentences pattern_findings(const Study& study) {
  Sentences said{"The same share of weights, removed by different patterns: one by one, by groups, or by whole blocks.",
                 "The remaining sum of squares of the weights shows how much of the matrices a pattern preserves."};
  const std::vector<const TaskCurve*> tasks = scored_tasks(study.tasks);
  for (const std::span<const PatternRow> group : rows_by_level(study.patterns)) {
    if (group.size() < 2) continue;
    for (std::size_t task = 0; task < tasks.size(); ++task) {
      const auto finite = [&](const PatternRow& row) {
        return std::isfinite(main_score_of(*tasks[task], row.scores[task]).value);
      };
      if (!std::all_of(group.begin(), group.end(), finite)) continue;
      said.push_back(fmt::format("At {} the {} {}.", level_title(group.front().level),
                                 score_kind(tasks[task]->main_score).title, range_text(group, *tasks[task], task)));
    }
  }
  return said;
}

std::string patterns_json(const Study& study) {
  const std::vector<const TaskCurve*> tasks = scored_tasks(study.tasks);
  Json rows = Json::array();
  for (const PatternRow& row : study.patterns) {
    Json scores = Json::array();
    for (std::size_t task = 0; task < tasks.size(); ++task)
      for (const Score& score : row.scores[task].scores)
        scores.push_back({{"task", task_name(tasks[task]->results.task)},
                          {"name", score.name},
                          {"value", base::number_or_null(score.value)},
                          {"standard_error", score.standard_error ? Json(*score.standard_error) : Json()}});
    rows.push_back({{"pattern", row.pattern.text()},
                    {"level", row.level.label},
                    {"pruned", row.pruned},
                    {"zeros", row.sparsity.part},
                    {"sparsity_percent", row.sparsity.percent()},
                    {"squares_left_percent", base::number_or_null(100 * row.squares_left)},
                    {"scores", std::move(scores)}});
  }
  return base::compact_text(rows);
}

std::string pattern_method(const PruneOptions& options) {
  const Pattern& pattern = options.pattern;
  std::string text;
  switch (pattern.kind) {
    case Pattern::Kind::kUnstructured:
      return text;
    case Pattern::Kind::kNOfM:
      return fmt::format(
          "Of every {} consecutive weights along the input axis the {} of smallest magnitude are set to 0, and {} "
          "stay.",
          pattern.m, pattern.m - pattern.n, pattern.n);
    case Pattern::Kind::kRows:
      text = "Whole outputs (rows)";
      break;
    case Pattern::Kind::kColumns:
      text = "Whole inputs (columns)";
      break;
    case Pattern::Kind::kBlocks:
      text = fmt::format("Blocks of {} by {} (outputs by inputs)", pattern.n, pattern.m);
      break;
  }
  return fmt::format(
      "{} of smallest {} norm{} are set to 0{}", text,
      options.norm == Norm::kL1   ? "L1"
      : options.norm == Norm::kL2 ? "L2"
                                  : "L∞",
      options.scope == Scope::kGlobal ? " over all pruned tensors together" : ", the same amount of each tensor,",
      options.schedule == Schedule::kIndependent ? ", at each level from the original weights."
                                                 : ", each level pruning its amount of what the previous level left.");
}

}  // namespace pare::report
