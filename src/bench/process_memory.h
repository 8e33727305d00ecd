// Memory of this process, as Linux counts it.
#pragma once

#include <cstdint>
#include <string>

#include "pare/bench.h"

namespace pare::bench {

/// Returns freed memory to the system and resets the peak. Returns the resident bytes.
std::uint64_t begin_peak();
/// Largest number of resident bytes since begin_peak() (since the start of the process if the system cannot reset it).
std::uint64_t peak_resident();

/// Bytes that a program can still allocate, limited by the machine and its control group; UINT64_MAX if unknown.
std::uint64_t available_memory();
/// Approximate memory of a measurement in bytes: weights as mapped and as F32, one pruned copy, and the layouts that
/// sparse kernels read.
std::uint64_t needed_memory(const Model& model, const BenchOptions& options);
/// Throws Error, naming both figures, if that is more than is available.
void require_memory(const std::string& source, std::uint64_t needed, std::uint64_t available);

}  // namespace pare::bench
