#include "hub/hub_cache.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <vector>

#include "base/files.h"
#include "base/system_error.h"
#include "hub/hub_name.h"
#include "hub/hub_settings.h"
#include "pare/error.h"

namespace pare::hub {
namespace {

namespace fs = std::filesystem;

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

}  // namespace

fs::path cache_directory() {
  for (const char* variable : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"})
    if (const auto cache = directory_from(variable)) return *cache;
  return hub_home() / "hub";
}

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

fs::path find_in_hub_cache(const std::string& spec) {
  const fs::path cache = cache_directory();
  const auto name = parse_hub_name(spec);
  if (!name) throw Error(ErrorCode::kNotFound, spec, "no such file or directory");
  for (const std::string& candidate : names_in_cache(name->repository)) {
    const fs::path folder = cache / folder_of(candidate);
    if (base::is_directory(folder)) return snapshot_of(folder, spec, name->revision);
  }
  throw Error(ErrorCode::kNotFound, spec,
              "no such file or directory, and no such model in the Hugging Face cache " + cache.string() +
                  (is_offline() ? ", where alone pare looks as long as HF_HUB_OFFLINE is set" : ""));
}

}  // namespace pare::hub
