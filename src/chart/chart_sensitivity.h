// What pruning each part alone does, as a chart.
#pragma once

#include "pare/chart.h"
#include "table/sensitivity_results.h"

namespace pare::report {

/// Damage by layer, or against the level where the units are of no layer.
LineChart sensitivity_chart(const SensitivityResults& results);

}  // namespace pare::report
