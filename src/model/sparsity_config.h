// Adds to a config.json the entry by which compressed-tensors recognizes a packed checkpoint, and removes it.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace pare::model {

/// `config` with the entry for "sparse-bitmask" of these modules, on a line of its own, so that removing it restores
/// every byte. Unchanged if it already has such an entry, or if an entry cannot be inserted. `sparsity` is a fraction.
std::string with_sparsity_config(const std::string& config, const std::vector<std::string>& modules, double sparsity);

/// The format that compressed-tensors' entry names in its sparsity_config: "sparse-bitmask", "sparse-24-bitmask",
/// "dense".
std::optional<std::string> sparsity_format(const std::string& config);

/// `config` without the sparsity_config of pare's or compressed-tensors' entry, and without the entry if it says
/// nothing else; unchanged if there is none. What it says of the weights does not hold for what is written.
std::string without_sparsity_config(const std::string& config);

}  // namespace pare::model
