// Models of the Hugging Face Hub, from the local cache or downloaded into it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "pare/context.h"

namespace pare::hub {

/// A file of a model on the Hub.
struct ListedFile {
  std::string name;        ///< below the model's folder, with '/' between folders
  std::uint64_t size = 0;  ///< bytes; 0 if the server's list does not tell
  bool is_cached = false;  ///< nothing needs to be downloaded
};

/// Which files of a model pare needs, as told by the stages that read them.
struct FileRules {
  /// Downloads a small file, e.g. an index, and returns its path.
  using Fetch = std::function<std::filesystem::path(const std::string& name)>;
  /// Returns the names of those of the listed files that are needed; of the last one the others are useless without, as
  /// of an index, and it appears in the snapshot after all others. Throws Error if the model has nothing to read.
  std::function<std::vector<std::string>(const std::vector<ListedFile>& listed, const Fetch& fetch)> choose;
  /// Bytes [begin, end) of a file that may not have been downloaded; fewer if the file is shorter.
  using ReadPart = std::function<std::vector<std::byte>(std::uint64_t begin, std::uint64_t end)>;
  /// Looks at a file before a download of more than a few megabytes begins, e.g. at its header. Several threads call it
  /// at a time. Throws Error for a file that is not worth downloading.
  std::function<void(const ListedFile& file, const ReadPart& read)> preview;
  /// What preview() found, in a few words; may be empty.
  std::function<std::string()> summary;
  /// Whether a snapshot holds all the weights, which is never asked again of the Hub.
  std::function<bool(const std::filesystem::path& snapshot)> is_complete;
};

/// The files of a download, and which of them were in the cache before.
struct DownloadPlan {
  std::string repository, commit;
  std::filesystem::path snapshot;
  std::vector<ListedFile> files;
};

/// Bytes [begin, end) of a file on this machine; fewer if it is shorter or cannot be read.
std::vector<std::byte> read_part(const std::filesystem::path& path, std::uint64_t begin, std::uint64_t end);

/// Snapshot directory of a model named NAME or NAME@REVISION: that of find_in_hub_cache() if it is complete or
/// HF_HUB_OFFLINE is set, otherwise of the files downloaded now. Throws Error; Interrupted.
std::filesystem::path find_or_download(const std::string& spec, const FileRules& rules, const Context& context);

/// Asks the Hub for the current commit and downloads what is missing of it, also if the cache has another commit.
DownloadPlan download_model(const std::string& spec, const FileRules& rules, const Context& context);

/// What download_model() would do, previews included. Writes nothing but a small index that tells which files are
/// needed.
DownloadPlan plan_download(const std::string& spec, const FileRules& rules, const Context& context);

}  // namespace pare::hub
