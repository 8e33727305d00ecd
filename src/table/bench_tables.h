// Helpers shared by tables, JSON and sentences about a benchmark.
#pragma once

#include <string>
#include <vector>

#include "pare/results.h"

namespace pare::table {

/// "48 sliced, 1 dense".
std::string kernels_text(const std::vector<LayerUse>& layers);
/// "3.21 x (3.10 to 3.30)".
std::string ratio_text(const Spread& ratio);
/// Whether files were written and loaded.
bool has_sizes(const BenchResult& result);
/// "128 tokens at once" or "2 x 128 tokens at once", for headings.
std::string prefill_title(const BenchResult& result);
/// 0 where nothing was measured to divide by.
inline double quotient(double part, double whole) { return whole > 0 ? part / whole : 0; }

}  // namespace pare::table
