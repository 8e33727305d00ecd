// The local Hugging Face cache.
#pragma once

#include <filesystem>
#include <string>

namespace pare::checkpoint {

/// Snapshot directory of a model in the local cache (HF_HUB_CACHE, else HF_HOME/hub, else
/// XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub), by a name such as "gpt2" or
/// "google-t5/t5-small". Throws Error naming the places that were searched.
std::filesystem::path find_in_hub_cache(const std::string& name);

}  // namespace pare::checkpoint
