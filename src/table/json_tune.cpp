#include "linear/kernel_cost_json.h"
#include "pare/json.h"
#include "table/json_values.h"

namespace pare {

using table::Json;

std::string tune_json(const KernelCosts& costs) {
  const Json json{{"target", costs.target},
                  {"threads", costs.threads},
                  {"measured", costs.measured},
                  {"nanoseconds", linear::json_of<Json>(costs.points)},
                  {"nanoseconds_cached", linear::json_of<Json>(costs.cached_points)},
                  {"nanoseconds_16_bit", linear::json_of<Json>(costs.half_points)},
                  {"nanoseconds_16_bit_cached", linear::json_of<Json>(costs.cached_half_points)},
                  {"kept_in", kernel_costs_path().string()}};
  return base::indented_text(json);
}

}  // namespace pare
