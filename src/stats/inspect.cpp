#include "pare/inspect.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <span>
#include <utility>

#include "base/file_map.h"
#include "pare/error.h"
#include "pare/measure.h"
#include "stats/content.h"
#include "stats/inspection_builder.h"
#include "stats/outliers.h"
#include "stats/row_quantiles.h"
#include "stats/selection.h"

namespace pare {
namespace {

using Parameters = std::span<const Parameter* const>;

/// Tensors that are measured at a time.
constexpr std::size_t kBatch = 8192;

/// Throws Error unless `measurement` holds exactly the selected parameters.
void require_measured(const Model& model, Parameters parameters, const Measurement& measurement) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const TensorView& tensor = model.tensor(*parameters[i]);
    if (i >= measurement.tensors.size() || measurement.tensors[i].name != parameters[i]->name ||
        measurement.tensors[i].parameter != static_cast<std::size_t>(parameters[i] - model.parameters.data()))
      throw Error(ErrorCode::kMismatch, model.source, parameters[i]->name, "was not measured");
    if (measurement.tensors[i].dtype != tensor.dtype || measurement.tensors[i].shape != tensor.shape)
      throw Error(ErrorCode::kMismatch, model.source, parameters[i]->name,
                  "dtype or shape differs from what was measured");
    if (!measurement.tensors[i].pieces.empty())
      throw Error(ErrorCode::kMismatch, model.source, parameters[i]->name, "was measured only in part");
  }
  if (measurement.tensors.size() != parameters.size())
    throw Error(ErrorCode::kMismatch, model.source, measurement.tensors[parameters.size()].name,
                "measured but not selected");
}

/// Throws Error unless the measurement is of this model, with these options.
void require_options(const Model& model, const InspectOptions& options, const Measurement& measurement) {
  if (measurement.sketches == options.quantiles.empty() || measurement.largest_wanted != options.largest ||
      measurement.cutoffs != stats::cutoffs_of(options))
    throw Error(ErrorCode::kMismatch, model.source, "was measured with different options");
  if (measurement.content != stats::content_hash(model))
    throw Error(ErrorCode::kMismatch, model.source, "the measurement is of another model");
}

/// Quantiles of all rows at once, so that every tensor is read only once.
void add_quantiles(Inspection& result, const Model& model, Parameters parameters, std::span<const Sketch> sketches,
                   const Context& context) {
  std::vector<TensorView> tensors;
  for (const Parameter* parameter : parameters) tensors.push_back(model.tensor(*parameter));
  const std::size_t count = result.tensors.size();
  std::vector<InspectRow*> rows;
  std::vector<stats::QuantileRow> sets;
  const auto add = [&](InspectRow& row) {
    rows.push_back(&row);
    sets.push_back({{}, row.stats.count - row.stats.nans});
    return sets.size() - 1;
  };
  for (std::size_t i = 0; i < count; ++i) sets[add(result.tensors[i])].tensors = {i};
  const std::size_t overall = add(result.overall);
  std::map<Group, std::size_t> groups;
  for (InspectRow& row : result.groups) groups[row.group] = add(row);
  std::map<std::pair<std::string, int>, std::size_t> layers;
  for (InspectRow& row : result.layers) layers[{row.stack, row.layer}] = add(row);
  for (std::size_t i = 0; i < count; ++i) {
    const InspectRow& tensor = result.tensors[i];
    sets[overall].tensors.push_back(i);
    sets[groups.at(tensor.group)].tensors.push_back(i);
    const auto layer = layers.find({tensor.stack, tensor.layer});
    if (layer != layers.end()) sets[layer->second].tensors.push_back(i);
  }
  const std::vector<std::vector<double>> quantiles =
      stats::row_quantiles(tensors, sketches, sets, result.options.quantiles, context);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i]->quantiles = quantiles[i];
}

std::uint64_t bytes_of(const Model& model, Parameters parameters) {
  std::uint64_t bytes = 0;
  for (const Parameter* parameter : parameters) bytes += model.tensor(*parameter).bytes.size();
  return bytes;
}

/// Each file once; what was read of it is not read again.
void release_files(std::span<const TensorView> tensors) {
  std::set<std::size_t> files;
  for (const TensorView& tensor : tensors)
    if (tensor.bytes.packed() == nullptr && tensor.bytes.encoded() == nullptr && files.insert(tensor.file).second)
      base::release_pages(tensor.bytes.data());
}

/// Measures some thousand tensors at a time, so that a model of a million takes little more memory than its names.
Inspection inspect_in_batches(const Model& model, const InspectOptions& options, const Context& context) {
  stats::InspectionBuilder builder(model, options);
  std::vector<LeftOut> left_out;
  const std::vector<const Parameter*> parameters = stats::select_parameters(model, options, left_out);
  const bool several = parameters.size() > kBatch;
  const std::uint64_t total = several && context.reports() ? bytes_of(model, parameters) : 0;
  std::uint64_t before = 0;
  std::vector<Outlier> largest;
  for (std::size_t begin = 0; begin < parameters.size(); begin += kBatch) {
    const Parameters batch = Parameters(parameters).subspan(begin, std::min(kBatch, parameters.size() - begin));
    std::vector<TensorView> tensors;
    for (const Parameter* parameter : batch) tensors.push_back(model.tensor(*parameter));
    const Context counting = total == 0 ? context : context.with_progress([&](const Progress& progress) {
      context.report_bytes(before + progress.bytes, total);
    });
    ScanResult scanned = scan(tensors, {stats::cutoffs_of(options), false, options.largest}, counting);
    for (std::size_t i = 0; i < batch.size(); ++i) builder.add(*batch[i], std::move(scanned.tensors[i]));
    for (const Outlier& outlier : scanned.largest)
      largest.push_back(
          {static_cast<std::size_t>(batch[outlier.tensor] - model.parameters.data()), outlier.index, outlier.value});
    before += bytes_of(model, batch);
    if (several) release_files(tensors);
  }
  for (const Outlier& outlier : stats::leading(std::move(largest), options.largest)) builder.add_largest(outlier);
  Inspection result = builder.finish();
  result.left_out.insert(result.left_out.end(), left_out.begin(), left_out.end());
  return result;
}

}  // namespace

Inspection assemble(const Model& model, const InspectOptions& options, Measurement measurement,
                    const Context& context) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<LeftOut> left_out;
  const std::vector<const Parameter*> parameters = stats::select_parameters(model, options, left_out);
  require_measured(model, parameters, measurement);
  require_options(model, options, measurement);
  InspectOptions building = options;
  building.tensor_rows = options.tensor_rows || !options.quantiles.empty();  // they are found for all rows at once
  stats::InspectionBuilder builder(model, building);
  std::vector<Sketch> sketches;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    builder.add(*parameters[i], std::move(measurement.tensors[i].stats));
    if (!options.quantiles.empty()) sketches.push_back(std::move(measurement.tensors[i].sketch));
    measurement.tensors[i] = {};  // a model may have a million tensors, so memory matters here
  }
  measurement.tensors = {};
  for (const Outlier& outlier : measurement.largest) builder.add_largest(outlier);
  Inspection result = builder.finish();
  result.options = options;
  result.left_out.insert(result.left_out.end(), left_out.begin(), left_out.end());
  if (!options.quantiles.empty()) add_quantiles(result, model, parameters, sketches, context);
  if (!options.tensor_rows) result.tensors = {};
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

Inspection inspect(const Model& model, const InspectOptions& options, const Context& context) {
  const auto start = std::chrono::steady_clock::now();
  Inspection result;
  if (context.group() == nullptr && options.quantiles.empty()) {
    result = inspect_in_batches(model, options, context);
  } else {
    Measurement measurement = measure(model, options, context);
    if (!context.leads()) return Inspection();
    result = assemble(model, options, std::move(measurement), context.alone());
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace pare
