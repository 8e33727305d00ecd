#include "hub/hub_settings.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>

#include "pare/error.h"

namespace pare::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestToken = 4096;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_set(const char* name) {
  std::string value = variable(name);
  std::transform(value.begin(), value.end(), value.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

/// Without the white space around it.
std::string trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const std::size_t begin = std::min(text.find_first_not_of(kSpace), text.size());
  const std::size_t end = text.find_last_not_of(kSpace);
  return std::string(text.substr(begin, end == std::string_view::npos ? 0 : end + 1 - begin));
}

/// A token goes into a header, where a line break would begin another one.
void require_plain(const std::string& token, const std::string& source) {
  const auto plain = [](unsigned char c) { return c > 0x20 && c < 0x7F; };
  if (token.size() > kLongestToken || !std::all_of(token.begin(), token.end(), plain))
    throw Error(ErrorCode::kArgument, source + " does not hold a token: it has characters that no token has");
}

void find_token(HubSettings& settings) {
  if (is_set("HF_HUB_DISABLE_IMPLICIT_TOKEN")) return;
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
    settings.token = trimmed(variable(name));
    settings.token_source = name;
    if (!settings.token.empty()) return require_plain(settings.token, settings.token_source);
  }
  const fs::path path = directory_from("HF_TOKEN_PATH").value_or(hub_home() / "token");
  settings.token_source = path.string();
  std::ifstream file(path, std::ios::binary);
  std::string text(2 * kLongestToken, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  settings.token = trimmed(text);
  require_plain(settings.token, settings.token_source);
}

/// The value with a leading "~" and "$NAME" or "${NAME}" replaced, as os.path.expandvars and expanduser do.
std::string expanded(std::string_view value) {
  std::string result;
  for (std::size_t at = 0; at < value.size();) {
    const auto is_name = [&](std::size_t i) {
      return i < value.size() && (std::isalnum(static_cast<unsigned char>(value[i])) != 0 || value[i] == '_');
    };
    const bool braced = value.substr(at, 2) == "${";
    std::size_t begin = at + (braced ? 2 : 1), end = begin;
    while (value[at] == '$' && is_name(end)) ++end;
    const bool closed = !braced || (end < value.size() && value[end] == '}');
    const char* set =
        end > begin && closed ? std::getenv(std::string(value.substr(begin, end - begin)).c_str()) : nullptr;
    if (set == nullptr) {
      result += value[at++];  // unknown variables stay as they are
      continue;
    }
    result += set;
    at = end + (braced ? 1 : 0);
  }
  const char* home = std::getenv("HOME");
  if (home != nullptr && (result == "~" || result.starts_with("~/"))) result.replace(0, 1, home);
  return result;
}

}  // namespace

std::optional<fs::path> directory_from(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return fs::path(expanded(value));
}

fs::path hub_home() {
  if (const auto home = directory_from("HF_HOME")) return *home;
  if (const auto cache = directory_from("XDG_CACHE_HOME")) return *cache / "huggingface";
  return directory_from("HOME").value_or("") / ".cache" / "huggingface";
}

bool is_offline() { return is_set(variable("HF_HUB_OFFLINE").empty() ? "TRANSFORMERS_OFFLINE" : "HF_HUB_OFFLINE"); }

HubSettings hub_settings() {
  constexpr unsigned kSilentSeconds = 30;
  HubSettings settings;
  settings.endpoint = variable("HF_ENDPOINT");
  if (settings.endpoint.empty()) settings.endpoint = "https://huggingface.co";
  while (settings.endpoint.ends_with('/')) settings.endpoint.pop_back();
  if (!settings.endpoint.starts_with("https://") && !settings.endpoint.starts_with("http://"))
    throw Error(ErrorCode::kArgument, "HF_ENDPOINT is not a URL that begins with https:// or http://");
  find_token(settings);
  settings.silent_seconds = kSilentSeconds;
  const std::string limit = variable("HF_HUB_DOWNLOAD_TIMEOUT");
  unsigned seconds = 0;
  const auto [end, failure] = std::from_chars(limit.data(), limit.data() + limit.size(), seconds);
  if (failure == std::errc() && end == limit.data() + limit.size() && seconds > 0) settings.silent_seconds = seconds;
  return settings;
}

}  // namespace pare::hub
