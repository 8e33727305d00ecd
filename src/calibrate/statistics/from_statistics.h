// Prunes by a file of statistics, without a text and without running the model.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "calibrate/prune_linear.h"
#include "calibrate/statistics/statistics_file.h"

namespace pare::calibrate {

struct StatisticsCuts {
  std::vector<std::vector<TensorCut>> levels;  ///< one for each parameter of the plan, at each level
  std::set<std::string> unseen, raised;        ///< as of LayerByLayer
};

/// Reads the statistics of each linear of the plan once, and prunes it to all levels. Throws Error as StatisticsFile
/// and plan_calibrated(); Interrupted.
StatisticsCuts cuts_from_statistics(const Model& model, const PrunePlan& plan, const std::vector<Level>& levels,
                                    const StatisticsFile& file, const Context& context);

}  // namespace pare::calibrate
