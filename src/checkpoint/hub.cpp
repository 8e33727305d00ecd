#include "checkpoint/hub.h"

#include <algorithm>
#include <cctype>
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

std::optional<fs::path> directory_from(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return fs::path(expanded(value));
}

fs::path cache_directory() {
  for (const char* variable : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"})
    if (const auto cache = directory_from(variable)) return *cache;
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

/// A branch, tag or commit; those of pull requests contain a '/'.
bool is_revision(const std::string& revision) {
  return is_hub_name(revision) || (revision.starts_with("refs/pr/") && is_hub_name(revision.substr(8)));
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

std::string names_of(const std::vector<fs::path>& directories) {
  constexpr std::size_t kNamed = 5;
  std::string names;
  for (std::size_t i = 0; i < std::min(kNamed, directories.size()); ++i)
    names += (i == 0 ? "" : ", ") + directories[i].filename().string();
  return names + (directories.size() > kNamed ? ", ..." : "");
}

/// The snapshot of a revision: the name of a branch or tag in refs/, a commit, or the beginning of one. Without a
/// revision, that of refs/main, else the only one. Throws Error naming the revisions that there are.
fs::path snapshot_of(const fs::path& model, const std::string& name, const std::string& revision) {
  const std::string wanted = revision.empty() ? "main" : revision;
  std::ifstream ref(model / "refs" / wanted);
  std::string commit;
  if (!(ref >> commit)) commit = revision;
  std::error_code ignored;
  const fs::path snapshots = model / "snapshots";
  if (!commit.empty() && commit.find('/') == std::string::npos && fs::is_directory(snapshots / commit, ignored))
    return snapshots / commit;
  const std::vector<fs::path> all = subdirectories(snapshots);
  std::vector<fs::path> fitting;
  for (const fs::path& snapshot : all)
    if (snapshot.filename().string().starts_with(revision)) fitting.push_back(snapshot);
  if (fitting.size() == 1) return fitting.front();
  if (all.empty())
    throw Error(ErrorCode::kNotFound, name, "the Hugging Face cache " + model.string() + " has no snapshot of it");
  throw Error(ErrorCode::kNotFound, name,
              (revision.empty() ? std::string("the Hugging Face cache does not say which revision is meant")
                                : "the Hugging Face cache has no single revision '" + revision + "'") +
                  " (expected NAME@REVISION with one of " + names_of(all) + ")");
}

/// Where the Hub redirects a name without an organization; empty if it does not.
std::string redirected(const std::string& name) {
  struct Moved {
    std::string_view organization, beginning;
  };
  for (const Moved& moved : {Moved{"openai-community", "gpt2"},
                             {"openai-community", "openai-gpt"},
                             {"openai-community", "roberta-base-openai-detector"},
                             {"google-bert", "bert-base-"},
                             {"google-bert", "bert-large-"},
                             {"distilbert", "distilbert-base-"},
                             {"distilbert", "distilgpt2"},
                             {"distilbert", "distilroberta-base"},
                             {"FacebookAI", "roberta-"},
                             {"FacebookAI", "xlm-roberta-"},
                             {"google-t5", "t5-"},
                             {"albert", "albert-"},
                             {"almanach", "camembert-base"},
                             {"xlnet", "xlnet-"}})
    if (name.starts_with(moved.beginning)) return std::string(moved.organization) + "/" + name;
  return {};
}

/// Throws Error for a link to a blob that is not there, as after an interrupted download.
void require_blobs(const fs::path& snapshot, const std::string& name) {
  std::error_code failure;
  for (fs::directory_iterator it(snapshot, failure), end; !failure && it != end; it.increment(failure)) {
    const std::string file = it->path().filename().string();
    const bool weights = file.ends_with(".safetensors") || file.ends_with(".bin") || file.ends_with(".json");
    if (weights && it->is_symlink(failure) && !fs::exists(it->path(), failure))
      throw Error(ErrorCode::kNotFound, it->path(),
                  "is a link to a blob that is not in the Hugging Face cache; download '" + name + "' again");
  }
}

}  // namespace

fs::path find_in_hub_cache(const std::string& spec) {
  const fs::path cache = cache_directory();
  const std::size_t at = spec.find('@');
  const std::string name = spec.substr(0, at), revision = at == std::string::npos ? "" : spec.substr(at + 1);
  if (!is_hub_name(name) || (at != std::string::npos && !is_revision(revision)))
    throw Error(ErrorCode::kNotFound, spec, "no such file or directory");
  std::vector<std::string> candidates{name};
  if (const std::string moved = name.find('/') == std::string::npos ? redirected(name) : ""; !moved.empty())
    candidates.push_back(moved);
  for (const std::string& candidate : candidates) {
    std::string folder = "models--" + candidate;
    if (const auto slash = folder.find('/'); slash != std::string::npos) folder.replace(slash, 1, "--");
    if (!base::is_directory(cache / folder)) continue;
    const fs::path snapshot = snapshot_of(cache / folder, spec, revision);
    require_blobs(snapshot, candidate);
    return snapshot;
  }
  throw Error(ErrorCode::kNotFound, spec,
              "no such file or directory, and no such model in the Hugging Face cache " + cache.string());
}

}  // namespace pare::checkpoint
