// Costs of kernels as JSON, for the file that stores them and for users.
#pragma once

#include <vector>

#include "pare/tune.h"

namespace pare::linear {

/// An array of objects, one for each number of tokens. `Json` is one of nlohmann's.
template <class Json>
Json json_of(const std::vector<KernelCost>& costs) {
  Json points = Json::array();
  for (const KernelCost& p : costs)
    points.push_back({{"tokens", p.tokens},
                      {"dense_weight", p.dense_weight},
                      {"sliced_nonzero", p.sliced_nonzero},
                      {"sliced_edge", p.sliced_edge},
                      {"masked_nonzero", p.masked_nonzero},
                      {"masked_weight", p.masked_weight}});
  return points;
}

}  // namespace pare::linear
