// Statistics of the inputs of a model as it is, for plans that are made later.
#include <fmt/format.h>

#include <optional>
#include <set>

#include "calibrate/layer_inputs.h"
#include "calibrate/layer_passes.h"
#include "calibrate/statistics/statistics_writer.h"
#include "pare/calibrate.h"
#include "pare/error.h"

namespace pare {
namespace calibrate {
namespace {

/// Names of the linears of one layer.
std::set<std::string> linears_of(const Model& model, const LayerPasses& passes, std::size_t layer) {
  std::set<std::string> names;
  for (const Parameter& parameter : model.parameters)
    if (is_layer_linear(model, parameter) && passes.holds(layer, parameter)) names.insert(parameter.name);
  return names;
}

/// Runs each layer on what the layers before it compute.
std::vector<std::string> gather_statistics(const Model& model, const CalibrationText& text, bool products,
                                           StatisticsWriter& writer, const Context& context) {
  const Context quiet = context.with_progress({});
  std::optional<LayerInputs> inputs;
  const auto runner = open_runner(model,
                                  {KernelChoice::kDense,
                                   {},
                                   [&](const LayerUse& linear, const Matrix& x) {
                                     if (inputs) inputs->observe(linear, x, quiet);
                                   }},
                                  quiet);
  LayerPasses passes(*runner, text);
  std::vector<std::string> unseen;
  for (std::size_t layer = 0; layer < passes.layers(); ++layer) {
    const double step = 1.0 / static_cast<double>(passes.layers()), begin = static_cast<double>(layer) * step;
    const Context part = context.part(begin, begin + step, fmt::format("layer {} of {}", layer + 1, passes.layers()));
    std::set<std::string> left = linears_of(model, passes, layer);
    inputs.emplace(left, products);
    for (std::size_t i = 0; i < passes.batches(); ++i) {
      part.report(static_cast<double>(i) / static_cast<double>(passes.batches()));
      part.check();
      passes.run(layer, i, true, quiet);
    }
    for (const SharedInputs& shared : inputs->take(model.source)) {
      part.check();
      writer.add(shared);
      for (const std::string& name : shared.linears) left.erase(name);
    }
    inputs.reset();
    for (const std::string& name : left) {
      writer.add_unseen(name);
      unseen.push_back(name);
    }
  }
  return unseen;
}

}  // namespace
}  // namespace calibrate

StatisticsSummary write_statistics(const Model& model, const CalibrationOptions& calibration,
                                   const std::filesystem::path& path, const StatisticsOptions& options,
                                   const Context& context) {
  if (context.group() != nullptr)
    throw Error(ErrorCode::kArgument, path, "statistics are written by one process, not by a group");
  calibrate::CalibrationText text = calibrate::read_calibration_text(
      model, *open_runner(model, {KernelChoice::kDense}, context.with_progress({})), calibration);
  calibrate::StatisticsWriter writer(path, model, text, !options.norms_only, options.force);
  StatisticsSummary summary{text.record, text.notes};
  summary.unseen = calibrate::gather_statistics(model, text, !options.norms_only, writer, context);
  model.checkpoint.require_unchanged();
  writer.commit();
  return summary;
}

}  // namespace pare
