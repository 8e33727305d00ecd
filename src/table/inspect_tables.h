// Helpers shared by tables, JSON and sentences about an inspection.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "pare/results.h"

namespace pare::table {

/// "encoder feed-forward", "decoder cross-attention.q".
std::string spread_name(const LayerSpread& spread);
/// The share as counted.
Share share_of(const Stats& stats, Measure measure, std::size_t cutoff = 0);
/// Whether the statistics have a minimum and a maximum. Without numbers, Stats::min and max are 0 and must not be
/// shown.
bool has_extremes(const Stats& stats);
/// Rows of one kind; only the overall row for kOverall.
std::span<const InspectRow> rows_of(const Inspection& inspection, Rows rows);
/// The model's notes, and a sentence for each reason why tensors were left out.
std::vector<std::string> model_remarks(const Model& model, const std::vector<LeftOut>& left_out);

}  // namespace pare::table
