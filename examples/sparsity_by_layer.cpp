// Prints the share of zeros in each layer after global pruning: sparsity_by_layer MODEL PERCENT
#include <cstdio>
#include <exception>
#include <map>

#include "pare/model.h"
#include "pare/prune.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: sparsity_by_layer MODEL PERCENT\n");
    return 2;
  }
  try {
    const pare::Model model = pare::open_model(argv[1]);
    pare::PruneOptions options;
    options.levels = {pare::Amount::percent(argv[2])};
    const pare::PrunePlan plan = pare::plan_pruning(model, options);
    struct Count {
      unsigned long long zeros = 0, weights = 0;
    };
    std::map<std::pair<std::string, int>, Count> layers;
    for (std::size_t i = 0; i < plan.parameters.size(); ++i) {
      const pare::Parameter& parameter = model.parameters[plan.parameters[i]];
      Count& count = layers[{parameter.stack, parameter.layer}];
      count.zeros += plan.levels[0].cuts[i].zeros;
      count.weights += model.tensor(parameter).elements();
    }
    for (const auto& [layer, count] : layers)
      std::printf("%-8s layer %3d  %6.2f %% of %llu\n", layer.first.c_str(), layer.second,
                  100.0 * static_cast<double>(count.zeros) / static_cast<double>(count.weights), count.weights);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
