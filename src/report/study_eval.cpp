#include "report/study_eval.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "report/study.h"

namespace pare::report {
namespace {

/// Rows of the curve (the dense one is 0) from the least pruned on.
std::vector<std::size_t> rows_by_sparsity(const PrunePlan& plan) {
  std::vector<std::size_t> order(plan.levels.size());
  std::iota(order.begin(), order.end(), std::size_t{1});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return plan.levels[a - 1].pruned < plan.levels[b - 1].pruned; });
  return order;
}

/// How much worse a score is than the dense model's: the share by which it fell or, for losses, rose.
double worsening(const Score& dense, const Score& pruned) {
  const bool higher = score_kind(dense.name).higher_is_better;
  if (dense.value == 0) return higher ? 0 : INFINITY;
  return higher ? 1 - pruned.value / dense.value : pruned.value / dense.value - 1;
}

bool is_kept(double worse) { return worse < 0.1; }
/// Whether the score has fallen to less than half or, for losses, has more than doubled.
bool is_broken(double worse, bool higher) { return higher ? worse > 0.5 : worse > 1; }

std::string capital(std::string_view text) {
  std::string result(text);
  if (!result.empty()) result[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(result[0])));
  return result;
}

}  // namespace

Score main_score_of(const TaskCurve& curve, const Evaluation& evaluation) {
  for (const Score& score : evaluation.scores)
    if (score.name == curve.main_score) return score;
  return {curve.main_score, std::nan(""), {}};
}

Score main_score_of(const TaskCurve& curve, std::size_t row) {
  return main_score_of(curve, curve.results.rows[row].evaluation);
}

bool keeps_score(const Score& dense, const Score& pruned) { return is_kept(worsening(dense, pruned)); }

std::vector<TaskCurve> task_curves(const Model& model, const PrunePlan& plan, const std::vector<EvalOptions>& tasks,
                                   const Context& context) {
  std::vector<TaskCurve> curves;
  for (const EvalOptions& task : tasks) {
    TaskCurve& curve = curves.emplace_back();
    curve.results.task = task.task;
    curve.results.data = task.data.string();
    curve.main_score = task_kind(task.task).main_score;
    curve.unsuitable = unsuitable(model, task.task).value_or("");
  }
  const double total = static_cast<double>(tasks.size() * (plan.levels.size() + 1));
  double done = 0;
  // One prepared task and one pruned copy in memory at a time.
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (!curves[i].unsuitable.empty()) {
      done += static_cast<double>(plan.levels.size() + 1);
      continue;
    }
    EvalOptions options = tasks[i];
    if (options.task == Task::kDivergence) options.reference = &model;
    PreparedTask task(model, options, context);
    for (std::size_t row = 0; row <= plan.levels.size(); ++row, ++done) {
      const Context part = context.part(done / total, (done + 1) / total);
      EvalRow scored{model.title, {}, {}, {}};
      if (row == 0)
        scored.evaluation = task.score(part);
      else
        scored.evaluation = task.score(pruned_model(model, plan, row - 1, context), part);
      if (row > 0) {
        scored.level = plan.levels[row - 1].amount.label;
        scored.sparsity = {plan.levels[row - 1].zeros, plan.candidates};
      }
      curves[i].results.rows.push_back(std::move(scored));
    }
  }
  return curves;
}

std::vector<const TaskCurve*> scored_tasks(const std::vector<TaskCurve>& curves) {
  std::vector<const TaskCurve*> scored;
  for (const TaskCurve& curve : curves)
    if (curve.unsuitable.empty()) scored.push_back(&curve);
  return scored;
}

Table task_table(const TaskCurve& curve, const PrunePlan& plan) {
  Table table;
  table.columns = {{"level", "level", true}, {"sparsity", "sparsity of the pruned tensors"}};
  for (const Score& score : curve.results.rows.front().evaluation.scores)
    table.columns.push_back({score.name, std::string(score_kind(score.name).title)});
  for (std::size_t row = 0; row < curve.results.rows.size(); ++row) {
    const EvalRow& scored = curve.results.rows[row];
    std::vector<Cell> cells{row == 0 ? std::string("nothing") : level_title(plan.levels[row - 1].amount), Cell()};
    if (row > 0) cells[1] = scored.sparsity;
    for (const Score& score : scored.evaluation.scores) cells.emplace_back(table::score_text(score));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Sentences task_findings(const TaskCurve& curve, const PrunePlan& plan) {
  const Score dense = main_score_of(curve, 0);
  const bool higher = score_kind(dense.name).higher_is_better;
  const std::string name(score_kind(dense.name).title);
  const std::vector<std::size_t> order = rows_by_sparsity(plan);
  const auto title = [&](std::size_t row) { return level_title(plan.levels[row - 1].amount); };
  const auto worse = [&](std::size_t at) { return worsening(dense, main_score_of(curve, order[at])); };
  if (order.empty() || !std::isfinite(dense.value)) return {};
  if (higher && dense.value == 0)
    return {fmt::format("The dense model's {} is 0 already: nothing is left to lose.", name)};
  std::size_t kept = 0, broken = order.size();
  while (kept < order.size() && is_kept(worse(kept))) ++kept;
  while (broken > 0 && is_broken(worse(broken - 1), higher)) --broken;
  const auto change = [&](std::size_t at) {
    return fmt::format("{} instead of {}", table::score_value_text(main_score_of(curve, order[at])),
                       table::score_value_text(dense));
  };
  if (kept == order.size())
    return {fmt::format("At no level is the {} a tenth worse than the dense model's: at {} it is {}.", name,
                        title(order.back()), change(order.size() - 1))};
  Sentences sentences;
  if (kept == 0)
    sentences.push_back(
        fmt::format("Already at {} the {} is a tenth worse or more: {}.", title(order[0]), name, change(0)));
  else
    sentences.push_back(fmt::format("Up to {} the {} is less than a tenth worse than the dense model's: {}.",
                                    title(order[kept - 1]), name, change(kept - 1)));
  if (broken == order.size()) return sentences;
  const std::string where =
      broken + 1 == order.size() ? "At " + title(order[broken]) : "From " + title(order[broken]) + " on";
  sentences.push_back(fmt::format(
      "{} {}: {}.", where, higher ? "less than half of it is left" : "it has more than doubled", change(broken)));
  return sentences;
}

LineChart task_axes(const TaskCurve& curve, const std::string& title) {
  const Score dense = main_score_of(curve, 0);
  const ScoreKind& kind = score_kind(dense.name);
  LineChart chart;
  chart.title = fmt::format("{}: {} against sparsity", title, task_name(curve.results.task));
  chart.x_label = "zeros among the pruned tensors' weights (%)";
  chart.y_label = capital(kind.title) + (kind.higher_is_better ? "" : " (lower is better)");
  chart.percent_y = kind.share;
  chart.log_y = !kind.higher_is_better;
  chart.marked_y = dense.value;
  chart.marked_y_label = fmt::format("dense: {}", table::score_value_text(dense));
  return chart;
}

LineChart task_chart(const TaskCurve& curve, const PrunePlan& plan, const std::string& title) {
  const Score dense = main_score_of(curve, 0);
  LineChart chart = task_axes(curve, title);
  ChartSeries series;
  std::uint64_t zeros = 0;
  for (const std::uint64_t count : plan.zeros_before) zeros += count;
  series.x.push_back(Share{zeros, plan.candidates}.percent());
  series.y.push_back(dense.value);
  series.y_error.push_back(dense.standard_error.value_or(0));
  for (const std::size_t row : rows_by_sparsity(plan)) {
    const Score score = main_score_of(curve, row);
    series.x.push_back(curve.results.rows[row].sparsity.percent());
    series.y.push_back(score.value);
    series.y_error.push_back(score.standard_error.value_or(0));
  }
  chart.series.push_back(std::move(series));
  return chart;
}

}  // namespace pare::report
