// What the environment says of the Hub, in the variables of huggingface_hub.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace pare::hub {

/// The value of a variable as a path, with "~" and "$NAME" expanded; nullopt if it is unset or empty.
std::optional<std::filesystem::path> directory_from(const char* variable);

/// HF_HOME, else XDG_CACHE_HOME/huggingface, else ~/.cache/huggingface.
std::filesystem::path hub_home();

/// Whether HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids to ask the Hub.
bool is_offline();

struct HubSettings {
  std::string endpoint;         ///< HF_ENDPOINT, without a '/' at the end
  std::string token;            ///< empty: none
  std::string token_source;     ///< where the token was found, for messages
  unsigned silent_seconds = 0;  ///< how long a server may send nothing; HF_HUB_DOWNLOAD_TIMEOUT
};

/// Reads the environment and the stored token. Throws Error, which never contains the token, nor an endpoint that might
/// contain a password.
HubSettings hub_settings();

}  // namespace pare::hub
