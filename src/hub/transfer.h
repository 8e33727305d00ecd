// The download of one file into the cache.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "hub/http.h"
#include "hub/listing.h"
#include "hub/refusal.h"
#include "hub/repository_folder.h"

namespace pare::hub {

/// Counts the bytes of all files of a download, for the progress. Safe to use from any thread.
class ByteCount {
 public:
  /// `before`: how many of the `total` bytes earlier runs left, which the progress leaves out, so that the time left
  /// can be estimated from it. `step` names the download in the progress that `context` receives.
  ByteCount(std::uint64_t total, std::uint64_t before, std::string step, const Context& context)
      : total_(total), before_(before), step_(std::move(step)), context_(context) {}
  /// `there`: bytes of the file that are in the cache now instead of `before`; `received`: of them by this process.
  void change(std::uint64_t before, std::uint64_t there, std::uint64_t received);

 private:
  const std::uint64_t total_, before_;
  const std::string step_;
  const Context& context_;
  std::atomic<std::uint64_t> there_{0}, received_{0}, reported_{0};
};

/// Downloads a file, unless another process does so meanwhile, and makes it the blob of its ETag. What an earlier run
/// left of it is continued. Throws Error; Interrupted.
void download_blob(const RemoteFile& file, const std::string& url, const RepositoryFolder& folder, HttpClient& client,
                   const Asked& asked, ByteCount& count);

/// Bytes [begin, end) of a file, without storing anything; also from a server that ignores ranges, whose answer is cut
/// off after `end`. Throws Error; Interrupted.
std::vector<std::byte> download_part(const RemoteFile& file, std::uint64_t begin, std::uint64_t end,
                                     const std::string& url, HttpClient& client, const Asked& asked);

}  // namespace pare::hub
