// Measuring a model in parts: each part is a Measurement, which can be saved and loaded. Parts are merged, and the
// whole is assembled into an Inspection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pare/inspect.h"

namespace pare {

/// The sums of one piece of a tensor: 2^18 elements, less at its end. They are kept apart until all pieces are there,
/// because sums of floating-point numbers depend on their order.
struct PieceSums {
  std::uint64_t piece = 0;  ///< its first element is piece * 2^18
  double sum = 0, sum_of_squares = 0;
};

/// The measured values of one parameter, or of some of its pieces.
struct MeasuredTensor {
  std::size_t parameter = 0;  ///< index into Model::parameters
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::uint64_t> shape;
  Stats stats;                    ///< of the elements measured; without sums if some are not
  Sketch sketch;                  ///< likewise; empty if InspectOptions::quantiles is empty
  std::vector<PieceSums> pieces;  ///< those measured, rising; empty if all are
};

/// By what a model is divided among processes.
enum class Split : std::uint8_t {
  kBytes,    ///< equal shares to within a piece of a tensor (2^18 elements); a large tensor may be divided
  kTensors,  ///< whole tensors
  kFiles,    ///< whole files (shards)
};
/// "bytes", "tensors", "files".
std::string_view split_name(Split split) noexcept;

/// One of `count` parts of a model. Which tensors it holds follows from the model, the options and these three values.
struct Part {
  std::uint32_t index = 0;  ///< counted from 0
  std::uint32_t count = 1;
  Split split = Split::kBytes;
  friend bool operator==(const Part&, const Part&) = default;
};

/// A partial result of inspect(): some of the selected parameters, measured.
struct Measurement {
  /// Hash of the names, dtypes and shapes of all parameters of the model, and of a sample of the bytes of each
  /// parameter that is not packed. Equal for all parts of one model and for byte-identical copies
  /// of it. Models that differ only in packed values, or in bytes outside the sample, are not told apart.
  std::uint64_t content = 0;
  std::vector<double> cutoffs;          ///< InspectOptions::cutoff, then larger ones for the tail of the distribution
  std::size_t largest_wanted = 0;       ///< InspectOptions::largest
  bool sketches = false;                ///< whether tensors have sketches
  std::vector<MeasuredTensor> tensors;  ///< in ascending order of `parameter`
  std::vector<Outlier> largest;         ///< Outlier::tensor is an index into Model::parameters
};

/// Measures all parameters that `options` selects, and returns their figures. In a group of processes
/// (pare/process_group.h), each measures a part; rank 0 gets the whole, and the others their part. Throws Error if a
/// filter matches nothing; Interrupted.
Measurement measure(const Model& model, const InspectOptions& options = {}, const Context& context = {});

/// Likewise, but only those whose index in Model::parameters is among `parameters`. The result may be empty.
Measurement measure(const Model& model, const InspectOptions& options, std::span<const std::size_t> parameters,
                    const Context& context = {});

/// Likewise, but only what belongs to `part`: an interval of the selected tensors, in the order in which the files hold
/// them, of about 1/count of their bytes. The parts 0 to count - 1 cover all of them, each piece once; a part can be
/// empty. Throws Error (kArgument) unless part.index < part.count; Interrupted.
Measurement measure(const Model& model, const InspectOptions& options, const Part& part, const Context& context = {});

/// Returns a measurement of the parameters of both. Merging is exact, commutative and associative, so the result does
/// not depend on how a model was divided or on the order. Throws Error: kMismatch if the two were made with different
/// options or of different models, kArgument if both hold the same parameter
/// or the same piece of one.
Measurement merge(const Measurement& left, const Measurement& right);
/// Merges any number at once, in less time than one after the other. Throws Error (kArgument) if there is none.
Measurement merge(std::vector<Measurement> parts);

/// Returns the Inspection for a complete measurement, one that covers every parameter that `options` selects. If
/// options.quantiles is not empty, the weights are read a second time. inspect(model, options) returns what measure()
/// and this function do. Throws Error (kMismatch) for a selected parameter that was not measured, and if the
/// measurement is of another model or was made with other options; Interrupted.
Inspection assemble(const Model& model, const InspectOptions& options, Measurement measurement,
                    const Context& context = {});

/// Returns a measurement as bytes: a version, the figures in little-endian order, and a checksum. The same bytes on
/// every machine.
std::vector<std::byte> measurement_bytes(const Measurement& measurement);
/// Returns the measurement that measurement_bytes() was given. Safe for untrusted bytes: memory is bounded by their
/// number, and figures that contradict each other are refused. Throws Error (kMalformed for damage, kUnsupported for a
/// version of a later pare), naming `file` if given.
Measurement parse_measurement(std::span<const std::byte> bytes, const std::filesystem::path& file = {});
/// Writes measurement_bytes() to a file. Throws Error: kExists if the file exists and `force` is false, kIo, kNoSpace.
void save_measurement(const Measurement& measurement, const std::filesystem::path& path, bool force = false);
/// Reads a file that save_measurement() wrote. Throws Error: kNotFound, kIo, and those of parse_measurement().
Measurement load_measurement(const std::filesystem::path& path);

}  // namespace pare
