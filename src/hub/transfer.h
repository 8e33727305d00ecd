// The download of one file into the cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "hub/http.h"
#include "hub/listing.h"
#include "hub/partial_file.h"
#include "hub/refusal.h"
#include "hub/repository_folder.h"

namespace pare::hub {

/// Downloads a file, unless another process does so meanwhile, and makes it the blob of its ETag. What an earlier run
/// left of it is continued. A large file is received over up to `connections` at a time. Throws Error; Interrupted.
void download_blob(const RemoteFile& file, const std::string& url, const RepositoryFolder& folder, HttpClient& client,
                   const Asked& asked, ByteCount& count, std::size_t connections);

/// Bytes [begin, end) of a file, without storing anything; also from a server that ignores ranges, whose answer is cut
/// off after `end`. Throws Error; Interrupted.
std::vector<std::byte> download_part(const RemoteFile& file, std::uint64_t begin, std::uint64_t end,
                                     const std::string& url, HttpClient& client, const Asked& asked);

}  // namespace pare::hub
