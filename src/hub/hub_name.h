// Names of models on the Hugging Face Hub.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pare::hub {

struct HubName {
  std::string repository;  ///< "google-t5/t5-small", or a name without an organization
  std::string revision;    ///< a branch, a tag, a commit or the beginning of one; empty if none was given
};

/// Reads NAME or NAME@REVISION; nullopt for a text that cannot be one.
std::optional<HubName> parse_hub_name(const std::string& spec);

/// The name itself and, for one without an organization, where the Hub redirects it ("gpt2" to
/// "openai-community/gpt2").
std::vector<std::string> names_in_cache(const std::string& repository);

/// "models--google-t5--t5-small", the folder of a repository in the cache.
std::string folder_of(const std::string& repository);

/// Whether a text is a commit in full: 40 hexadecimal digits in lower case.
bool is_commit(std::string_view text);

}  // namespace pare::hub
