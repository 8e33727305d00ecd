#include "report/study_speed.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/study_eval.h"
#include "table/bench_tables.h"

namespace pare::report {
namespace {

double sparsity_of(const BenchLevel& level) { return Share{level.zeros, level.weights}.percent(); }

/// The pruned levels, from the least pruned on.
std::vector<const BenchLevel*> by_sparsity(const BenchResult& bench) {
  std::vector<const BenchLevel*> levels;
  for (const BenchLevel& level : bench.levels)
    if (level.label) levels.push_back(&level);
  std::stable_sort(levels.begin(), levels.end(),
                   [](const BenchLevel* a, const BenchLevel* b) { return a->zeros < b->zeros; });
  return levels;
}

/// "1.34 x at 50 % and 3.27 x at 90 %".
std::string ratios_text(const std::vector<const BenchLevel*>& levels, Spread BenchLevel::*ratio) {
  std::vector<std::string> parts;
  for (const BenchLevel* level : levels)
    parts.push_back(fmt::format("{:.2f} x at {}", (level->*ratio).median, level_title(*level)));
  return enumeration(parts);
}

bool all_dense(const std::vector<LayerUse>& layers) {
  return std::all_of(layers.begin(), layers.end(), [](const LayerUse& use) { return use.kernel == Kernel::kDense; });
}

/// Names the levels that are faster or slower by more than the spread of the runs, those that are neither, and those
/// that run as dense, whose ratio is noise.
void add_ratio_findings(Sentences& said, const BenchResult& bench, Spread BenchLevel::*ratio,
                        std::vector<LayerUse> BenchLevel::*layers, const std::string& what) {
  std::vector<const BenchLevel*> faster, slower, neither;
  std::vector<std::string> same;
  for (const BenchLevel* level : by_sparsity(bench)) {
    const Spread& spread = level->*ratio;
    if (all_dense(level->*layers))
      same.push_back(level_title(*level));
    else
      (spread.low > 1 ? faster : spread.high < 1 ? slower : neither).push_back(level);
  }
  if (!faster.empty())
    said.push_back(
        fmt::format("{} the pruned model is faster than its dense self: {}.", what, ratios_text(faster, ratio)));
  if (!slower.empty())
    said.push_back(fmt::format("{} it is slower, in every run: {}.", what, ratios_text(slower, ratio)));
  if (!neither.empty())
    said.push_back(fmt::format("{} the runs do not agree which is faster: {}.", what, ratios_text(neither, ratio)));
  if (!same.empty()) said.push_back(fmt::format("{} no layer takes a sparse kernel at {}.", what, enumeration(same)));
}

void add_line(LineChart& chart, const BenchResult& bench, const std::string& name,
              const std::function<double(const BenchLevel&)>& value) {
  ChartSeries series;
  series.name = name;
  std::vector<const BenchLevel*> levels{&bench.levels.front()};
  for (const BenchLevel* level : by_sparsity(bench)) levels.push_back(level);
  for (const BenchLevel* level : levels) {
    // A few zeros must not move the axis visibly away from 0.
    series.x.push_back(std::round(100 * sparsity_of(*level)) / 100);
    series.y.push_back(value(*level));
  }
  chart.series.push_back(std::move(series));
}

/// The speed-up that matters most to readers: of single tokens if the model has a decoder.
const Spread& main_ratio(const BenchResult& bench, const BenchLevel& level) {
  return bench.decodes ? level.decode_ratio : level.prefill_ratio;
}

std::string main_pass(const BenchResult& bench) {
  return bench.decodes ? "one token at a time" : table::prefill_title(bench);
}

double share_of_dense(const BenchLevel& level, const BenchResult& bench) {
  return static_cast<double>(level.sizes.packed) / static_cast<double>(bench.levels.front().sizes.dense);
}

const TaskCurve* scored_task(const Study& study) {
  for (const TaskCurve& curve : study.tasks)
    if (curve.unsuitable.empty()) return &curve;
  return nullptr;
}

}  // namespace

Sentences size_findings(const BenchResult& bench) {
  const std::vector<const BenchLevel*> levels = by_sparsity(bench);
  if (levels.empty() || !table::has_sizes(bench)) return {};
  Sentences said;
  std::vector<std::string> parts;
  for (const BenchLevel* level : levels)
    parts.push_back(fmt::format("{} at {}", percent_text(share_of_dense(*level, bench)), level_title(*level)));
  said.push_back(fmt::format("The packed files take {} of the {} of the dense files.", enumeration(parts),
                             bytes_text(bench.levels.front().sizes.dense)));
  const auto smaller = [](const BenchLevel* level) { return level->sizes.packed <= level->sizes.gzip; };
  const auto smaller_with_zstd = [](const BenchLevel* level) { return level->sizes.zstd <= level->sizes.gzip; };
  if (std::all_of(levels.begin(), levels.end(), smaller))
    said.emplace_back("At every level they are smaller than the dense files compressed by gzip.");
  else if (std::all_of(levels.begin(), levels.end(), smaller_with_zstd))
    said.emplace_back(
        "Packed with zstd, they are at every level smaller than the dense files compressed by gzip, and they are read "
        "without unpacking to disk.");
  const double rest =
      1 - 4 * static_cast<double>(bench.levels.front().weights) / static_cast<double>(bench.levels.front().sizes.dense);
  if (rest > 0.05 && share_of_dense(*levels.back(), bench) < 1.5 * rest)
    said.push_back(
        fmt::format("Tensors that are never pruned (mainly embeddings) take {} of the dense files, and most of the "
                    "packed files at {}.",
                    percent_text(rest), level_title(*levels.back())));
  return said;
}

Sentences speed_findings(const BenchResult& bench) {
  Sentences said;
  add_ratio_findings(said, bench, &BenchLevel::prefill_ratio, &BenchLevel::prefill_layers,
                     fmt::format("With {}", table::prefill_title(bench)));
  if (bench.decodes)
    add_ratio_findings(said, bench, &BenchLevel::decode_ratio, &BenchLevel::decode_layers, "One token at a time,");
  const PassTimes& dense = bench.levels.front().dense;
  const double bytes = std::max(dense.prefill_work.bytes, dense.decode_work.bytes);
  if (bytes <= static_cast<double>(kSmallModelBytes))
    said.push_back(
        fmt::format("This model is small: its weights ({} as floats) stay in the processor's cache, and much "
                    "of the time is spent outside the weights (attention, norms, activations, handing work "
                    "to threads). Larger models gain more.",
                    bytes_text(static_cast<std::uint64_t>(bytes))));
  return said;
}

Sentences trade_off_findings(const TaskCurve& curve, const PrunePlan& plan, const BenchResult& bench) {
  const Score dense = main_score_of(curve, 0);
  if (!std::isfinite(dense.value) || bench.levels.size() != curve.results.rows.size()) return {};
  if (score_kind(dense.name).higher_is_better && dense.value == 0) return {};
  std::size_t best = 0;
  bool any_kept = false;
  for (std::size_t row = 1; row < bench.levels.size(); ++row) {
    const BenchLevel& level = bench.levels[row];
    if (!keeps_score(dense, main_score_of(curve, row))) continue;
    any_kept = true;
    const Spread& ratio = main_ratio(bench, level);
    const bool faster = ratio.low > 1 && !all_dense(bench.decodes ? level.decode_layers : level.prefill_layers);
    if (faster && (best == 0 || ratio.median > main_ratio(bench, bench.levels[best]).median)) best = row;
  }
  const std::string name(score_kind(dense.name).title);
  if (!any_kept) return {fmt::format("At every level the {} is a tenth worse than the dense model's, or more.", name)};
  if (best == 0)
    return {
        fmt::format("No level at which the {} is less than a tenth worse than the dense model's is faster than dense "
                    "in every run, {}.",
                    name, main_pass(bench))};
  const BenchLevel& level = bench.levels[best];
  std::string sentence = fmt::format(
      "Of the levels at which the {} is less than a tenth worse than the dense model's, {} is the fastest: {:.2f} "
      "times "
      "as fast as dense, {}",
      name, level_title(plan.levels[best - 1].amount), main_ratio(bench, level).median, main_pass(bench));
  if (table::has_sizes(bench))
    sentence += fmt::format(", in {} of the room", percent_text(share_of_dense(level, bench)));
  return {sentence + '.'};
}

LineChart size_chart(const BenchResult& bench) {
  LineChart chart;
  chart.title = bench.model + ": size on disk against sparsity";
  chart.x_label = "zeros among the pruned tensors' weights (%)";
  chart.y_label = "MB";
  const auto megabytes = [](std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; };
  add_line(chart, bench, "dense", [&](const BenchLevel& level) { return megabytes(level.sizes.dense); });
  add_line(chart, bench, "gzip of dense", [&](const BenchLevel& level) { return megabytes(level.sizes.gzip); });
  add_line(chart, bench, "packed", [&](const BenchLevel& level) { return megabytes(level.sizes.packed); });
  add_line(chart, bench, "packed with zstd", [&](const BenchLevel& level) { return megabytes(level.sizes.zstd); });
  return chart;
}

LineChart speed_chart(const BenchResult& bench) {
  LineChart chart;
  chart.title = bench.model + ": speed against sparsity, sparse beside dense in the same run";
  chart.x_label = "zeros among the pruned tensors' weights (%)";
  chart.y_label = "times as fast as dense";
  chart.marked_y = 1;
  chart.marked_y_label = "dense";
  add_line(chart, bench, table::prefill_title(bench),
           [](const BenchLevel& level) { return level.prefill_ratio.median; });
  if (!bench.decodes) return chart;
  add_line(chart, bench, "one token at a time", [](const BenchLevel& level) { return level.decode_ratio.median; });
  add_line(chart, bench, "by bytes read alone", [](const BenchLevel& level) {
    return level.sparse.decode_work.bytes > 0 ? level.dense.decode_work.bytes / level.sparse.decode_work.bytes : NAN;
  });
  return chart;
}

chart::TradeOffChart trade_off_chart(const TaskCurve& curve, const BenchResult& bench) {
  const Score dense = main_score_of(curve, 0);
  const ScoreKind& kind = score_kind(dense.name);
  chart::TradeOffChart chart;
  chart.title = fmt::format("{}: {} against what pruning gains", bench.model, task_name(curve.results.task));
  chart.y_label = std::string(kind.title) + (kind.higher_is_better ? "" : " (lower is better)");
  chart.percent_y = kind.share;
  chart.log_y = !kind.higher_is_better;
  chart.panels.push_back({fmt::format("times as fast as dense, {}", main_pass(bench)), {}});
  if (table::has_sizes(bench)) chart.panels.push_back({"packed size, % of dense", {}});
  for (std::size_t row = 0; row < std::min(bench.levels.size(), curve.results.rows.size()); ++row) {
    const BenchLevel& level = bench.levels[row];
    const double score = main_score_of(curve, row).value;
    const std::string label = row == 0 ? "dense" : level_title(level);
    // The unpruned model is dense by definition, so noise is ignored.
    chart.panels[0].points.push_back({row == 0 ? 1 : main_ratio(bench, level).median, score, label, row == 0});
    if (chart.panels.size() > 1)
      chart.panels[1].points.push_back({row == 0 ? 100 : 100 * share_of_dense(level, bench), score, label, row == 0});
  }
  return chart;
}

bool any_bench(const std::vector<Study>& studies) {
  return std::any_of(studies.begin(), studies.end(), [](const Study& study) { return study.bench.has_value(); });
}

Table gains_table(const std::vector<Study>& studies) {
  Table table;
  const auto column = [](const char* title, bool left = false) { return Column{title, title, left}; };
  table.columns = {
      column("model", true), column("level", true), column("share of big"),          column("score"),
      column("packed"),      column("of dense"),    column("speed-up, many tokens"), column("speed-up, one token")};
  for (const Study& study : studies) {
    if (!study.bench) continue;
    const TaskCurve* curve = scored_task(study);
    for (std::size_t row = 0; row < study.bench->levels.size(); ++row) {
      const BenchLevel& level = study.bench->levels[row];
      std::vector<Cell> cells{row == 0 ? study.inspection.title : "", row == 0 ? "nothing" : level_title(level),
                              row == 0 ? study.before() : study.after(row - 1)};
      cells.resize(table.columns.size());
      if (curve != nullptr) {
        const Score score = main_score_of(*curve, row);
        cells[3] = fmt::format("{} {}", table::score_value_text(score), score_kind(score.name).title);
      }
      if (table::has_sizes(*study.bench)) {
        cells[4] = bytes_text(level.sizes.packed);
        cells[5] = percent_text(share_of_dense(level, *study.bench));
      }
      cells[6] = fmt::format("{:.2f} x", level.prefill_ratio.median);
      if (study.bench->decodes) cells[7] = fmt::format("{:.2f} x", level.decode_ratio.median);
      table.rows.push_back(std::move(cells));
    }
  }
  return table;
}

}  // namespace pare::report
