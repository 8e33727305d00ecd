// Memory of this process, as Linux counts it.
#pragma once

#include <cstdint>
#include <string>

#include "pare/bench.h"

namespace pare::bench {

/// Gives freed memory back to the system and lets the peak begin anew; returns what is resident now, in bytes.
std::uint64_t begin_peak();
/// Highest number of resident bytes since begin_peak() (since the start, where the system cannot reset it).
std::uint64_t peak_resident();

/// Bytes that a program could still take, of the machine and of its control group; UINT64_MAX where nobody says.
std::uint64_t available_memory();
/// Bytes that a measurement holds at once, roughly: weights as they are mapped and as F32, one pruned copy, and the
/// layouts that sparse kernels read.
std::uint64_t needed_memory(const Model& model, const BenchOptions& options);
/// Throws Error, naming both figures, if that is more than there is.
void require_memory(const std::string& source, std::uint64_t needed, std::uint64_t available);

}  // namespace pare::bench
