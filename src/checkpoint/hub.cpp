#include "checkpoint/hub.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <vector>

#include "base/files.h"
#include "base/system_error.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> directory_from(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return fs::path(value);
}

fs::path cache_directory() {
  if (const auto cache = directory_from("HF_HUB_CACHE")) return *cache;
  if (const auto home = directory_from("HF_HOME")) return *home / "hub";
  if (const auto cache = directory_from("XDG_CACHE_HOME")) return *cache / "huggingface" / "hub";
  return directory_from("HOME").value_or("") / ".cache" / "huggingface" / "hub";
}

/// Letters, digits, '-', '_' and '.', with at most one '/': what the Hub allows.
bool is_hub_name(const std::string& name) {
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '/';
  };
  return !name.empty() && name.front() != '.' && name.front() != '/' && name.back() != '/' &&
         std::count(name.begin(), name.end(), '/') <= 1 && name.find("..") == std::string::npos &&
         std::all_of(name.begin(), name.end(), allowed);
}

std::vector<fs::path> subdirectories(const fs::path& directory) {
  std::vector<fs::path> found;
  std::error_code failure;
  for (fs::directory_iterator it(directory, failure), end; !failure && it != end; it.increment(failure))
    if (it->is_directory(failure)) found.push_back(it->path());
  if (failure && base::is_there(directory))
    throw Error(base::code_of(failure), directory, "cannot be listed: " + failure.message());
  std::sort(found.begin(), found.end());
  return found;
}

/// The snapshot that refs/main points at, else the only one.
std::optional<fs::path> snapshot_of(const fs::path& model) {
  std::ifstream ref(model / "refs" / "main");
  std::string revision;
  std::error_code ignored;
  if (ref >> revision && revision.find('/') == std::string::npos &&
      fs::is_directory(model / "snapshots" / revision, ignored))
    return model / "snapshots" / revision;
  const std::vector<fs::path> snapshots = subdirectories(model / "snapshots");
  if (snapshots.size() == 1) return snapshots.front();
  return std::nullopt;
}

}  // namespace

fs::path find_in_hub_cache(const std::string& name) {
  const fs::path cache = cache_directory();
  if (!is_hub_name(name)) throw Error(ErrorCode::kNotFound, name, "no such file or directory");
  std::string folder = "models--" + name;
  if (const auto slash = folder.find('/'); slash != std::string::npos) folder.replace(slash, 1, "--");
  std::vector<fs::path> candidates{cache / folder};
  if (name.find('/') == std::string::npos)  // "gpt2" has moved to an organization
    for (const fs::path& directory : subdirectories(cache))
      if (directory.filename().string().starts_with("models--") &&
          directory.filename().string().ends_with("--" + name) && directory != candidates.front())
        candidates.push_back(directory);
  for (const fs::path& candidate : candidates)
    if (const auto snapshot = snapshot_of(candidate)) return *snapshot;
  throw Error(ErrorCode::kNotFound, name,
              "no such file or directory, and no such model in the Hugging Face cache " + cache.string());
}

}  // namespace pare::checkpoint
