#include "table/inspect_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace pare::table {

std::string spread_name(const LayerSpread& spread) {
  std::string name = spread.stack.empty() ? "" : spread.stack + ' ';
  if (spread.cross_attention) name += "cross-";
  return name + std::string(group_name(spread.group));
}

bool has_extremes(const Stats& stats) { return stats.nans != stats.count; }

Share share_of(const Stats& stats, Measure measure, std::size_t cutoff) {
  const CutoffCount& counted = stats.cutoffs[cutoff];
  // NaN counts as big in neither measure.
  const std::uint64_t part = measure == Measure::kMagnitude ? counted.above : stats.count - stats.nans - counted.inside;
  return {part, stats.count};
}

std::span<const InspectRow> rows_of(const Inspection& inspection, Rows rows) {
  switch (rows) {
    case Rows::kTensors:
      return inspection.tensors;
    case Rows::kGroups:
      return inspection.groups;
    case Rows::kLayers:
      return inspection.layers;
    case Rows::kOverall:
      break;
  }
  return {&inspection.overall, 1};
}

}  // namespace pare::table

namespace pare {
namespace {

Column name_column(std::string key, std::string title, bool code) {
  return {std::move(key), std::move(title), true, code};
}

Column number_column(std::string key, std::string title = {}) { return {std::move(key), std::move(title)}; }

std::string row_title(Rows rows) {
  switch (rows) {
    case Rows::kTensors:
      return "tensor";
    case Rows::kGroups:
      return "group";
    case Rows::kLayers:
      return "layer";
    case Rows::kOverall:
      break;
  }
  return "overall";
}

Measure other(Measure measure) { return measure == Measure::kMagnitude ? Measure::kSigned : Measure::kMagnitude; }

std::uint64_t infinities(const Stats& stats) { return stats.positive_infinities + stats.negative_infinities; }

Cell min_cell(const Stats& stats) { return table::has_extremes(stats) ? Cell(stats.min) : Cell(); }
Cell max_cell(const Stats& stats) { return table::has_extremes(stats) ? Cell(stats.max) : Cell(); }

constexpr std::size_t kLayerColumn = 9;
constexpr const char* kFullColumns[] = {"tensor",
                                        "parameters",
                                        "share_percent",
                                        "model",
                                        "kind",
                                        "tensors",
                                        "dtype",
                                        "group",
                                        "stack",
                                        "layer",
                                        "share_magnitude_percent",
                                        "share_signed_percent",
                                        "zeros",
                                        "nan",
                                        "inf",
                                        "min",
                                        "max",
                                        "mean",
                                        "std"};
static_assert(std::string_view(kFullColumns[kLayerColumn]) == "layer");

std::vector<Cell> full_row(const Inspection& inspection, Rows kind, const InspectRow& row) {
  const Stats& stats = row.stats;
  const bool has_group = kind == Rows::kTensors || kind == Rows::kGroups;
  std::vector<Cell> cells{
      row.name,
      stats.count,
      table::share_of(stats, inspection.options.measure),
      inspection.title,
      row_title(kind),
      row.tensors,
      row.dtype,
      has_group ? std::string(group_name(row.group)) : std::string(),
      row.stack,
      {},
      table::share_of(stats, Measure::kMagnitude),
      table::share_of(stats, Measure::kSigned),
      stats.zeros,
      stats.nans,
      infinities(stats),
      min_cell(stats),
      max_cell(stats),
      stats.mean(),
      stats.std(),
  };
  if (row.layer >= 0) cells[kLayerColumn] = static_cast<std::uint64_t>(row.layer);
  for (std::size_t i = 0; i < inspection.options.tails.size(); ++i) cells.emplace_back(stats.cutoffs[i + 1].above);
  for (const double quantile : row.quantiles) cells.emplace_back(quantile);
  return cells;
}

std::string outlying_text(const LayerSpread& spread) {
  std::string text;
  for (const int layer : spread.outlying) {
    const auto at = std::find(spread.layers.begin(), spread.layers.end(), layer) - spread.layers.begin();
    text += fmt::format("{}layer {} ({})", text.empty() ? "" : ", ", layer,
                        percent_text(spread.shares[static_cast<std::size_t>(at)]));
  }
  return text;
}

/// One line of the overall table: a title, and value and share of each model.
struct Figure {
  std::string title;
  std::vector<Cell> values, shares;
};

template <class ValueOf>
Figure figure(std::span<const Inspection> inspections, std::string title, ValueOf value_of) {
  Figure line{std::move(title), {}, {}};
  for (const Inspection& inspection : inspections) {
    line.values.emplace_back(value_of(inspection.overall.stats));
    line.shares.emplace_back();
  }
  return line;
}

template <class CountOf>
Figure counted(std::span<const Inspection> inspections, std::string title, CountOf count_of) {
  Figure line = figure(inspections, std::move(title), count_of);
  for (std::size_t i = 0; i < inspections.size(); ++i)
    line.shares[i] = Share{std::get<std::uint64_t>(line.values[i]), inspections[i].overall.stats.count};
  return line;
}

bool any_count(const Figure& line) {
  return std::any_of(line.values.begin(), line.values.end(),
                     [](const Cell& cell) { return std::get<std::uint64_t>(cell) != 0; });
}

std::vector<Figure> overall_figures(std::span<const Inspection> inspections) {
  const InspectOptions& options = inspections.front().options;
  std::vector<Figure> figures;
  figures.push_back(figure(inspections, "parameters", [](const Stats& s) { return s.count; }));
  for (const Measure measure : {options.measure, other(options.measure)})
    figures.push_back(counted(inspections, measure_title(measure, options.cutoff),
                              [&](const Stats& s) { return table::share_of(s, measure).part; }));
  for (std::size_t i = 0; i < options.tails.size(); ++i)
    figures.push_back(counted(inspections, measure_title(Measure::kMagnitude, options.tails[i]),
                              [i](const Stats& s) { return s.cutoffs[i + 1].above; }));
  figures.push_back(counted(inspections, "zeros", [](const Stats& s) { return s.zeros; }));
  for (Figure& rare : std::vector{counted(inspections, "NaN", [](const Stats& s) { return s.nans; }),
                                  counted(inspections, "infinite", infinities)})
    if (any_count(rare)) figures.push_back(rare);
  figures.push_back(figure(inspections, "mean", [](const Stats& s) { return s.mean(); }));
  figures.push_back(figure(inspections, "standard deviation", [](const Stats& s) { return s.std(); }));
  figures.push_back(figure(inspections, "min", min_cell));
  figures.push_back(figure(inspections, "max", max_cell));
  for (std::size_t i = 0; i < options.quantiles.size(); ++i) {
    Figure line{fmt::format("|w| quantile {}", options.quantiles[i]), {}, {}};
    for (const Inspection& inspection : inspections) {
      line.values.emplace_back(inspection.overall.quantiles[i]);
      line.shares.emplace_back();
    }
    figures.push_back(std::move(line));
  }
  return figures;
}

}  // namespace

Table inspect_csv_table(std::span<const Inspection> inspections, std::span<const Rows> kinds) {
  Table table;
  for (const char* key : kFullColumns) table.columns.push_back(number_column(key));
  for (const double tail : inspections.front().options.tails)
    table.columns.push_back(number_column(fmt::format("above_{}", tail)));
  for (const double p : inspections.front().options.quantiles)
    table.columns.push_back(number_column(fmt::format("q{}", p)));
  for (const Inspection& inspection : inspections)
    for (const Rows kind : kinds)
      for (const InspectRow& row : table::rows_of(inspection, kind))
        table.rows.push_back(full_row(inspection, kind, row));
  return table;
}

Table rows_table(const Inspection& inspection, Rows rows) {
  const InspectOptions& options = inspection.options;
  const Stats& all = inspection.overall.stats;
  const bool show_nan = all.nans != 0, show_infinite = infinities(all) != 0;
  Table table;
  table.columns.push_back(name_column("name", row_title(rows), rows == Rows::kTensors));
  table.columns.push_back(number_column("parameters", "parameters"));
  for (const Measure measure : {options.measure, other(options.measure)})
    table.columns.push_back(number_column("share", measure_title(measure, options.cutoff)));
  table.columns.push_back(number_column("zeros", "zeros"));
  if (show_nan) table.columns.push_back(number_column("nan", "NaN"));
  if (show_infinite) table.columns.push_back(number_column("inf", "infinite"));
  for (const char* title : {"std", "min", "max"}) table.columns.push_back(number_column(title, title));
  for (const double p : options.quantiles) table.columns.push_back(number_column("q", fmt::format("q{} of |w|", p)));
  for (const InspectRow& row : table::rows_of(inspection, rows)) {
    const Stats& stats = row.stats;
    std::vector<Cell> cells{row.name, stats.count, table::share_of(stats, options.measure),
                            table::share_of(stats, other(options.measure)), Share{stats.zeros, stats.count}};
    if (show_nan) cells.emplace_back(stats.nans);
    if (show_infinite) cells.emplace_back(infinities(stats));
    // Nothing deviates in a single element.
    cells.emplace_back();
    if (stats.count >= 2) cells.back() = stats.std();
    cells.push_back(min_cell(stats));
    cells.push_back(max_cell(stats));
    for (const double quantile : row.quantiles) cells.emplace_back(quantile);
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Table side_by_side_table(std::span<const Inspection> inspections, Rows rows) {
  Table table;
  table.columns.push_back(name_column("name", row_title(rows), rows == Rows::kTensors));
  for (const Inspection& inspection : inspections)
    table.columns.push_back(number_column(inspection.title, inspection.title));
  std::map<std::string, std::size_t> where;
  for (std::size_t model = 0; model < inspections.size(); ++model)
    for (const InspectRow& row : table::rows_of(inspections[model], rows)) {
      const auto [entry, fresh] = where.emplace(row.name, table.rows.size());
      if (fresh) table.rows.emplace_back(table.columns.size())[0] = row.name;
      table.rows[entry->second][model + 1] = table::share_of(row.stats, inspections[model].options.measure);
    }
  return table;
}

Table overall_table(std::span<const Inspection> inspections) {
  const bool single = inspections.size() == 1;
  Table table;
  table.columns.push_back(name_column("figure", "overall", false));
  if (single)
    table.columns.insert(table.columns.end(), {number_column("value", "value"), number_column("share", "share")});
  else
    for (const Inspection& inspection : inspections)
      table.columns.push_back(number_column(inspection.title, inspection.title));
  for (const Figure& line : overall_figures(inspections)) {
    std::vector<Cell>& cells = table.rows.emplace_back();
    cells.emplace_back(line.title);
    if (single) {
      cells.insert(cells.end(), {line.values[0], line.shares[0]});
      continue;
    }
    for (std::size_t i = 0; i < inspections.size(); ++i)
      cells.push_back(std::holds_alternative<std::monostate>(line.shares[i]) ? line.values[i] : line.shares[i]);
  }
  return table;
}

Table spread_table(const Inspection& inspection) {
  Table table;
  table.columns.push_back(name_column("weights", "weights", false));
  for (const char* title : {"layers", "lowest", "mean", "highest", "std"})
    table.columns.push_back(number_column(title, title));
  table.columns.push_back(name_column("outlying", "stands out", false));
  for (const LayerSpread& spread : inspection.spreads)
    table.rows.push_back({table::spread_name(spread), static_cast<std::uint64_t>(spread.layers.size()),
                          percent_text(spread.min), percent_text(spread.mean), percent_text(spread.max),
                          percent_text(spread.std), outlying_text(spread)});
  return table;
}

Table largest_table(const Inspection& inspection) {
  Table table;
  table.columns = {number_column("value", "value"), name_column("tensor", "tensor", true),
                   name_column("position", "position", false)};
  for (const LargeParameter& large : inspection.largest)
    table.rows.push_back({large.value, large.tensor, fmt::format("[{}]", fmt::join(large.position, ", "))});
  return table;
}

}  // namespace pare
