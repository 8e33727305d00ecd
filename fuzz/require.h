// The check that fuzz targets apply to results.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace pare::fuzz {

/// Ends the process, so that the fuzzer keeps the input.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

}  // namespace pare::fuzz
