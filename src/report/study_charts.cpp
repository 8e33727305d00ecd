#include "report/study_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <variant>

#include "base/parallel.h"
#include "chart/chart_axis.h"
#include "pare/chart.h"
#include "pare/error.h"
#include "report/study_eval.h"
#include "report/study_methods.h"
#include "report/study_speed.h"
#include "table/bench_tables.h"
#include "table/inspect_tables.h"

namespace pare::report {
namespace {

ChartFile chart_file(std::string name, std::string alt, chart::AnyChart chart) {
  return {std::move(name), std::move(alt), std::move(chart), {}};
}

ChartFile histogram_file(const Study& study) {
  HistogramChart chart;
  chart.title = study.inspection.title + ": how big the parameters are";
  chart.histogram = study.histogram;
  chart.measure = study.inspection.options.measure;
  chart.cutoff = study.inspection.options.cutoff;
  const Share share = study.before();
  chart.share = share.whole == 0 ? 0 : static_cast<double>(share.part) / static_cast<double>(share.whole);
  return chart_file(study.slug + "-histogram.png",
                    fmt::format("Histogram of {} with counts on a log axis; share of {}: {}", study.inspection.title,
                                measure_title(study.inspection.options), percent_text(share)),
                    std::move(chart));
}

/// The histogram before pruning and after each level.
ChartFile pruned_file(const Study& study) {
  chart::HistogramGrid grid;
  grid.title = study.inspection.title + ": the pruned tensors before and after";
  grid.measure = study.inspection.options.measure;
  grid.cutoff = study.inspection.options.cutoff;
  const auto zeros = [](std::uint64_t count) { return chart::short_count(static_cast<double>(count)) + " zeros"; };
  std::uint64_t zeros_before = 0;
  for (const std::uint64_t count : study.plan.zeros_before) zeros_before += count;
  grid.panels.push_back({"original", study.pruned_histogram, zeros(zeros_before)});
  for (std::size_t i = 0; i < study.levels.size(); ++i)
    grid.panels.push_back({level_title(study.plan.levels[i].amount), study.levels[i].pruned_histogram,
                           zeros(study.plan.levels[i].zeros)});
  return chart_file(
      study.slug + "-pruned.png",
      fmt::format("Histograms of the pruned tensors of {}, before and after each level", study.inspection.title),
      std::move(grid));
}

ChartFile sparsity_file(const Study& study) {
  LineChart chart;
  chart.title = study.inspection.title + ": sparsity by layer at each level";
  chart.x_label = "layer";
  chart.y_label = "zeros among the layer's pruned weights";
  chart.percent_y = chart.ordered = true;
  // Dark means sparse, regardless of the order in which the levels were given.
  std::vector<std::size_t> order(study.plan.levels.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return study.plan.levels[a].pruned < study.plan.levels[b].pruned;
  });
  for (const std::size_t level : order) {
    std::map<std::string, std::size_t> panels;
    for (const LayerSparsity& layer : study.layers) {
      if (layer.layer < 0) continue;
      const auto [panel, fresh] = panels.emplace(layer.stack, chart.series.size());
      if (fresh) chart.series.push_back({level_title(study.plan.levels[level].amount), {}, {}, layer.stack});
      chart.series[panel->second].x.push_back(layer.layer);
      chart.series[panel->second].y.push_back(layer.levels[level].percent() / 100);
    }
  }
  return chart_file(study.slug + "-sparsity.png",
                    fmt::format("Sparsity of each layer of {}, one line per level", study.inspection.title),
                    std::move(chart));
}

ChartFile levels_file(const std::vector<Study>& studies) {
  chart::BarChart chart;
  const InspectOptions& options = studies.front().inspection.options;
  chart.title = fmt::format("Big parameters ({}) before and after pruning", measure_title(options));
  chart.x_label = "weights pruned";
  chart.y_label = "share of all parameters";
  chart.categories.push_back("none");
  for (const LevelPlan& level : studies.front().plan.levels) chart.categories.push_back(level_title(level.amount));
  for (const Study& study : studies) {
    ChartSeries series;
    series.name = study.inspection.title;
    series.y.push_back(study.before().percent() / 100);
    for (std::size_t i = 0; i < study.levels.size(); ++i) series.y.push_back(study.after(i).percent() / 100);
    chart.series.push_back(std::move(series));
  }
  return chart_file("levels.png", "Share of big parameters before pruning and after each level", std::move(chart));
}

void add_speed_charts(const Study& study, ModelCharts& charts) {
  const std::string& title = study.inspection.title;
  if (table::has_sizes(*study.bench))
    charts.sizes.push_back(chart_file(study.slug + "-size.png",
                                      fmt::format("Size of {} on disk against sparsity, a line per format", title),
                                      size_chart(*study.bench)));
  charts.speed.push_back(chart_file(
      study.slug + "-speed.png", fmt::format("Speed of {} against sparsity, in multiples of the dense model's", title),
      speed_chart(*study.bench)));
  for (const TaskCurve& curve : study.tasks) {
    if (!curve.unsuitable.empty()) continue;
    const std::string task(task_name(curve.results.task));
    charts.trade_offs.push_back(
        chart_file(fmt::format("{}-gain-{}-{}.png", study.slug, task, charts.trade_offs.size() + 1),
                   fmt::format("Score of {} on {} against speed-up and size, a point per level", title, task),
                   trade_off_chart(curve, *study.bench)));
  }
}

}  // namespace

ModelCharts model_charts(const Study& study) {
  ModelCharts charts;
  charts.histogram = histogram_file(study);
  charts.pruned = pruned_file(study);
  if (!study.inspection.spreads.empty())
    charts.by_layer.push_back(chart_file(study.slug + "-layers.png",
                                         fmt::format("Share of {} by layer in {}, one line per group of weights",
                                                     measure_title(study.inspection.options), study.inspection.title),
                                         share_by_layer_chart(study.inspection)));
  const auto layers = std::count_if(study.layers.begin(), study.layers.end(),
                                    [](const LayerSparsity& layer) { return layer.layer >= 0; });
  for (const TaskCurve& curve : study.tasks) {
    if (!curve.unsuitable.empty()) continue;
    const std::string task(task_name(curve.results.task));
    charts.tasks.push_back(chart_file(
        fmt::format("{}-{}-{}.png", study.slug, task, charts.tasks.size() + 1),
        fmt::format("Score of {} on {} against sparsity, the dense model's marked", study.inspection.title, task),
        task_chart(curve, study.plan, study.inspection.title)));
  }
  if (!study.methods.rows.empty())
    for (LineChart& chart : method_charts(study)) {
      const std::size_t number = charts.methods.size() + 1;
      std::string alt = chart.title + ": the score against sparsity, a line per criterion";
      charts.methods.push_back(
          chart_file(fmt::format("{}-criteria-{}.png", study.slug, number), std::move(alt), std::move(chart)));
    }
  if (study.bench) add_speed_charts(study, charts);
  if (layers >= 2) charts.sparsity.push_back(sparsity_file(study));
  return charts;
}

SharedCharts shared_charts(const std::vector<Study>& studies) {
  std::vector<std::string> titles;
  std::vector<std::vector<Sketch>> sketches;
  for (const Study& study : studies) {
    titles.push_back(study.inspection.title);
    sketches.push_back(study.sketches);
  }
  LineChart cumulative = cumulative_share_chart(titles, sketches, studies.front().inspection.options.cutoff);
  LineChart tail = cumulative;
  tail.title = "The long tail: how many parameters are bigger than a cutoff";
  tail.log_y = true;
  return {
      chart_file("cumulative.png", "Share of parameters at or above a cutoff against the cutoff, a line per model",
                 std::move(cumulative)),
      chart_file("tail.png", "The same share on a log axis, which shows the few largest parameters", std::move(tail)),
      levels_file(studies)};
}

void draw_charts(const std::vector<ChartFile*>& charts, const std::filesystem::path& directory,
                 const Context& context) {
  base::parallel_for(charts.size(), context, [&](std::size_t i, unsigned) {
    try {
      std::visit([&](const auto& chart) { draw(chart, directory / charts[i]->name, false, context); },
                 charts[i]->chart);
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& error) {
      charts[i]->failure = error.what();
    }
  });
}

}  // namespace pare::report
