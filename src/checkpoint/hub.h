// The local Hugging Face cache.
#pragma once

#include <filesystem>
#include <string>

namespace pare::checkpoint {

/// Snapshot directory of a model in the local cache, by a name such as "google-t5/t5-small", with "@REVISION" (a
/// branch, a tag, a commit or the beginning of one) where refs/main does not name the one that is meant. The cache is
/// HF_HUB_CACHE, else HUGGINGFACE_HUB_CACHE, else HF_HOME/hub, else XDG_CACHE_HOME/huggingface/hub, else
/// ~/.cache/huggingface/hub; "~" and "$NAME" in the variables are expanded. A name without an organization is that name
/// only, or the model to which the Hub redirects it ("gpt2" to "openai-community/gpt2"). Throws Error naming the places
/// that were searched, the revisions that there are, or a link whose blob is absent.
std::filesystem::path find_in_hub_cache(const std::string& name);

}  // namespace pare::checkpoint
