#include "pare/measure.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "pare/error.h"
#include "stats/content.h"
#include "stats/selection.h"

namespace pare {
namespace {

ScanResult scan_selection(const stats::Selection& selection, const InspectOptions& options, const Context& context) {
  ScanOptions scanning;
  scanning.cutoffs = {options.cutoff};
  scanning.cutoffs.insert(scanning.cutoffs.end(), options.tails.begin(), options.tails.end());
  scanning.largest = options.largest;
  scanning.sketches = !options.quantiles.empty();
  return scan(selection.tensors, scanning, context);
}

Measurement measure_selection(const Model& model, const InspectOptions& options, const stats::Selection& selection,
                              const Context& context) {
  ScanResult scanned = scan_selection(selection, options, context);
  Measurement measurement;
  measurement.content = stats::content_hash(model);
  measurement.cutoffs = {options.cutoff};
  measurement.cutoffs.insert(measurement.cutoffs.end(), options.tails.begin(), options.tails.end());
  measurement.largest_wanted = options.largest;
  measurement.sketches = !options.quantiles.empty();
  for (std::size_t i = 0; i < selection.tensors.size(); ++i) {
    const auto parameter = static_cast<std::size_t>(selection.parameters[i] - model.parameters.data());
    measurement.tensors.push_back({parameter, selection.parameters[i]->name, selection.tensors[i].dtype,
                                   selection.tensors[i].shape, std::move(scanned.tensors[i]),
                                   measurement.sketches ? std::move(scanned.sketches[i]) : Sketch()});
  }
  for (const Outlier& outlier : scanned.largest)
    measurement.largest.push_back({measurement.tensors[outlier.tensor].parameter, outlier.index, outlier.value});
  return measurement;
}

}  // namespace

Measurement measure(const Model& model, const InspectOptions& options, const Context& context) {
  std::vector<LeftOut> left_out;
  return measure_selection(model, options, stats::select(model, options, left_out), context);
}

Measurement measure(const Model& model, const InspectOptions& options, std::span<const std::size_t> parameters,
                    const Context& context) {
  std::vector<bool> wanted(model.parameters.size());
  for (const std::size_t parameter : parameters) wanted.at(parameter) = true;
  std::vector<LeftOut> left_out;
  const stats::Selection all = stats::select(model, options, left_out);
  stats::Selection part;
  for (std::size_t i = 0; i < all.parameters.size(); ++i) {
    if (!wanted[static_cast<std::size_t>(all.parameters[i] - model.parameters.data())]) continue;
    part.parameters.push_back(all.parameters[i]);
    part.tensors.push_back(all.tensors[i]);
  }
  return measure_selection(model, options, part, context);
}

Measurement merge(const Measurement& left, const Measurement& right) {
  if (left.cutoffs != right.cutoffs || left.largest_wanted != right.largest_wanted || left.sketches != right.sketches)
    throw Error(ErrorCode::kMismatch, "measurements made with different options cannot be merged");
  if (left.content != right.content)
    throw Error(ErrorCode::kMismatch, "measurements of different models cannot be merged");
  Measurement both = left;
  both.tensors.insert(both.tensors.end(), right.tensors.begin(), right.tensors.end());
  std::sort(both.tensors.begin(), both.tensors.end(),
            [](const MeasuredTensor& a, const MeasuredTensor& b) { return a.parameter < b.parameter; });
  for (std::size_t i = 1; i < both.tensors.size(); ++i)
    if (both.tensors[i].parameter == both.tensors[i - 1].parameter)
      throw Error(ErrorCode::kArgument, {}, both.tensors[i].name, "measured in both parts");
  both.largest.insert(both.largest.end(), right.largest.begin(), right.largest.end());
  std::sort(both.largest.begin(), both.largest.end(), [](const Outlier& a, const Outlier& b) {
    return std::tuple(-std::abs(a.value), a.tensor, a.index) < std::tuple(-std::abs(b.value), b.tensor, b.index);
  });
  both.largest.resize(std::min(both.largest.size(), both.largest_wanted));
  return both;
}

}  // namespace pare
