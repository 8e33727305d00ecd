#include "table/bench_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "table/columns.h"

namespace pare {
namespace table {

std::string kernels_text(const std::vector<LayerUse>& layers) {
  std::string text;
  for (const Kernel kernel : {Kernel::kSliced, Kernel::kMasked, Kernel::kDense}) {
    const auto count =
        std::count_if(layers.begin(), layers.end(), [&](const LayerUse& layer) { return layer.kernel == kernel; });
    if (count != 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, kernel_name(kernel));
  }
  return text;
}

std::string ratio_text(const Spread& ratio) {
  return fmt::format("{:.2f} x ({:.2f} to {:.2f})", ratio.median, ratio.low, ratio.high);
}

bool has_sizes(const BenchResult& result) { return !result.levels.empty() && result.levels.front().sizes.dense != 0; }

std::string prefill_title(const BenchResult& result) {
  if (result.sequences == 1) return fmt::format("{} tokens at once", result.length);
  return fmt::format("{} x {} tokens at once", result.sequences, result.length);
}

}  // namespace table
namespace {

using table::left;
using table::quotient;
using table::right;

Share sparsity(const BenchLevel& level) { return {level.zeros, level.weights}; }

std::string milliseconds(double seconds) {
  const double ms = seconds * 1000;
  return fmt::format("{:.{}f} ms", ms, ms < 1 ? 3 : ms < 100 ? 2 : 0);
}

std::string seconds_text(const Spread& seconds) {
  return fmt::format("{:.3f} s ({:.3f} to {:.3f})", seconds.median, seconds.low, seconds.high);
}

/// Tokens per second, rounded for reading.
std::string rate(double tokens, double seconds) {
  if (!(seconds > 0)) return "";
  const double value = tokens / seconds;
  return value < 100 ? fmt::format("{:.1f}", value) : count_text(static_cast<std::uint64_t>(value + 0.5));
}

std::string share_text(double part, double whole) {
  return whole > 0 ? fmt::format("{:.0f} %", 100 * part / whole) : "";
}

double many_tokens(const BenchResult& result) { return static_cast<double>(result.sequences * result.length); }

double flops_of(const PassTimes& times) {
  return times.prefill.median > 0 ? times.prefill_work.flops / times.prefill.median : 0;
}
double reading_of(const PassTimes& times) {
  return times.decode.median > 0 ? times.decode_work.bytes / times.decode.median : 0;
}

}  // namespace

Table sizes_table(const BenchResult& result) {
  Table table;
  table.columns = {left("level"),           right("sparsity"),       right("dense"),
                   right("packed"),         right("share of dense"), right("packed with zstd"),
                   right("share of dense"), right("gzip of dense"),  right("share of dense")};
  for (const BenchLevel& level : result.levels) {
    const BenchSizes& sizes = level.sizes;
    table.rows.push_back({level_title(level), sparsity(level), bytes_text(sizes.dense), bytes_text(sizes.packed),
                          Share{sizes.packed, sizes.dense}, bytes_text(sizes.zstd), Share{sizes.zstd, sizes.dense},
                          bytes_text(sizes.gzip), Share{sizes.gzip, sizes.dense}});
  }
  return table;
}

Table load_table(const BenchResult& result) {
  Table table;
  table.columns = {left("files"), right("to the first result"), right("peak memory")};
  const auto add = [&](const std::string& name, const BenchLoad& load) {
    table.rows.push_back({name, seconds_text(load.seconds), bytes_text(load.peak_memory)});
  };
  add("dense", result.dense_load);
  for (const BenchLevel& level : result.levels) add("packed, " + level_title(level), level.load);
  return table;
}

Table prefill_table(const BenchResult& result) {
  Table table;
  table.columns = {left("level"),     right("sparsity"),       right("dense tokens/s"),  right("sparse tokens/s"),
                   right("speed-up"), right("dense: of peak"), right("sparse: of peak"), left("layers by kernel")};
  for (const BenchLevel& level : result.levels)
    table.rows.push_back(
        {level_title(level), sparsity(level), rate(many_tokens(result), level.dense.prefill.median),
         rate(many_tokens(result), level.sparse.prefill.median), table::ratio_text(level.prefill_ratio),
         share_text(flops_of(level.dense), result.machine.flops),
         share_text(flops_of(level.sparse), result.machine.flops), table::kernels_text(level.prefill_layers)});
  return table;
}

Table decode_table(const BenchResult& result) {
  Table table;
  table.columns = {
      left("level"),           right("sparsity"),       right("dense tokens/s"),      right("sparse tokens/s"),
      right("speed-up"),       right("by bytes alone"), right("dense: of bandwidth"), right("sparse: of bandwidth"),
      left("layers by kernel")};
  for (const BenchLevel& level : result.levels) {
    const double bound =
        level.sparse.decode_work.bytes > 0 ? level.dense.decode_work.bytes / level.sparse.decode_work.bytes : 0;
    table.rows.push_back({level_title(level), sparsity(level), rate(1, level.dense.decode.median),
                          rate(1, level.sparse.decode.median), table::ratio_text(level.decode_ratio),
                          fmt::format("{:.2f} x", bound),
                          share_text(reading_of(level.dense), result.machine.bytes_a_second),
                          share_text(reading_of(level.sparse), result.machine.bytes_a_second),
                          table::kernels_text(level.decode_layers)});
  }
  return table;
}

Table latency_table(const BenchResult& result) {
  Table table;
  table.columns = {left("level"),       right("dense p50"), right("p90"), right("p99"),
                   right("sparse p50"), right("p90"),       right("p99")};
  for (const BenchLevel& level : result.levels) {
    std::vector<Cell> cells{level_title(level)};
    for (const PassTimes* times : {&level.dense, &level.sparse})
      for (const double p : {0.5, 0.9, 0.99}) cells.emplace_back(milliseconds(times->percentile(p)));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

std::vector<std::string> bench_remarks(const BenchResult& result) {
  std::vector<std::string> remarks;
  remarks.push_back(
      fmt::format("{} thread{}; medians of {} run{}, lowest and highest in brackets; dense and sparse take turns.",
                  result.threads, result.threads == 1 ? "" : "s", result.runs, result.runs == 1 ? "" : "s"));
  remarks.push_back(
      fmt::format("Measured in the same run: memory is read at {:.1f} GB/s, and registers take {:.0f} "
                  "Gflop/s; shares of bandwidth and of peak are shares of these.",
                  result.machine.bytes_a_second / 1e9, result.machine.flops / 1e9));
  const bool cached =
      result.decodes && std::any_of(result.levels.begin(), result.levels.end(), [&](const BenchLevel& level) {
        return reading_of(level.sparse) > result.machine.bytes_a_second;
      });
  if (cached) remarks.emplace_back("Above 100 % of bandwidth, weights are found in the cache instead.");
  const auto all_dense = [](const std::vector<LayerUse>& layers) {
    return std::all_of(layers.begin(), layers.end(), [](const LayerUse& use) { return use.kernel == Kernel::kDense; });
  };
  const BenchLevel* first = result.levels.empty() ? nullptr : &result.levels.front();
  if (first != nullptr && all_dense(first->prefill_layers) && all_dense(first->decode_layers))
    remarks.emplace_back(
        "The model as it is runs by the same kernels twice: how far its speed-up is from 1 tells the noise.");
  if (!result.measured_costs)
    remarks.emplace_back("Kernels were chosen by another machine's costs; pare tune measures those of this one, once.");
  return remarks;
}

std::string bench_text(const std::vector<BenchResult>& results, Markup markup) {
  Document document(markup);
  for (const BenchResult& result : results) {
    document.heading(result.model + ": what pruning gains");
    if (table::has_sizes(result)) {
      document.heading("Size on disk", 3);
      document.table(sizes_table(result));
      document.heading("Loading, from the page cache", 3);
      document.table(load_table(result));
    }
    document.heading(table::prefill_title(result), 3);
    document.table(prefill_table(result));
    if (result.decodes) {
      document.heading(fmt::format("One token at a time, after {}", result.context), 3);
      document.table(decode_table(result));
      document.heading("How long one token takes", 3);
      document.table(latency_table(result));
    }
    document.list(bench_remarks(result));
  }
  return document.text();
}

namespace {

constexpr const char* kCsvKeys[] = {"model",
                                    "level",
                                    "sparsity_percent",
                                    "dense_bytes",
                                    "packed_bytes",
                                    "packed_zstd_bytes",
                                    "gzip_bytes",
                                    "load_dense_seconds",
                                    "load_seconds",
                                    "peak_memory_dense_bytes",
                                    "peak_memory_bytes",
                                    "prefill_dense_seconds",
                                    "prefill_seconds",
                                    "prefill_speed_up",
                                    "prefill_speed_up_low",
                                    "prefill_speed_up_high",
                                    "prefill_dense_share_of_peak",
                                    "prefill_share_of_peak",
                                    "decode_dense_seconds",
                                    "decode_seconds",
                                    "decode_speed_up",
                                    "decode_speed_up_low",
                                    "decode_speed_up_high",
                                    "decode_speed_up_by_bytes",
                                    "decode_dense_share_of_bandwidth",
                                    "decode_share_of_bandwidth",
                                    "dense_p50",
                                    "dense_p90",
                                    "dense_p99",
                                    "p50",
                                    "p90",
                                    "p99"};

/// An empty cell if it was not measured.
std::vector<Cell> csv_row(const BenchResult& result, const BenchLevel& level) {
  const PassTimes &dense = level.dense, &sparse = level.sparse;
  const MachineSpeed& machine = result.machine;
  const auto of_peak = [&](const PassTimes& t) {
    return quotient(quotient(t.prefill_work.flops, t.prefill.median), machine.flops);
  };
  const auto of_bandwidth = [&](const PassTimes& t) {
    return quotient(quotient(t.decode_work.bytes, t.decode.median), machine.bytes_a_second);
  };
  std::vector<Cell> cells{result.model, level.label.value_or(""), Share{level.zeros, level.weights}};
  if (table::has_sizes(result))
    cells.insert(cells.end(), {level.sizes.dense, level.sizes.packed, level.sizes.zstd, level.sizes.gzip,
                               result.dense_load.seconds.median, level.load.seconds.median,
                               result.dense_load.peak_memory, level.load.peak_memory});
  cells.resize(11);
  cells.insert(cells.end(), {dense.prefill.median, sparse.prefill.median, level.prefill_ratio.median,
                             level.prefill_ratio.low, level.prefill_ratio.high, of_peak(dense), of_peak(sparse)});
  if (result.decodes) {
    cells.insert(cells.end(),
                 {dense.decode.median, sparse.decode.median, level.decode_ratio.median, level.decode_ratio.low,
                  level.decode_ratio.high, quotient(dense.decode_work.bytes, sparse.decode_work.bytes),
                  of_bandwidth(dense), of_bandwidth(sparse)});
    for (const PassTimes* times : {&dense, &sparse})
      for (const double p : {0.5, 0.9, 0.99}) cells.emplace_back(times->percentile(p));
  }
  cells.resize(std::size(kCsvKeys));
  return cells;
}

}  // namespace

Table bench_csv_table(const std::vector<BenchResult>& results) {
  Table table;
  for (const char* key : kCsvKeys) table.columns.push_back({key, ""});
  for (const BenchResult& result : results)
    for (const BenchLevel& level : result.levels) table.rows.push_back(csv_row(result, level));
  return table;
}

}  // namespace pare
