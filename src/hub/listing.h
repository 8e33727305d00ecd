// The list of a model's files on the Hub.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/digest.h"
#include "hub/http.h"
#include "hub/refusal.h"

namespace pare::hub {

struct RemoteFile {
  std::string name;        ///< with '/' between folders; checked, so that it stays below the snapshot
  std::uint64_t size = 0;  ///< bytes
  std::string etag;        ///< the name of its blob in the cache; checked; empty: not known yet
  DigestKind digest = DigestKind::kNone;
  std::string expected;  ///< the hash, in lower-case hexadecimal
};

struct RemoteModel {
  std::string commit;
  std::vector<RemoteFile> files;

  const RemoteFile* find(std::string_view name) const noexcept;  ///< nullptr if it is not listed
};

/// Whether the name of a listed file stays below its folder and holds nothing that a terminal or a shell could take for
/// something else.
bool is_safe_name(std::string_view name);
/// Whether an ETag can be the name of a blob.
bool is_safe_etag(std::string_view etag);

/// Parses the answer of /api/models/NAME/revision/REVISION. Throws Error for a list that breaks the rules above.
RemoteModel parse_listing(std::string_view text, const std::string& spec);

/// Asks for the list of a model's files. Throws Error, Interrupted.
RemoteModel list_files(HttpClient& client, const std::string& repository, const Asked& asked);

/// Asks for the size and hash of a file that the list does not tell. Throws Error, Interrupted.
void complete(RemoteFile& file, HttpClient& client, const std::string& repository, const std::string& commit,
              const Asked& asked);

/// Where a file is downloaded.
std::string resolve_url(const HubSettings& settings, const std::string& repository, const std::string& commit,
                        const std::string& name);

}  // namespace pare::hub
