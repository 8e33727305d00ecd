// The charts of a report.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "chart/chart.h"
#include "report/study.h"

namespace pare::report {

/// One picture of a report.
struct ChartFile {
  std::string name;  ///< e.g. "gpt2-histogram.png", to stand under charts/
  std::string alt;   ///< a description for readers who cannot see it
  chart::AnyChart chart;
  std::string failure = {};  ///< why it could not be drawn; empty if it was
};

/// Charts of one model.
struct ModelCharts {
  ChartFile histogram, pruned;
  std::vector<ChartFile> by_layer, sparsity;  ///< one each, or none for a model without layers
  std::vector<ChartFile> tasks;               ///< one per Study::tasks that was scored
  std::vector<ChartFile> methods;             ///< one per Study::tasks that was scored, where criteria were compared
  std::vector<ChartFile> sizes, speed;        ///< one each, where they were measured
  std::vector<ChartFile> trade_offs;          ///< one per Study::tasks that was scored, where speed was measured
};

/// Charts over all models.
struct SharedCharts {
  ChartFile cumulative, tail, levels;
};

/// The study must outlive the returned charts.
ModelCharts model_charts(const Study& study);
SharedCharts shared_charts(const std::vector<Study>& studies);

/// Draws all of them into `directory`, several at once. A chart that cannot be drawn is left out, and its `failure`
/// gives the reason, because the figures matter more than a chart. Throws Interrupted.
void draw_charts(const std::vector<ChartFile*>& charts, const std::filesystem::path& directory, const Context& context);

}  // namespace pare::report
