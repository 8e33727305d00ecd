// The safetensors format, by the rules of its reference implementation: eight bytes of header
// length, a JSON object, and tensors that fill the rest of the file without hole or overlap.
#include "base/bytes.h"
#include "base/file_map.h"
#include "checkpoint/packed/packed_file.h"
#include "checkpoint/safetensors/safetensors_header.h"
#include "checkpoint/source.h"

namespace pare::checkpoint {
SourceFile parse_safetensors(std::span<const std::byte> bytes, const std::filesystem::path& path,
                             std::shared_ptr<const void> owner) {
  const std::string_view json = base::as_text(bytes.subspan(kLengthBytes, header_length(bytes, bytes.size(), path)));
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
