#include "stats/inspection_builder.h"

#include <algorithm>
#include <iterator>

#include "stats/inspect_spread.h"

namespace pare::stats {
namespace {

/// Adds a tensor's figures to a row that began without any.
void add_to(InspectRow& row, const Stats& stats, std::string_view dtype) {
  if (row.tensors++ == 0) {
    row.stats = stats;
    row.dtype = dtype;
    return;
  }
  row.stats.add(stats);
  if (row.dtype != dtype) row.dtype = "mixed";
}

InspectRow empty_row(std::string name) {
  InspectRow row;
  row.name = std::move(name);
  row.tensors = 0;
  return row;
}

InspectRow empty_layer(const std::string& stack, int layer) {
  InspectRow row = empty_row((stack.empty() ? "" : stack + " ") + "layer " + std::to_string(layer));
  row.stack = stack;
  row.layer = layer;
  return row;
}

InspectRow empty_group(Group group) {
  InspectRow row = empty_row(std::string(group_name(group)));
  row.group = group;
  return row;
}

InspectRow tensor_row(const Parameter& parameter, std::string_view dtype, Stats stats) {
  InspectRow row;
  row.name = parameter.name;
  row.dtype = dtype;
  row.group = parameter.group;
  row.stack = parameter.stack;
  row.layer = parameter.layer;
  row.stats = std::move(stats);
  return row;
}

/// Whether the spread of the parameter's share over the layers is shown.
bool is_matrix_of_layer(const Parameter& parameter, const TensorView& tensor) {
  return parameter.layer >= 0 && parameter.group != Group::kBias && parameter.group != Group::kNorm &&
         tensor.shape.size() >= 2;
}

/// Coordinates of a flat index in C order.
std::vector<std::uint64_t> position(std::uint64_t index, const std::vector<std::uint64_t>& shape) {
  std::vector<std::uint64_t> coordinates(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    coordinates[axis] = index % shape[axis];
    index /= shape[axis];
  }
  return coordinates;
}

}  // namespace

InspectionBuilder::InspectionBuilder(const Model& model, const InspectOptions& options) : model_(model) {
  result_.title = model.title;
  result_.architecture = model.architecture;
  result_.source = model.source;
  result_.options = options;
  result_.left_out = model.left_out;
  result_.notes = model.notes;
  result_.overall = empty_row("(overall)");
  if (options.tensor_rows) result_.tensors.reserve(model.parameters.size());
}

void InspectionBuilder::add(const Parameter& parameter, Stats stats) {
  const TensorView& tensor = model_.tensor(parameter);
  const std::string_view dtype = dtype_name(tensor.dtype);
  add_to(result_.overall, stats, dtype);
  auto group = groups_.find(parameter.group);
  if (group == groups_.end()) group = groups_.emplace(parameter.group, empty_group(parameter.group)).first;
  add_to(group->second, stats, dtype);
  if (parameter.layer >= 0) {
    stacks_.emplace(parameter.stack, stacks_.size());
    const Layer key{parameter.stack, parameter.layer};
    auto layer = layers_.find(key);
    if (layer == layers_.end()) layer = layers_.emplace(key, empty_layer(parameter.stack, parameter.layer)).first;
    add_to(layer->second, stats, dtype);
  }
  if (is_matrix_of_layer(parameter, tensor)) {
    const Kind kind{parameter.stack, parameter.group, parameter.cross_attention};
    const auto [place, fresh] = kinds_.emplace(kind, spreads_.size());
    if (fresh) spreads_.push_back({kind, {}});
    const auto [layer, first] = spreads_[place->second].second.emplace(parameter.layer, stats);
    if (!first) layer->second.add(stats);
  }
  if (result_.options.tensor_rows) result_.tensors.push_back(tensor_row(parameter, dtype, std::move(stats)));
}

void InspectionBuilder::add_largest(const Outlier& outlier) {
  const Parameter& parameter = model_.parameters.at(outlier.tensor);
  result_.largest.push_back({parameter.name, position(outlier.index, model_.tensor(parameter).shape), outlier.value});
}

Inspection InspectionBuilder::finish() {
  for (auto& [group, row] : groups_) result_.groups.push_back(std::move(row));
  for (auto& [layer, row] : layers_) result_.layers.push_back(std::move(row));
  std::stable_sort(result_.layers.begin(), result_.layers.end(), [&](const InspectRow& a, const InspectRow& b) {
    return std::pair(stacks_.at(a.stack), a.layer) < std::pair(stacks_.at(b.stack), b.layer);
  });
  for (const auto& [kind, layers] : spreads_) {
    if (layers.size() < 2) continue;
    LayerSpread spread;
    std::tie(spread.stack, spread.group, spread.cross_attention) = kind;
    for (const auto& [layer, stats] : layers) {
      spread.layers.push_back(layer);
      spread.shares.push_back(stats.share(result_.options.measure));
    }
    summarize(spread);
    result_.spreads.push_back(std::move(spread));
  }
  return std::move(result_);
}

}  // namespace pare::stats
