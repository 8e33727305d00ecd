#include "base/sealed.h"

#include <xxhash.h>

#include <algorithm>

namespace pare::base {
namespace {

constexpr std::size_t kChecksumBytes = 8;

}  // namespace

ByteWriter begin_sealed(const SealedKind& kind) {
  ByteWriter writer;
  writer.raw(kind.magic);
  writer.u32(kind.version);
  return writer;
}

std::vector<std::byte> seal(ByteWriter writer) {
  writer.u64(XXH3_64bits(writer.bytes().data(), writer.bytes().size()));
  return std::move(writer.bytes());
}

ByteReader open_sealed(std::span<const std::byte> bytes, const SealedKind& kind, const std::filesystem::path& file) {
  ByteReader reader(bytes, file, kind.what);
  const std::span<const std::byte> magic = std::as_bytes(std::span(kind.magic));
  if (bytes.size() < magic.size() || !std::equal(magic.begin(), magic.end(), bytes.begin()))
    throw Error(ErrorCode::kMalformed, file, fmt::format("not a {} that pare saved", kind.what));
  reader.take(magic.size());
  if (const std::uint32_t version = reader.u32(); version != kind.version)
    throw Error(ErrorCode::kUnsupported, file,
                fmt::format("version of the {} (expected {}, found {})", kind.what, kind.version, version));
  if (reader.left() < kChecksumBytes) reader.fail({}, "cut off before the checksum");
  const std::size_t body = bytes.size() - kChecksumBytes;
  if (ByteReader(bytes.subspan(body), file, kind.what).u64() != XXH3_64bits(bytes.data(), body))
    reader.fail({}, "the checksum does not match");
  return ByteReader(reader.take(reader.left() - kChecksumBytes), file, kind.what);
}

}  // namespace pare::base
