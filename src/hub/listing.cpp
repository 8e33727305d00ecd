#include "hub/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <set>

#include "base/bytes.h"
#include "base/json.h"
#include "base/utf8.h"
#include "hub/hub_name.h"
#include "pare/error.h"

namespace pare::hub {
namespace {

constexpr std::size_t kLargestListing = 64U << 20;

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// Percent-encodes what is not a letter, digit or one of "-._~" and `also`.
std::string encoded(std::string_view text, std::string_view also) {
  std::string url;
  for (const char c : text) {
    const bool plain = (std::isalnum(static_cast<unsigned char>(c)) != 0 && static_cast<unsigned char>(c) < 0x80) ||
                       std::string_view("-._~").find(c) != std::string_view::npos ||
                       also.find(c) != std::string_view::npos;
    url += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return url;
}

[[noreturn]] void refuse(const std::string& spec, const std::string& cause) {
  throw Error(ErrorCode::kMalformed, spec, "the list of files that the server sent " + cause);
}

/// A name for a message, without what a terminal might act on.
std::string shown(std::string_view name) {
  constexpr std::size_t kShown = 80;
  std::string text;
  for (const char c : name.substr(0, kShown))
    text += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? std::string("?") : std::string(1, c);
  return text + (name.size() > kShown ? "..." : "");
}

std::uint64_t size_of(const base::JsonValue& value, const std::string& spec) {
  const std::uint64_t size = value.is_unsigned() ? value.unsigned_integer() : std::numeric_limits<std::uint64_t>::max();
  if (size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    refuse(spec, "has a size that is not a number of bytes");
  return size;
}

RemoteFile parse_file(const base::JsonValue& entry, const std::string& spec) {
  RemoteFile file;
  file.name = entry.at("rfilename").text();
  if (!is_safe_name(file.name))
    refuse(spec, fmt::format("has a name that is not a file below the model's folder: '{}'", shown(file.name)));
  const auto size = entry.find("size"), blob = entry.find("blobId"), lfs = entry.find("lfs");
  if (lfs && lfs->is_object()) {
    const auto hash = lfs->find("sha256");
    if (!hash || !hash->is_text() || !is_hex(hash->text(), 64))
      refuse(spec, fmt::format("has a SHA-256 of '{}' that is not one", shown(file.name)));
    file.size = size_of(lfs->at("size"), spec);
    file.digest = DigestKind::kSha256;
    file.etag = file.expected = hash->text();
  } else if (size && blob) {
    if (!blob->is_text() || !is_hex(blob->text(), 40))
      refuse(spec, fmt::format("has a git hash of '{}' that is not one", shown(file.name)));
    file.size = size_of(*size, spec);
    file.digest = DigestKind::kGitSha1;
    file.etag = file.expected = blob->text();
  }
  return file;
}

std::string revision_of(const Asked& asked) { return asked.revision.empty() ? "main" : asked.revision; }

/// An ETag without quotes, and without the mark of a weak one.
std::string plain_etag(std::string etag) {
  if (etag.starts_with("W/")) etag.erase(0, 2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return etag;
}

}  // namespace

const RemoteFile* RemoteModel::find(std::string_view name) const noexcept {
  const auto found =
      std::find_if(files.begin(), files.end(), [&](const RemoteFile& file) { return file.name == name; });
  return found == files.end() ? nullptr : &*found;
}

bool is_safe_name(std::string_view name) {
  constexpr std::size_t kLongestName = 1024, kLongestPart = 255;
  if (name.size() > kLongestName || base::first_invalid_utf8(name)) return false;
  for (const char c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '\\') return false;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part.empty() || part == "." || part == ".." || part.size() > kLongestPart) return false;
    begin = end + 1;
  }
  return true;
}

bool is_safe_etag(std::string_view etag) {
  constexpr std::size_t kLongestEtag = 128;
  return !etag.empty() && etag.size() <= kLongestEtag && etag.front() != '.' &&
         std::all_of(etag.begin(), etag.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
         });
}

RemoteModel parse_listing(std::string_view text, const std::string& spec) {
  const base::JsonDocument document(text, spec, base::kJsonDepth, "the list of files");
  const base::JsonValue root = document.root();
  if (!root.is_object()) refuse(spec, "is not a JSON object");
  RemoteModel model;
  model.commit = root.at("sha").text();
  if (!is_commit(model.commit)) refuse(spec, fmt::format("names '{}', which is not a commit", shown(model.commit)));
  std::set<std::string> names;
  const base::JsonValue siblings = root.at("siblings");
  siblings.for_elements([&](const base::JsonValue& entry) {
    model.files.push_back(parse_file(entry, spec));
    if (!names.insert(model.files.back().name).second)
      refuse(spec, fmt::format("has '{}' twice", shown(model.files.back().name)));
  });
  return model;
}

RemoteModel list_files(HttpClient& client, const std::string& repository, const Asked& asked) {
  // Names of the Hub need no encoding; the '/' of a revision does.
  const std::string url = fmt::format("{}/api/models/{}/revision/{}?blobs=true", client.settings().endpoint, repository,
                                      encoded(revision_of(asked), ""));
  std::string text;
  with_retries(client, [&] {
    const auto read = [&](std::span<const std::byte> bytes) {
      if (text.size() + bytes.size() > kLargestListing) refuse(asked.spec, "is larger than 64 MiB");
      text += base::as_text(bytes);
    };
    require_success(client.send({url, asked.spec}, {[&](const HttpResponse&) { text.clear(); }, read}), asked,
                    client.settings());
  });
  return parse_listing(text, asked.spec);
}

void complete(RemoteFile& file, HttpClient& client, const std::string& repository, const std::string& commit,
              const Asked& asked) {
  if (!file.etag.empty()) return;
  HttpRequest request{resolve_url(client.settings(), repository, commit, file.name), asked.spec};
  request.head = true;
  const Asked about{asked.spec, asked.revision, file.name};
  HttpResponse response;
  with_retries(client, [&] {
    response = client.send(request, {});
    if (response.status / 100 != 3) require_success(response, about, client.settings());
  });
  const bool linked = response.has("x-linked-etag");
  file.etag = plain_etag(response.header(linked ? "x-linked-etag" : "etag"));
  const auto size = response.number(response.has("x-linked-size") ? "x-linked-size" : "content-length");
  if (!is_safe_etag(file.etag) || !size)
    throw Error(ErrorCode::kMalformed, asked.spec,
                fmt::format("{} does not tell the size and the hash of '{}', as servers of models do", response.host,
                            file.name));
  file.size = *size;
  // An ETag that is not of a linked file may be any hash.
  if (!linked || !is_hex(file.etag, 64)) return;
  file.digest = DigestKind::kSha256;
  file.expected = file.etag;
}

std::string resolve_url(const HubSettings& settings, const std::string& repository, const std::string& commit,
                        const std::string& name) {
  return fmt::format("{}/{}/resolve/{}/{}", settings.endpoint, repository, commit, encoded(name, "/"));
}

}  // namespace pare::hub
