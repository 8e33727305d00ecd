// The local Hugging Face cache.
#pragma once

#include <filesystem>
#include <string>

namespace pare::hub {

/// HF_HUB_CACHE, else HUGGINGFACE_HUB_CACHE, else HF_HOME/hub, else XDG_CACHE_HOME/huggingface/hub, else
/// ~/.cache/huggingface/hub; "~" and "$NAME" in the variables are expanded.
std::filesystem::path cache_directory();

/// Snapshot directory of a model in the local cache, by a name such as "google-t5/t5-small", with "@REVISION" (a
/// branch, a tag, a commit or the beginning of one) where refs/main does not name the one that is meant. A name without
/// an organization is that name only, or the model to which the Hub redirects it ("gpt2" to "openai-community/gpt2").
/// Throws Error (kNotFound) naming the places that were searched, or the revisions that there are. Files may be missing
/// from the snapshot.
std::filesystem::path find_in_hub_cache(const std::string& name);

/// Throws Error for a link of a snapshot to a blob that is not there, as after an interrupted download.
void require_blobs(const std::filesystem::path& snapshot, const std::string& name);

}  // namespace pare::hub
