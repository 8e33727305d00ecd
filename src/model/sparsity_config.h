// The entry by which compressed-tensors knows a packed checkpoint, in and out of a config.json.
#pragma once

#include <string>
#include <vector>

namespace pare::model {

/// `config` with the entry for "sparse-bitmask" of these modules, in a line of its own so that it can be taken out
/// again to the byte; unchanged if it has such an entry, or none can be put in. `sparsity` is a fraction.
std::string with_sparsity_config(const std::string& config, const std::vector<std::string>& modules, double sparsity);

/// `config` without that entry, pare's or compressed-tensors' own; unchanged if there is none, or it is about
/// quantized weights as well.
std::string without_sparsity_config(const std::string& config);

}  // namespace pare::model
