// Measures the time and memory of a model from its files to the first result.
#pragma once

#include <cstddef>
#include <filesystem>

#include "pare/bench.h"

namespace pare::bench {

/// Loads the model in `directory` a few times. The first time gives the memory, and brings the files into the page
/// cache. Throws Error, Interrupted.
BenchLoad measure_load(const std::filesystem::path& directory, const BenchOptions& options, KernelChoice kernels,
                       const Context& context);

}  // namespace pare::bench
