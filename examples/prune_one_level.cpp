// Writes a checkpoint without its smallest weights: prune_one_level MODEL PERCENT OUTPUT
#include <cstdio>
#include <exception>

#include "pare/model.h"
#include "pare/prune.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: prune_one_level MODEL PERCENT OUTPUT\n");
    return 2;
  }
  try {
    const pare::Model model = pare::open_model(argv[1]);
    pare::PruneOptions options;
    options.levels = {pare::Amount::percent(argv[2])};
    const pare::PrunePlan plan = pare::plan_pruning(model, options);
    pare::write_pruned(model, plan, argv[3]);
    std::printf("%llu of %llu weights are 0 now; the largest that went is %g\n",
                static_cast<unsigned long long>(plan.levels[0].zeros), static_cast<unsigned long long>(plan.candidates),
                plan.levels[0].threshold.value_or(0));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
