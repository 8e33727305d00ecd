// Prunes a model and writes it in packed files: pack_model MODEL PERCENT OUTPUT
#include <cstdio>
#include <exception>

#include "pare/model.h"
#include "pare/pack.h"
#include "pare/prune.h"
#include "pare/results.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: pack_model MODEL PERCENT OUTPUT\n");
    return 2;
  }
  try {
    const pare::Model model = pare::open_model(argv[1]);
    pare::PruneOptions options;
    options.levels = {pare::Amount::percent(argv[2])};
    const pare::Model pruned = pare::pruned_model(model, pare::plan_pruning(model, options), 0);  // in memory
    const pare::PackSummary summary = pare::write_packed(pruned, argv[3]);
    std::printf("%s", pare::pack_text(pruned, summary, argv[3], pare::Markup::kText).c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
