// Measuring a model in parts: each part is a Measurement, which can be saved and loaded; parts merge, and the whole
// becomes an Inspection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "pare/inspect.h"

namespace pare {

/// What was measured of one parameter, and which one it was.
struct MeasuredTensor {
  std::size_t parameter = 0;  ///< index into Model::parameters
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::uint64_t> shape;
  Stats stats;
  Sketch sketch;  ///< empty unless InspectOptions::quantiles are asked for
};

/// A partial result of inspect(): some of the selected parameters, measured.
struct Measurement {
  /// Hash of what was measured: names, dtypes and shapes of all parameters, and a sample of the bytes of each (not of
  /// packed ones). Equal for parts of one model, and for copies of it.
  std::uint64_t content = 0;
  std::vector<double> cutoffs;          ///< InspectOptions::cutoff, then the tails
  std::size_t largest_wanted = 0;       ///< InspectOptions::largest
  bool sketches = false;                ///< whether tensors have sketches
  std::vector<MeasuredTensor> tensors;  ///< by rising parameter
  std::vector<Outlier> largest;         ///< Outlier::tensor is an index into Model::parameters
};

/// Measures all parameters that `options` selects. Throws Error if a filter matches nothing; Interrupted.
Measurement measure(const Model& model, const InspectOptions& options = {}, const Context& context = {});

/// Measures those of them that are among `parameters` (indices into Model::parameters), possibly none.
Measurement measure(const Model& model, const InspectOptions& options, std::span<const std::size_t> parameters,
                    const Context& context = {});

/// Both together. Exact, commutative and associative, so that every split of a model into parts merges to the same
/// Measurement. Throws Error: kMismatch if the two were made with different options or of different models, kArgument
/// if both hold the same parameter.
Measurement merge(const Measurement& left, const Measurement& right);

/// Sums up a measurement of all parameters that `options` selects; quantiles read the weights once more. inspect() is
/// this after measure(). Throws Error (kMismatch) for a selected parameter that was not measured, and if the
/// measurement is of another model or was made with other options; Interrupted.
Inspection assemble(const Model& model, const InspectOptions& options, Measurement measurement,
                    const Context& context = {});

/// A measurement as bytes: a version, the figures in little-endian order, and a checksum. The same bytes on every
/// machine.
std::vector<std::byte> measurement_bytes(const Measurement& measurement);
/// The measurement that measurement_bytes() made these of. Reads untrusted bytes: memory is bounded by their number,
/// and figures that contradict each other are refused. Throws Error (kMalformed for damage, kUnsupported for a version
/// of a later pare), naming `file` if given.
Measurement parse_measurement(std::span<const std::byte> bytes, const std::filesystem::path& file = {});
/// The same in a file; `force` replaces an existing one. Throws Error.
void save_measurement(const Measurement& measurement, const std::filesystem::path& path, bool force = false);
Measurement load_measurement(const std::filesystem::path& path);

}  // namespace pare
