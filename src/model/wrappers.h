// What wrappers around a model add to the names of its tensors.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pare/checkpoint.h"

namespace pare::model {

/// A name without the components that PyTorch's and PEFT's wrappers put before or into it: "module." (DataParallel),
/// "_orig_mod." (torch.compile), "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.", "_forward_module."
/// (Lightning), "base_layer." (PEFT).
std::string without_wrappers(std::string_view name);

/// Prefixes behind which a class's names may stand: the empty one first, then those that end with a '.' and that all
/// names share once they are without_wrappers(), shortest first.
std::vector<std::string> shared_prefixes(const Checkpoint& checkpoint);

/// A sentence on what was left out of the names with `prefix` and without_wrappers(); empty if nothing was.
std::string note_on_wrappers(const Checkpoint& checkpoint, std::string_view prefix);

}  // namespace pare::model
