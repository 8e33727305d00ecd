// Measuring a model in parts: each part is a Measurement, parts merge, and the whole becomes an Inspection.
#pragma once

#include <cstdint>
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
  std::vector<double> cutoffs;          ///< InspectOptions::cutoff, then the tails
  std::size_t largest_wanted = 0;       ///< InspectOptions::largest
  bool sketches = false;                ///< whether tensors have sketches
  std::vector<MeasuredTensor> tensors;  ///< by rising parameter
  std::vector<Outlier> largest;         ///< Outlier::tensor is an index into Model::parameters
};

/// Measures all parameters that `options` selects. Throws Error if a filter matches nothing; Interrupted.
Measurement measure(const Model& model, const InspectOptions& options = {});

/// Measures those of them that are among `parameters` (indices into Model::parameters), possibly none.
Measurement measure(const Model& model, const InspectOptions& options, std::span<const std::size_t> parameters);

/// Both together. Exact, commutative and associative, so that every split of a model into parts merges to the same
/// Measurement. Throws Error if the two were made with different options or both hold the same parameter.
Measurement merge(const Measurement& left, const Measurement& right);

/// Sums up a measurement of all parameters that `options` selects; quantiles read the weights once more. inspect() is
/// this after measure(). Throws Error for a selected parameter that was not measured, or is not the one that was;
/// Interrupted.
Inspection assemble(const Model& model, const InspectOptions& options, Measurement measurement);

}  // namespace pare
