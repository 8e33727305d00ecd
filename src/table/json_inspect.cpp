#include "pare/json.h"
#include "table/inspect_tables.h"
#include "table/json_values.h"

namespace pare {
namespace {

using table::Json;
using table::number;

std::string_view measure_name(Measure measure) { return measure == Measure::kMagnitude ? "magnitude" : "signed"; }

Json row_json(const InspectRow& row, Rows kind, const InspectOptions& options) {
  const Stats& stats = row.stats;
  Json json{{"name", row.name},
            {"parameters", stats.count},
            {"share_percent", table::share_of(stats, options.measure).percent()},
            {"share_magnitude_percent", table::share_of(stats, Measure::kMagnitude).percent()},
            {"share_signed_percent", table::share_of(stats, Measure::kSigned).percent()},
            {"dtype", row.dtype}};
  if (kind == Rows::kTensors) json["group"] = group_name(row.group);
  if (!row.stack.empty()) json["stack"] = row.stack;
  if (row.layer >= 0) json["layer"] = row.layer;
  if (kind != Rows::kTensors) json["tensors"] = row.tensors;
  json["zeros"] = stats.zeros;
  json["nan"] = stats.nans;
  json["inf"] = stats.positive_infinities + stats.negative_infinities;
  json["min"] = table::has_extremes(stats) ? number(stats.min) : Json();
  json["max"] = table::has_extremes(stats) ? number(stats.max) : Json();
  json["mean"] = number(stats.mean());
  json["std"] = number(stats.std());
  json["above"] = Json::array();
  for (std::size_t i = 0; i < options.tails.size(); ++i)
    json["above"].push_back({{"cutoff", options.tails[i]}, {"count", stats.cutoffs[i + 1].above}});
  if (options.quantiles.empty()) return json;
  json["quantiles"] = Json::array();
  for (std::size_t i = 0; i < options.quantiles.size(); ++i)
    json["quantiles"].push_back({{"p", options.quantiles[i]}, {"magnitude", number(row.quantiles[i])}});
  return json;
}

Json rows_json(const Inspection& inspection, Rows kind) {
  Json rows = Json::array();
  for (const InspectRow& row : table::rows_of(inspection, kind))
    rows.push_back(row_json(row, kind, inspection.options));
  return rows;
}

Json spreads_json(const Inspection& inspection) {
  Json spreads = Json::array();
  for (const LayerSpread& spread : inspection.spreads) {
    Json shares = Json::array();
    for (const double share : spread.shares) shares.push_back(100 * share);
    spreads.push_back({{"stack", spread.stack},
                       {"group", group_name(spread.group)},
                       {"cross_attention", spread.cross_attention},
                       {"layers", spread.layers},
                       {"share_percent", std::move(shares)},
                       {"min", 100 * spread.min},
                       {"max", 100 * spread.max},
                       {"mean", 100 * spread.mean},
                       {"std", 100 * spread.std},
                       {"outlying_layers", spread.outlying}});
  }
  return spreads;
}

Json model_json(const Model& model, const Inspection& inspection) {
  Json largest = Json::array(), left_out = Json::array();
  for (const LargeParameter& large : inspection.largest)
    largest.push_back({{"tensor", large.tensor}, {"position", large.position}, {"value", number(large.value)}});
  for (const LeftOut& entry : inspection.left_out) left_out.push_back({{"name", entry.name}, {"reason", entry.reason}});
  return {{"title", inspection.title},
          {"source", inspection.source},
          {"architecture", inspection.architecture},
          {"model_type", model.model_type},
          {"bytes_on_disk", model.checkpoint.bytes_on_disk()},
          {"overall", row_json(inspection.overall, Rows::kOverall, inspection.options)},
          {"groups", rows_json(inspection, Rows::kGroups)},
          {"layers", rows_json(inspection, Rows::kLayers)},
          {"tensors", rows_json(inspection, Rows::kTensors)},
          {"layer_spreads", spreads_json(inspection)},
          {"largest", std::move(largest)},
          {"left_out", std::move(left_out)},
          {"missing", model.missing},
          {"notes", inspection.notes}};
}

}  // namespace

std::string inspect_json(std::span<const Model> models, std::span<const Inspection> inspections) {
  const InspectOptions& options = inspections.front().options;
  Json json{{"cutoff", options.cutoff}, {"measure", measure_name(options.measure)}, {"models", Json::array()}};
  for (std::size_t i = 0; i < inspections.size(); ++i) json["models"].push_back(model_json(models[i], inspections[i]));
  return base::indented_text(json);
}

}  // namespace pare
