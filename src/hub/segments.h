// The download of a large file over several connections.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "hub/http.h"
#include "hub/partial_file.h"
#include "hub/refusal.h"

namespace pare::hub {

/// Missing bytes that are worth several connections.
inline constexpr std::uint64_t kWorthSegments = 32 << 20;

/// Receives what is missing of a file over several connections, each a segment of 16 MiB at a time. The file grows
/// without gaps all the same: of the segments that are received at a time, the first is written as it arrives, and the
/// others wait in memory. Returns false if the server ignores ranges. Throws Error, HttpFailure; Interrupted.
bool receive_segments(PartialFile& partial, const std::string& url, HttpClient& client, const Asked& asked,
                      std::size_t connections);

}  // namespace pare::hub
