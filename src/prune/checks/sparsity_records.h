// What config.json and pare.json say of a model's zeros.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pare/model.h"
#include "pare/prune.h"

namespace pare::prune {

struct SparsityRecords {
  /// Of config.json: a sparsity_config of compressed-tensors, wherever it is.
  std::optional<Pattern> structure;       ///< N:M
  std::optional<double> global_sparsity;  ///< from 0 to 1
  std::vector<std::string> ignored;       ///< modules that the structure is not for, as globs over names of parameters
  bool quantized = false;                 ///< whether it has a quantization_config that quantizes
  /// Of pare.json: what pare prune has recorded of one level.
  std::optional<Pattern> pattern;              ///< N:M
  std::map<std::string, std::uint64_t> zeros;  ///< of each pruned tensor
};

/// Empty if the model has no directory of its own. Parts of another form are left out. Throws Error for a file that is
/// not JSON.
SparsityRecords read_records(const Model& model);

}  // namespace pare::prune
