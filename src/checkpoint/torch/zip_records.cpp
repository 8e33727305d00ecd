#include "checkpoint/torch/zip_records.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <type_traits>

#include "base/bytes.h"
#include "base/checked.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

using base::as_text;
using base::Bytes;

constexpr std::uint32_t kLocalSignature = 0x04034b50, kCentralSignature = 0x02014b50;
constexpr std::uint32_t kEndSignature = 0x06054b50, kZip64EndSignature = 0x06064b50, kLocatorSignature = 0x07064b50;
constexpr std::size_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22, kZip64EndSize = 56, kLocatorSize = 20;
constexpr std::size_t kMaxComment = 0xffff;
constexpr std::uint16_t kZip64Extra = 0x0001, kFull16 = 0xffff;
constexpr std::uint32_t kFull32 = 0xffffffff;

/// Little-endian number at `offset`; the caller has checked that it is inside.
template <typename T>
T load(Bytes bytes, std::uint64_t offset) {
  static_assert(std::is_unsigned_v<T>);
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

/// The end record is the one whose comment reaches exactly to the end of the file.
std::optional<std::size_t> find_end_record(Bytes bytes) {
  if (bytes.size() < kEndSize) return std::nullopt;
  const std::size_t last = bytes.size() - kEndSize;
  const std::size_t first = last > kMaxComment ? last - kMaxComment : 0;
  for (std::size_t at = last + 1; at-- > first;)
    if (load<std::uint32_t>(bytes, at) == kEndSignature &&
        load<std::uint16_t>(bytes, at + 20) == bytes.size() - at - kEndSize)
      return at;
  return std::nullopt;
}

/// Reads the 64-bit figures if a locator before the end record points to them; returns the offset at which the
/// directory must end.
std::size_t apply_zip64_end(Bytes bytes, std::size_t end, ZipDirectory& directory, const std::filesystem::path& path) {
  if (end < kLocatorSize || load<std::uint32_t>(bytes, end - kLocatorSize) != kLocatorSignature) return end;
  const std::size_t locator = end - kLocatorSize;
  const auto record = load<std::uint64_t>(bytes, locator + 8);
  if (load<std::uint32_t>(bytes, locator + 4) != 0 || load<std::uint32_t>(bytes, locator + 16) > 1)
    throw Error(ErrorCode::kUnsupported, path, "the zip archive spans several disks");
  if (locator < kZip64EndSize || record > locator - kZip64EndSize ||
      load<std::uint32_t>(bytes, record) != kZip64EndSignature)
    throw Error(ErrorCode::kMalformed, path,
                "the zip64 end record is not where the archive says, at byte " + std::to_string(record));
  if (load<std::uint32_t>(bytes, record + 16) != 0 || load<std::uint32_t>(bytes, record + 20) != 0 ||
      load<std::uint64_t>(bytes, record + 24) != load<std::uint64_t>(bytes, record + 32))
    throw Error(ErrorCode::kUnsupported, path, "the zip archive spans several disks");
  directory.entries = load<std::uint64_t>(bytes, record + 32);
  directory.size = load<std::uint64_t>(bytes, record + 40);
  directory.offset = load<std::uint64_t>(bytes, record + 48);
  return record;
}

/// Replaces fields with all bits set by those of the zip64 extra field, in the format's order.
void apply_zip64_extra(Bytes extra, ZipCentralHeader& entry, const std::filesystem::path& path) {
  const bool need_size = entry.size == kFull32, need_compressed = entry.compressed_size == kFull32;
  const bool need_offset = entry.header_offset == kFull32, need_disk = entry.disk == kFull16;
  if (!need_size && !need_compressed && !need_offset && !need_disk) return;
  while (extra.size() >= 4) {
    const auto id = load<std::uint16_t>(extra, 0);
    const std::size_t size = load<std::uint16_t>(extra, 2);
    if (size > extra.size() - 4) break;
    Bytes field = extra.subspan(4, size);
    extra = extra.subspan(4 + size);
    if (id != kZip64Extra) continue;
    const auto take = [&](bool needed, auto type, auto& target) {
      if (!needed || field.size() < sizeof type) return;
      target = load<decltype(type)>(field, 0);
      field = field.subspan(sizeof type);
    };
    take(need_size, std::uint64_t{}, entry.size);
    take(need_compressed, std::uint64_t{}, entry.compressed_size);
    take(need_offset, std::uint64_t{}, entry.header_offset);
    take(need_disk, std::uint32_t{}, entry.disk);
    return;
  }
  throw Error(ErrorCode::kMalformed, path,
              zip_entry_title(entry.name) + ": needs a zip64 field that the archive does not have");
}

}  // namespace

std::string zip_entry_title(std::string_view name) {
  constexpr std::size_t kShown = 200;
  return "entry '" + std::string(name.substr(0, kShown)) + (name.size() > kShown ? "...'" : "'");
}

ZipDirectory find_zip_directory(Bytes bytes, const std::filesystem::path& path) {
  const auto end = find_end_record(bytes);
  if (!end)
    throw Error(ErrorCode::kMalformed, path,
                "the zip archive's end record is missing: the file is cut off or is not a zip archive");
  ZipDirectory directory;
  directory.entries = load<std::uint16_t>(bytes, *end + 10);
  directory.size = load<std::uint32_t>(bytes, *end + 12);
  directory.offset = load<std::uint32_t>(bytes, *end + 16);
  const auto disk = load<std::uint16_t>(bytes, *end + 4), directory_disk = load<std::uint16_t>(bytes, *end + 6);
  const bool single = (disk == 0 || disk == kFull16) && (directory_disk == 0 || directory_disk == kFull16) &&
                      load<std::uint16_t>(bytes, *end + 8) == load<std::uint16_t>(bytes, *end + 10);
  if (!single) throw Error(ErrorCode::kUnsupported, path, "the zip archive spans several disks");
  const std::size_t limit = apply_zip64_end(bytes, *end, directory, path);
  const auto directory_end = base::checked_add(directory.offset, directory.size);
  if (!directory_end || *directory_end != limit)
    throw Error(ErrorCode::kMalformed, path,
                "the zip archive's directory (" + std::to_string(directory.size) + " bytes at byte " +
                    std::to_string(directory.offset) + ") does not end where its end record begins, at byte " +
                    std::to_string(limit));
  if (directory.entries > directory.size / kCentralSize)
    throw Error(ErrorCode::kMalformed, path,
                "the zip archive claims " + std::to_string(directory.entries) + " entries in a directory of " +
                    std::to_string(directory.size) + " bytes");
  return directory;
}

ZipCentralHeader read_central_header(Bytes record, const std::filesystem::path& path) {
  if (record.size() < kCentralSize || load<std::uint32_t>(record, 0) != kCentralSignature)
    throw Error(ErrorCode::kMalformed, path, "the zip archive's directory is damaged");
  ZipCentralHeader entry;
  entry.flags = load<std::uint16_t>(record, 8);
  entry.method = load<std::uint16_t>(record, 10);
  entry.crc32 = load<std::uint32_t>(record, 16);
  entry.compressed_size = load<std::uint32_t>(record, 20);
  entry.size = load<std::uint32_t>(record, 24);
  const std::size_t name_size = load<std::uint16_t>(record, 28), extra_size = load<std::uint16_t>(record, 30);
  const std::size_t comment_size = load<std::uint16_t>(record, 32);
  entry.disk = load<std::uint16_t>(record, 34);
  entry.header_offset = load<std::uint32_t>(record, 42);
  entry.record_size = kCentralSize + name_size + extra_size + comment_size;
  if (entry.record_size > record.size())
    throw Error(ErrorCode::kMalformed, path, "the zip archive's directory is cut off");
  entry.name = as_text(record.subspan(kCentralSize, name_size));
  apply_zip64_extra(record.subspan(kCentralSize + name_size, extra_size), entry, path);
  return entry;
}

Bytes locate_zip_data(Bytes bytes, const ZipCentralHeader& entry, std::uint64_t end,
                      const std::filesystem::path& path) {
  const auto fail = [&](const std::string& cause) -> Bytes {
    throw Error(ErrorCode::kMalformed, path, zip_entry_title(entry.name) + ": " + cause);
  };
  if (end < kLocalSize || entry.header_offset > end - kLocalSize ||
      load<std::uint32_t>(bytes, entry.header_offset) != kLocalSignature)
    return fail("has no local header at byte " + std::to_string(entry.header_offset));
  const Bytes header = bytes.subspan(entry.header_offset, kLocalSize);
  const std::uint64_t name_size = load<std::uint16_t>(header, 26), extra_size = load<std::uint16_t>(header, 28);
  const std::uint64_t data = entry.header_offset + kLocalSize + name_size + extra_size;
  if (data > end || entry.size > end - data)
    return fail("its " + std::to_string(entry.size) + " bytes from byte " + std::to_string(data) +
                " reach past the archive's data, which end at byte " + std::to_string(end));
  if (as_text(bytes.subspan(entry.header_offset + kLocalSize, name_size)) != entry.name)
    return fail("its local header has another name");
  if (load<std::uint16_t>(header, 8) != entry.method || ((load<std::uint16_t>(header, 6) ^ entry.flags) & 1) != 0)
    return fail("its local header disagrees with the archive's directory");
  return bytes.subspan(data, entry.size);
}

}  // namespace pare::checkpoint
