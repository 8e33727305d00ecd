// A program outside the project that uses only the installed package.
#include <cstdio>

#include "pare/inspect.h"
#include "pare/model.h"

int main(int, char** argv) {
  const pare::Inspection inspection = pare::inspect(pare::open_model(argv[1]));
  std::printf("%s: %llu parameters, %.2f %% above 0.1\n", inspection.architecture.c_str(),
              static_cast<unsigned long long>(inspection.overall.stats.count),
              100 * inspection.overall.stats.share(pare::Measure::kMagnitude));
}
