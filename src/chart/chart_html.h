// Charts as part of a page: inline SVG whose values can be read by mouse and keyboard (page.js), without gnuplot.
#pragma once

#include <string>
#include <string_view>

#include "chart/chart.h"

namespace pare::chart {

/// A <figure> with the chart's title, its legend and its plots. `description` is for readers who cannot see it.
std::string to_html(const AnyChart& chart, std::string_view description);

}  // namespace pare::chart
