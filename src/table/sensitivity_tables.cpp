#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "pare/results.h"

namespace pare {
namespace {

std::string degradation_text(double degradation, const std::string& unit) {
  if (unit == "share") return fmt::format("{:+.2f} points", -100 * degradation);
  return std::abs(degradation) < 1e-9 ? "0" : fmt::format("{:.3g}", degradation);
}

/// " by alps, with the statistics in FILE"; nothing for magnitude.
std::string method_text(const Sensitivity& found) {
  if (found.statistics.empty()) return "";
  return fmt::format(" by {}{}, with the statistics in {}", criterion_name(found.criterion),
                     found.refit ? " and refit" : "", found.statistics);
}

/// A sentence that explains the numbers.
std::string explanation(const SensitivityResults& results) {
  const Sensitivity& found = results.sensitivity;
  const std::string method = method_text(found);
  if (found.score == "kl")
    return fmt::format(
        "Each part alone is pruned to each level{}; shown is the mean KL of the pruned model from the dense one, in "
        "nats. Parts that can go most easily come first.",
        method);
  if (found.degradation_unit == "nats")
    return fmt::format(
        "Each part alone is pruned to each level{}; shown is by how many nats that raises the loss (the "
        "dense model's {} is {:.4g}). Parts that can go most easily come first.",
        method, score_kind(found.score).title, found.dense);
  return fmt::format(
      "Each part alone is pruned to each level{}; shown is what the {} loses (the dense model's is {}). "
      "Parts that can go most easily come first.",
      method, score_kind(found.score).title, percent_text(found.dense));
}

}  // namespace

Table degradation_table(const SensitivityResults& results) {
  const Sensitivity& found = results.sensitivity;
  Table table;
  table.columns = {{"rank", "rank"}, {"unit", "pruned alone", true}, {"weights", "weights"}};
  for (const Amount& level : found.levels) table.columns.push_back({level.label, level_title(level)});
  std::uint64_t rank = 0;
  for (const std::size_t i : ranking(found)) {
    const SensitiveUnit& unit = found.units[i];
    std::vector<Cell> cells{++rank, unit.name, unit.weights};
    for (const double degradation : unit.degradation)
      cells.emplace_back(degradation_text(degradation, found.degradation_unit));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Table allocation_table(const SensitivityResults& results) {
  Table table;
  table.columns = {{"unit", "pruned", true}, {"weights", "weights"}};
  for (const Allocation& one : results.allocations) table.columns.push_back({one.name, one.name});
  for (std::size_t i = 0; i < results.sensitivity.units.size(); ++i) {
    std::vector<Cell> cells{results.sensitivity.units[i].name, results.sensitivity.units[i].weights};
    for (const Allocation& one : results.allocations) cells.emplace_back(percent_text(one.levels[i]));
    table.rows.push_back(std::move(cells));
  }
  std::vector<Cell> overall{std::string("overall"), results.sensitivity.weights};
  std::vector<Cell> degradation{std::string("damage on this data"), Cell()};
  for (const Allocation& one : results.allocations) {
    double pruned = 0;
    for (std::size_t i = 0; i < one.levels.size(); ++i)
      pruned += one.levels[i] * static_cast<double>(results.sensitivity.units[i].weights);
    overall.emplace_back(percent_text(pruned / static_cast<double>(results.sensitivity.weights)));
    degradation.emplace_back(degradation_text(one.degradation, results.sensitivity.degradation_unit));
  }
  table.rows.push_back(std::move(overall));
  table.rows.push_back(std::move(degradation));
  return table;
}

std::string sensitivity_text(const SensitivityResults& results, Markup markup) {
  Document document(markup);
  document.heading(fmt::format("{}: which parts can go ({} on {})", results.model, results.task, results.data));
  document.paragraph(explanation(results));
  document.table(degradation_table(results));
  if (results.allocations.empty()) return document.text();
  document.heading(fmt::format("Levels for {:.4g} % overall", 100 * results.target));
  document.paragraph("The last column is what --write writes. Score it on other data as well: here it was chosen.");
  document.table(allocation_table(results));
  return document.text();
}

Table sensitivity_csv_table(const SensitivityResults& results) {
  const Sensitivity& found = results.sensitivity;
  Table table;
  table.columns = {{"unit", "", true}, {"stack", "", true}, {"layer", ""}, {"part", "", true}, {"weights", ""}};
  for (const Amount& level : found.levels) table.columns.push_back({"damage_at_" + level.label, ""});
  for (const Allocation& one : results.allocations) table.columns.push_back({one.name + "_percent", ""});
  for (std::size_t i = 0; i < found.units.size(); ++i) {
    const SensitiveUnit& unit = found.units[i];
    std::vector<Cell> cells{unit.name, unit.stack, Cell(), unit.part, unit.weights};
    if (unit.layer >= 0) cells[2] = static_cast<std::uint64_t>(unit.layer);
    for (const double degradation : unit.degradation) cells.emplace_back(degradation);
    for (const Allocation& one : results.allocations) cells.emplace_back(100 * one.levels[i]);
    table.rows.push_back(std::move(cells));
  }
  return table;
}

}  // namespace pare
