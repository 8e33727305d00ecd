#include "pare/inspect.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "pare/error.h"
#include "pare/measure.h"
#include "stats/content.h"
#include "stats/inspect_spread.h"
#include "stats/row_quantiles.h"
#include "stats/selection.h"

namespace pare {
namespace {

using Parameters = std::span<const Parameter* const>;

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
  std::vector<double> cutoffs{options.cutoff};
  cutoffs.insert(cutoffs.end(), options.tails.begin(), options.tails.end());
  if (measurement.sketches == options.quantiles.empty() || measurement.largest_wanted != options.largest ||
      measurement.cutoffs != cutoffs)
    throw Error(ErrorCode::kMismatch, model.source, "was measured with different options");
  if (measurement.content != stats::content_hash(model))
    throw Error(ErrorCode::kMismatch, model.source, "the measurement is of another model");
}

InspectRow tensor_row(const Parameter& parameter, const TensorView& tensor, Stats stats) {
  InspectRow row;
  row.name = parameter.name;
  row.dtype = dtype_name(tensor.dtype);
  row.group = parameter.group;
  row.stack = parameter.stack;
  row.layer = parameter.layer;
  row.stats = std::move(stats);
  return row;
}

/// One row that sums up `members` (indices of tensor rows, rising, so that the order of sums is fixed).
InspectRow sum_row(std::string name, const std::vector<std::size_t>& members, const std::vector<InspectRow>& tensors) {
  InspectRow row;
  row.name = std::move(name);
  row.tensors = members.size();
  row.stats = tensors[members.front()].stats;
  row.dtype = tensors[members.front()].dtype;
  for (std::size_t i = 1; i < members.size(); ++i) {
    row.stats.add(tensors[members[i]].stats);
    if (tensors[members[i]].dtype != row.dtype) row.dtype = "mixed";
  }
  return row;
}

/// Members of each key, keys in the order in which they first appear. key_of(index) may be nullopt.
template <class Key, class KeyOf>
std::vector<std::pair<Key, std::vector<std::size_t>>> partition(std::size_t count, KeyOf key_of) {
  std::vector<std::pair<Key, std::vector<std::size_t>>> parts;
  std::map<Key, std::size_t> where;
  for (std::size_t i = 0; i < count; ++i) {
    const std::optional<Key> key = key_of(i);
    if (!key) continue;
    const auto [entry, fresh] = where.emplace(*key, parts.size());
    if (fresh) parts.push_back({*key, {}});
    parts[entry->second].second.push_back(i);
  }
  return parts;
}

void add_groups(Inspection& result, Parameters parameters) {
  auto parts =
      partition<Group>(result.tensors.size(), [&](std::size_t i) { return std::optional(parameters[i]->group); });
  std::sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [group, members] : parts) {
    InspectRow row = sum_row(std::string(group_name(group)), members, result.tensors);
    row.group = group;
    result.groups.push_back(std::move(row));
  }
}

void add_layers(Inspection& result, Parameters parameters) {
  using Key = std::pair<std::string, int>;
  auto parts = partition<Key>(result.tensors.size(), [&](std::size_t i) {
    const Parameter& parameter = *parameters[i];
    return parameter.layer < 0 ? std::nullopt : std::optional<Key>(Key{parameter.stack, parameter.layer});
  });
  std::map<std::string, std::size_t> rank;  // stacks by first appearance: "encoder" before "decoder"
  for (const auto& [key, members] : parts) rank.emplace(key.first, rank.size());
  std::sort(parts.begin(), parts.end(), [&](const auto& a, const auto& b) {
    return std::pair(rank[a.first.first], a.first.second) < std::pair(rank[b.first.first], b.first.second);
  });
  for (const auto& [key, members] : parts) {
    const std::string name = (key.first.empty() ? "" : key.first + " ") + "layer " + std::to_string(key.second);
    InspectRow row = sum_row(name, members, result.tensors);
    row.stack = key.first;
    row.layer = key.second;
    result.layers.push_back(std::move(row));
  }
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

/// The share by layer, for each kind of matrix that at least two layers have.
void add_spreads(Inspection& result, const Model& model, Parameters parameters) {
  using Kind = std::tuple<std::string, Group, bool>;
  const auto kinds = partition<Kind>(result.tensors.size(), [&](std::size_t i) {
    const Parameter& p = *parameters[i];
    const bool matrix =
        p.layer >= 0 && p.group != Group::kBias && p.group != Group::kNorm && model.tensor(p).shape.size() >= 2;
    return matrix ? std::optional<Kind>(Kind{p.stack, p.group, p.cross_attention}) : std::nullopt;
  });
  for (const auto& [kind, members] : kinds) {
    std::map<int, Stats> layers;
    for (const std::size_t member : members) {
      const InspectRow& row = result.tensors[member];
      const auto [layer, fresh] = layers.emplace(row.layer, row.stats);
      if (!fresh) layer->second.add(row.stats);
    }
    if (layers.size() < 2) continue;
    LayerSpread spread;
    std::tie(spread.stack, spread.group, spread.cross_attention) = kind;
    for (const auto& [layer, stats] : layers) {
      spread.layers.push_back(layer);
      spread.shares.push_back(stats.share(result.options.measure));
    }
    stats::summarize(spread);
    result.spreads.push_back(std::move(spread));
  }
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

Inspection assemble(const Model& model, const InspectOptions& options, Measurement measurement,
                    const Context& context) {
  const auto start = std::chrono::steady_clock::now();
  Inspection result;
  result.title = model.title;
  result.architecture = model.architecture;
  result.source = model.source;
  result.options = options;
  result.left_out = model.left_out;
  result.notes = model.notes;
  const std::vector<const Parameter*> parameters = stats::select_parameters(model, options, result.left_out);
  require_measured(model, parameters, measurement);
  require_options(model, options, measurement);
  std::vector<std::size_t> everything;
  std::vector<Sketch> sketches;
  result.tensors.reserve(parameters.size());  // a model may have a million tensors, so memory matters here
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    result.tensors.push_back(
        tensor_row(*parameters[i], model.tensor(*parameters[i]), std::move(measurement.tensors[i].stats)));
    if (!options.quantiles.empty()) sketches.push_back(std::move(measurement.tensors[i].sketch));
    measurement.tensors[i] = {};
    everything.push_back(i);
  }
  measurement.tensors = {};
  result.overall = sum_row("(overall)", everything, result.tensors);
  add_groups(result, parameters);
  add_layers(result, parameters);
  add_spreads(result, model, parameters);
  if (!options.quantiles.empty()) add_quantiles(result, model, parameters, sketches, context);
  for (const Outlier& outlier : measurement.largest) {
    const Parameter& parameter = model.parameters.at(outlier.tensor);
    result.largest.push_back({parameter.name, position(outlier.index, model.tensor(parameter).shape), outlier.value});
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

Inspection inspect(const Model& model, const InspectOptions& options, const Context& context) {
  const auto start = std::chrono::steady_clock::now();
  Measurement measurement = measure(model, options, context);
  if (!context.leads()) return Inspection();
  Inspection result = assemble(model, options, std::move(measurement), context.alone());
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace pare
