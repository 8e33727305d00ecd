// Parts of an inspection as files: several processes, on one machine or many, each measure a part of a model, and one
// puts the parts together. The result is the one of a single process, bit for bit.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "pare/measure.h"

namespace pare {

/// A part, and all that it takes to tell which parts belong together and to finish the inspection.
struct PartialInspection {
  std::string model;           ///< what open_model() was given: "MODEL", "TITLE=MODEL" or "ENCODER+DECODER"
  ModelOptions model_options;  ///< likewise
  InspectOptions options;
  Part part;
  Measurement measurement;
  std::filesystem::path file = {};  ///< that load_partial() read; not saved
};

/// Returns it as bytes: a version, what the part is of, the measurement, and a checksum. The same bytes on every
/// machine.
std::vector<std::byte> partial_bytes(const PartialInspection& partial);
/// Returns what partial_bytes() was given, with `file` set. Safe for untrusted bytes, as parse_measurement(). Throws
/// Error: kMalformed, kUnsupported.
PartialInspection parse_partial(std::span<const std::byte> bytes, const std::filesystem::path& file = {});
/// Writes partial_bytes() to a file, which appears complete or not at all. Throws Error: kExists if the file exists and
/// `force` is false, kIo, kNoSpace.
void save_partial(const PartialInspection& partial, const std::filesystem::path& path, bool force = false);
/// Reads a file that save_partial() wrote. Throws Error: kNotFound, kIo, and those of parse_partial().
PartialInspection load_partial(const std::filesystem::path& path);

/// Returns the whole, part 1 of 1, of the parts 1 to n in any order; assemble() makes an Inspection of its measurement.
/// Throws Error (kMismatch), naming the file, unless all are of one model and made with the same options and the same
/// division, and each part is there once.
PartialInspection merge_partials(std::vector<PartialInspection> partials);

}  // namespace pare
