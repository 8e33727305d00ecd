// How much the share varies from layer to layer, and which layers stand out.
#pragma once

#include <vector>

#include "pare/inspect.h"

namespace pare::stats {

/// Indices of the values whose modified z-score 0.6745 (x - median) / MAD exceeds 3.5 in absolute
/// value (Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993), MAD being the median
/// absolute deviation from the median. Where the MAD is 0 (more than half of the values equal),
/// the mean absolute deviation replaces it, as the same source suggests: (x - median) / (1.253314 MeanAD). Fewer than
/// five values have no outliers, because their median is not meaningful enough. Differences below 0.0001 from the
/// median, which tables in percent hardly show, never stand out.
std::vector<std::size_t> outliers(const std::vector<double>& values);

/// Fills min, max, mean, std (of a sample, n - 1; 0 for one layer) and outlying from shares.
void summarize(LayerSpread& spread);

}  // namespace pare::stats
