#include "pare/json.h"
#include "table/bench_tables.h"
#include "table/json_values.h"

namespace pare {
namespace {

using table::Json;
using table::quotient;

Json spread_json(const Spread& spread) {
  return {{"median", spread.median}, {"low", spread.low}, {"high", spread.high}};
}

Json load_json(const BenchLoad& load) {
  return {{"seconds", spread_json(load.seconds)}, {"peak_memory_bytes", load.peak_memory}};
}

Json kernels_json(const std::vector<LayerUse>& layers) {
  Json json = Json::object();
  for (const LayerUse& layer : layers) {
    const std::string name(kernel_name(layer.kernel));
    json[name] = json.value(name, 0) + 1;
  }
  return json;
}

Json layers_json(const std::vector<LayerUse>& layers) {
  Json json = Json::array();
  for (const LayerUse& layer : layers)
    json.push_back({{"name", layer.name},
                    {"in", layer.in},
                    {"out", layer.out},
                    {"nonzeros", layer.nonzeros},
                    {"kernel", kernel_name(layer.kernel)},
                    {"bytes", layer.bytes}});
  return json;
}

Json prefill_json(const PassTimes& times, double tokens, const MachineSpeed& machine) {
  const double flops = quotient(times.prefill_work.flops, times.prefill.median);
  return {{"seconds", spread_json(times.prefill)},
          {"tokens_per_second", quotient(tokens, times.prefill.median)},
          {"flops", times.prefill_work.flops},
          {"share_of_peak", quotient(flops, machine.flops)}};
}

Json decode_json(const PassTimes& times, const MachineSpeed& machine) {
  const double reading = quotient(times.decode_work.bytes, times.decode.median);
  return {{"seconds", spread_json(times.decode)},
          {"tokens_per_second", quotient(1, times.decode.median)},
          {"latency_seconds",
           {{"p50", times.percentile(0.5)}, {"p90", times.percentile(0.9)}, {"p99", times.percentile(0.99)}}},
          {"bytes", times.decode_work.bytes},
          {"share_of_bandwidth", quotient(reading, machine.bytes_a_second)}};
}

Json level_json(const BenchLevel& level, const BenchResult& result) {
  const double tokens = static_cast<double>(result.sequences * result.length);
  Json json{{"level", level.label ? Json(*level.label) : Json()},
            {"weights", level.weights},
            {"zeros", level.zeros},
            {"sparsity", Share{level.zeros, level.weights}.percent() / 100}};
  if (table::has_sizes(result)) {
    json["bytes"] = {{"dense", level.sizes.dense},
                     {"packed", level.sizes.packed},
                     {"packed_zstd", level.sizes.zstd},
                     {"gzip", level.sizes.gzip}};
    json["load"] = load_json(level.load);
  }
  json["prefill"] = {{"dense", prefill_json(level.dense, tokens, result.machine)},
                     {"sparse", prefill_json(level.sparse, tokens, result.machine)},
                     {"speed_up", spread_json(level.prefill_ratio)},
                     {"kernels", kernels_json(level.prefill_layers)},
                     {"layers", layers_json(level.prefill_layers)}};
  if (result.decodes)
    json["decode"] = {{"dense", decode_json(level.dense, result.machine)},
                      {"sparse", decode_json(level.sparse, result.machine)},
                      {"speed_up", spread_json(level.decode_ratio)},
                      {"speed_up_by_bytes", quotient(level.dense.decode_work.bytes, level.sparse.decode_work.bytes)},
                      {"kernels", kernels_json(level.decode_layers)},
                      {"layers", layers_json(level.decode_layers)}};
  return json;
}

Json result_json(const BenchResult& result) {
  Json levels = Json::array();
  for (const BenchLevel& level : result.levels) levels.push_back(level_json(level, result));
  Json json{{"model", result.model},
            {"threads", result.threads},
            {"batch", result.sequences},
            {"length", result.length},
            {"decodes", result.decodes},
            {"context", result.context},
            {"steps", result.steps},
            {"runs", result.runs},
            {"measured_costs", result.measured_costs},
            {"machine", {{"read_bytes_per_second", result.machine.bytes_a_second}, {"flops", result.machine.flops}}}};
  if (table::has_sizes(result)) json["load_dense"] = load_json(result.dense_load);
  json["levels"] = std::move(levels);
  return json;
}

}  // namespace

std::string bench_json(const std::vector<BenchResult>& results) {
  Json json = Json::array();
  for (const BenchResult& result : results) json.push_back(result_json(result));
  return base::indented_text(Json{{"results", std::move(json)}});
}

}  // namespace pare
