#include "hub/transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "hub/segments.h"
#include "pare/error.h"

namespace pare::hub {
namespace {

/// One request for what is missing.
void request_rest(PartialFile& partial, const std::string& url, HttpClient& client, const Asked& asked) {
  const std::uint64_t from = partial.size();
  BodyReader body;
  body.begin = [&](const HttpResponse& response) {
    // A server that ignores ranges answers with status 200 and all of the file.
    const bool continues = response.status == 206 && response.range_begin() == from;
    if (response.status == 206 && !continues) refuse_other_range(response, asked);
    if (!continues && from > 0) partial.restart();
  };
  body.read = [&](std::span<const std::byte> bytes) { partial.write(bytes); };
  HttpResponse response;
  try {
    response = client.send({url, asked.spec, false, from}, body);
  } catch (...) {
    partial.flush();  // what arrived need not be sent again
    throw;
  }
  partial.flush();
  if (response.status == 416 && from > 0) {  // the file is shorter than what is there
    partial.restart();
    throw HttpFailure(asked.spec, fmt::format("{} does not have the rest of '{}'", response.host, asked.file), true);
  }
  require_success(response, asked, client.settings());
  if (!partial.is_whole())
    throw HttpFailure(asked.spec,
                      fmt::format("{} sends {} bytes of '{}' (expected {})", response.host, partial.size(), asked.file,
                                  partial.expected_size()),
                      true);
}

/// One request for a part, which a server that ignores ranges sends with all that is before and after it.
std::vector<std::byte> request_part(std::uint64_t begin, std::uint64_t end, const std::string& url, HttpClient& client,
                                    const Asked& asked) {
  struct Enough {};
  std::vector<std::byte> part;
  std::uint64_t at = begin;
  BodyReader body;
  body.begin = [&](const HttpResponse& response) {
    if (response.status != 206)
      at = 0;
    else if (response.range_begin() != begin)
      refuse_other_range(response, asked);
  };
  body.read = [&](std::span<const std::byte> bytes) {
    const std::uint64_t skipped = std::min<std::uint64_t>(begin - std::min(begin, at), bytes.size());
    at += bytes.size();
    bytes = bytes.subspan(skipped);
    bytes = bytes.first(std::min<std::uint64_t>(bytes.size(), end - begin - part.size()));
    part.insert(part.end(), bytes.begin(), bytes.end());
    if (at > end) throw Enough();
  };
  HttpResponse response;
  try {
    response = client.send({url, asked.spec, false, begin, end}, body);
  } catch (const Enough&) {
    return part;
  }
  require_success(response, asked, client.settings());
  if (part.size() != end - begin)
    throw HttpFailure(
        asked.spec,
        fmt::format("{} sends {} bytes of '{}' (expected {})", response.host, part.size(), asked.file, end - begin),
        true);
  return part;
}

}  // namespace

void download_blob(const RemoteFile& file, const std::string& url, const RepositoryFolder& folder, HttpClient& client,
                   const Asked& asked, ByteCount& count, std::size_t connections) {
  constexpr std::chrono::milliseconds kBetweenAttempts{50};
  const CacheLock guard(folder.lock(file.etag), [&] { client.wait(kBetweenAttempts); });
  if (folder.has_blob(file.etag)) return count.change(0, file.size, 0);  // another process was faster
  PartialFile partial(file, folder.incomplete(file.etag), count);
  for (;;) {
    const auto rest = [&] {
      if (!partial.is_whole()) request_rest(partial, url, client, asked);
    };
    if (connections > 1 && partial.expected_size() - partial.size() >= kWorthSegments)
      (void)receive_segments(partial, url, client, asked, connections);  // what it leaves is received below
    with_retries(client, rest, [&] { return partial.size(); });
    if (partial.has_expected_hash(client.context())) break;
    if (!partial.was_resumed()) {
      partial.remove();
      throw Error(ErrorCode::kMalformed, asked.spec,
                  fmt::format("'{}' was damaged on the way, or the server has another file: its hash is {} (expected "
                              "{}); nothing of it was kept",
                              file.name, partial.hash(), file.expected));
    }
    partial.restart();  // what an earlier run left may be what is damaged
  }
  partial.publish(folder.blob(file.etag));
}

std::vector<std::byte> download_part(const RemoteFile& file, std::uint64_t begin, std::uint64_t end,
                                     const std::string& url, HttpClient& client, const Asked& asked) {
  end = std::min(end, file.size);
  std::vector<std::byte> part;
  if (begin < end) with_retries(client, [&] { part = request_part(begin, end, url, client, asked); });
  return part;
}

}  // namespace pare::hub
