// What pruning gains, of one or more models: as tables, as a document, as JSON.
#pragma once

#include <string>
#include <vector>

#include "pare/bench.h"
#include "table/table.h"
#include "table/table_document.h"

namespace pare::report {

/// "as it is", "90 %", or the label of a count.
std::string level_name(const BenchLevel& level);
/// "48 sliced, 1 dense".
std::string kernels_text(const std::vector<LayerUse>& layers);
/// "3.21 x (3.10 to 3.30)".
std::string ratio_text(const Spread& ratio);
/// Whether files were written and loaded.
bool has_sizes(const BenchResult& result);

/// Files of each level: dense, packed, compressed.
Table sizes_table(const BenchResult& result);
/// Time and memory from files to the first result.
Table load_table(const BenchResult& result);
/// The pass over many tokens, dense beside sparse.
Table many_table(const BenchResult& result);
/// Single tokens, dense beside sparse. For models that decode.
Table step_table(const BenchResult& result);
/// How long single tokens take at the 50th, 90th and 99th percentile.
Table latency_table(const BenchResult& result);
/// What was done, and how to read it: a sentence each.
std::vector<std::string> bench_remarks(const BenchResult& result);
/// "one token at a time", "128 tokens at once" for headings.
std::string many_title(const BenchResult& result);

std::string bench_text(const std::vector<BenchResult>& results, Markup markup);
/// A row for each level of each model, every figure in full.
Table bench_csv_table(const std::vector<BenchResult>& results);
std::string bench_json(const std::vector<BenchResult>& results);

}  // namespace pare::report
