#include "table/eval_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace pare {
namespace table {
namespace {

/// Perplexities of heavily pruned models have many digits that mean nothing.
std::string plain_text(double value) {
  if (std::abs(value) >= 1e6) return fmt::format("{:.3g}", value);
  if (std::abs(value) >= 1000) return fmt::format("{:.0f}", value);
  return fmt::format("{:.4g}", value);
}

}  // namespace

std::string score_value_text(const Score& score) {
  if (!std::isfinite(score.value)) return number_text(score.value);
  return score_kind(score.name).share ? percent_text(score.value) : plain_text(score.value);
}

std::string score_text(const Score& score) {
  const std::string value = score_value_text(score);
  if (!score.standard_error || !std::isfinite(score.value)) return value;
  if (score_kind(score.name).share) return fmt::format("{} ± {:.2f}", value, 100 * *score.standard_error);
  // Two digits of the error decide how many digits of the value are shown; whole numbers remain readable.
  const double error = *score.standard_error;
  return fmt::format("{} ± {}", value, error >= 100 ? plain_text(error) : fmt::format("{:.2g}", error));
}

}  // namespace table
namespace {

bool any_level(const EvalResults& results) {
  return std::any_of(results.rows.begin(), results.rows.end(),
                     [](const EvalRow& row) { return row.level.has_value(); });
}

bool any_pattern(const EvalResults& results) {
  return std::any_of(results.rows.begin(), results.rows.end(),
                     [](const EvalRow& row) { return row.pattern.has_value(); });
}

/// Names of all scores, in order of first appearance.
std::vector<std::string> score_names(const EvalResults& results) {
  std::vector<std::string> names;
  for (const EvalRow& row : results.rows)
    for (const Score& score : row.evaluation.scores)
      if (std::find(names.begin(), names.end(), score.name) == names.end()) names.push_back(score.name);
  return names;
}

const Score* find_score(const Evaluation& evaluation, const std::string& name) {
  const auto found = std::find_if(evaluation.scores.begin(), evaluation.scores.end(),
                                  [&](const Score& score) { return score.name == name; });
  return found == evaluation.scores.end() ? nullptr : &*found;
}

}  // namespace

Table eval_table(const EvalResults& results) {
  const bool levels = any_level(results), patterns = any_pattern(results);
  const std::vector<std::string> names = score_names(results);
  Table table;
  table.columns = {{"model", "model", true}};
  if (levels) table.columns.push_back({"level", "level"});
  if (patterns) table.columns.push_back({"pattern", "pattern", true});
  table.columns.push_back({"sparsity", "sparsity"});
  for (const std::string& name : names) table.columns.push_back({name, std::string(score_kind(name).title)});
  table.columns.insert(table.columns.end(), {{"items", std::string(task_kind(results.task).item) + "s"},
                                             {"tokens", "tokens"},
                                             {"seconds", "seconds"},
                                             {"rate", "tokens/s"}});
  for (const EvalRow& row : results.rows) {
    std::vector<Cell> cells{row.model};
    if (levels) cells.emplace_back(row.level ? level_title(*row.level) : "as is");
    if (patterns) cells.emplace_back(row.pattern.value_or(""));
    cells.emplace_back(row.sparsity);
    for (const std::string& name : names) {
      cells.emplace_back();
      if (const Score* score = find_score(row.evaluation, name)) cells.back() = table::score_text(*score);
    }
    const double seconds = row.evaluation.seconds;
    cells.insert(cells.end(), {row.evaluation.items, row.evaluation.tokens, fmt::format("{:.2f}", seconds)});
    cells.emplace_back();
    if (seconds > 0) cells.back() = static_cast<std::uint64_t>(static_cast<double>(row.evaluation.tokens) / seconds);
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Table eval_csv_table(const EvalResults& results) {
  const std::vector<std::string> names = score_names(results);
  Table table;
  const bool patterns = any_pattern(results);
  table.columns = {{"model", "", true}, {"level", "", true}};
  if (patterns) table.columns.push_back({"pattern", "", true});
  table.columns.push_back({"sparsity_percent", ""});
  for (const std::string& name : names) {
    table.columns.push_back({name, ""});
    table.columns.push_back({name + "_standard_error", ""});
  }
  table.columns.insert(table.columns.end(), {{"items", ""}, {"tokens", ""}, {"seconds", ""}});
  for (const EvalRow& row : results.rows) {
    std::vector<Cell> cells{row.model, row.level.value_or("")};
    if (patterns) cells.emplace_back(row.pattern.value_or(""));
    cells.emplace_back(row.sparsity);
    for (const std::string& name : names) {
      const Score* score = find_score(row.evaluation, name);
      cells.resize(cells.size() + 2);
      if (score != nullptr) cells[cells.size() - 2] = score->value;
      if (score != nullptr && score->standard_error) cells.back() = *score->standard_error;
    }
    cells.insert(cells.end(), {row.evaluation.items, row.evaluation.tokens, row.evaluation.seconds});
    table.rows.push_back(std::move(cells));
  }
  return table;
}

std::string eval_text(const EvalResults& results, Markup markup) {
  Document document(markup);
  std::string heading = fmt::format("{} on {}", task_name(results.task), results.data);
  if (!results.reference.empty()) heading += ", from " + results.reference;
  document.heading(heading);
  document.table(eval_table(results));
  std::vector<std::string> notes;
  for (const EvalRow& row : results.rows)
    for (const std::string& note : row.evaluation.notes)
      if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
  document.list(notes);
  return document.text();
}

}  // namespace pare
