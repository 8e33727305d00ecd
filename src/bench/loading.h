// How long a model takes from its files to the first result, and how much memory.
#pragma once

#include <cstddef>
#include <filesystem>

#include "pare/bench.h"

namespace pare::bench {

/// Loads what lies in `directory` a few times. The first time counts for memory, and brings the files into the page
/// cache. Throws Error, Interrupted.
BenchLoad measure_load(const std::filesystem::path& directory, const BenchOptions& options, KernelChoice kernels,
                       const Context& context);

}  // namespace pare::bench
