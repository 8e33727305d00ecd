// Tables of an inspection: wide ones for programs, narrow ones for people.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "pare/inspect.h"
#include "table/table.h"

namespace pare::report {

/// Which rows of an Inspection.
enum class Rows : std::uint8_t { kTensors, kGroups, kLayers, kOverall };

/// "|w| > 0.1" or "outside [0, 0.1)".
std::string measure_title(Measure measure, double cutoff);
/// "encoder feed-forward", "decoder cross-attention.q".
std::string spread_name(const LayerSpread& spread);
/// The share as counted.
Share share_of(const Stats& stats, Measure measure, std::size_t cutoff = 0);
/// Rows of one kind; the overall row alone for kOverall.
std::span<const InspectRow> rows_of(const Inspection& inspection, Rows rows);

/// Every figure in full, for programs. The columns: tensor, parameters, share_percent, then model,
/// kind, tensors, dtype, group, stack, layer, share_magnitude_percent, share_signed_percent, zeros,
/// nan, inf, min, max, mean, std, above_C for each tail C, qP for each quantile P.
/// All inspections must have the same tails and quantiles.
Table full_table(std::span<const Inspection> inspections, std::span<const Rows> kinds);

/// One line per row of one model: parameters, both shares, zeros, std, min, max, quantiles; NaN and
/// infinities where there are any.
Table rows_table(const Inspection& inspection, Rows rows);
/// The same rows of several models, a column of shares (in the chosen measure) per model.
Table side_by_side_table(std::span<const Inspection> inspections, Rows rows);

/// The overall figures, a line each: one model with counts and shares, or a column per model.
Table overall_table(std::span<const Inspection> inspections);
/// How much the share varies between layers, and which ones stand out.
Table spread_table(const Inspection& inspection);
/// The largest magnitudes and where they sit.
Table largest_table(const Inspection& inspection);

}  // namespace pare::report
