// The safetensors format, by the rules of its reference implementation: eight bytes of header
// length, a JSON object, and tensors that fill the rest of the file without hole or overlap.
#include <fmt/format.h>

#include <cstring>

#include "base/bytes.h"
#include "base/file_map.h"
#include "checkpoint/file_content.h"
#include "checkpoint/packed/packed_file.h"
#include "checkpoint/safetensors/safetensors_header.h"
#include "checkpoint/source.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

constexpr std::uint64_t kHeaderLimit = 100'000'000;  // the reference's own
constexpr std::uint64_t kLengthBytes = 8;

std::string_view header_text(std::span<const std::byte> bytes, const std::filesystem::path& path) {
  const auto fail = [&](const std::string& cause, ErrorCode code = ErrorCode::kMalformed) {
    throw Error(code, path, cause);
  };
  if (content_of(bytes) != Content::kSafetensors) reject_content(bytes, path);
  if (bytes.size() < kLengthBytes)
    fail(fmt::format("is {} bytes long, too short for a safetensors header", bytes.size()));
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kHeaderLimit)
    fail(fmt::format("the header claims {} bytes; the limit is {} (is this a safetensors file?)", length, kHeaderLimit),
         ErrorCode::kLimit);
  if (length > bytes.size() - kLengthBytes)
    fail(fmt::format("the header claims {} bytes but only {} follow: the file is truncated", length,
                     bytes.size() - kLengthBytes));
  return base::as_text(bytes.subspan(kLengthBytes, length));
}

}  // namespace

SourceFile parse_safetensors(std::span<const std::byte> bytes, const std::filesystem::path& path,
                             std::shared_ptr<const void> owner) {
  const std::string_view json = header_text(bytes, path);
  const auto data = bytes.subspan(kLengthBytes + json.size());
  SafetensorsHeader header = parse_header(json, data.size(), path);
  SourceFile file;
  file.header = bytes.first(kLengthBytes + json.size());
  file.size = bytes.size();
  file.keep_alive = std::move(owner);
  file.metadata_header = file.header;
  for (SafetensorsEntry& entry : header.tensors)
    file.tensors.push_back(
        {std::move(entry.name), entry.dtype, std::move(entry.shape), data.subspan(entry.begin, entry.size()), 0});
  if (header.packed_records) return unpack_pare_file(file, *header.packed_records, header.packed_header, path);
  return unpack_bitmasks(std::move(file), path);
}

SourceFile read_safetensors(const std::filesystem::path& path) {
  const auto map = base::FileMap::open(path);
  SourceFile file = parse_safetensors(map->bytes(), path, map);
  file.version = map->version();
  base::release_pages(map->bytes().data());  // of ten thousand headers, which are hardly read again
  return file;
}

}  // namespace pare::checkpoint
