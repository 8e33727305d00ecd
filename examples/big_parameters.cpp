// Prints the share of parameters above a cutoff for each tensor: big_parameters MODEL [CUTOFF]
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "pare/inspect.h"
#include "pare/model.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: big_parameters MODEL [CUTOFF]\n");
    return 2;
  }
  try {
    pare::InspectOptions options;
    if (argc > 2) options.cutoff = std::atof(argv[2]);
    const pare::Inspection inspection = pare::inspect(pare::open_model(argv[1]), options);
    for (const pare::InspectRow& row : inspection.tensors)
      std::printf("%-60s %12llu %8.4f %%\n", row.name.c_str(), static_cast<unsigned long long>(row.stats.count),
                  100 * row.stats.share(pare::Measure::kMagnitude));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
