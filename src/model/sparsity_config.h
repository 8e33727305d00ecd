// Adds to a config.json the entry by which compressed-tensors recognizes a packed checkpoint, and removes it.
#pragma once

#include <string>
#include <vector>

namespace pare::model {

/// `config` with the entry for "sparse-bitmask" of these modules, on a line of its own, so that removing it restores
/// every byte. Unchanged if it already has such an entry, or if an entry cannot be inserted. `sparsity` is a fraction.
std::string with_sparsity_config(const std::string& config, const std::vector<std::string>& modules, double sparsity);

/// `config` without that entry, pare's or compressed-tensors' own; unchanged if there is none, or if it also describes
/// quantized weights.
std::string without_sparsity_config(const std::string& config);

}  // namespace pare::model
