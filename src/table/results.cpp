#include "pare/results.h"

#include <fmt/format.h>

namespace pare {

std::string measure_title(const InspectOptions& options) { return measure_title(options.measure, options.cutoff); }

std::string measure_title(Measure measure, double cutoff) {
  return measure == Measure::kMagnitude ? fmt::format("|w| > {}", cutoff) : fmt::format("outside [0, {})", cutoff);
}

std::string level_title(std::string_view label) {
  const bool percentage = !label.empty() && label.front() >= '0' && label.front() <= '9';
  return percentage ? std::string(label) + " %" : std::string(label);
}

std::string level_title(const Amount& amount) { return level_title(amount.label); }

std::string level_title(const BenchLevel& level) { return level.label ? level_title(*level.label) : "as it is"; }

}  // namespace pare
