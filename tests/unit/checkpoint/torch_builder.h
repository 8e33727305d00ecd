// Makes zip archives and pickles byte by byte, well-formed or with one error.
#pragma once

#include <libdeflate.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/source.h"
#include "pare/error.h"

namespace pare::test {

template <typename T>
std::string little_endian(T number) {
  std::string bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}
inline std::string u16(std::uint64_t n) { return little_endian(static_cast<std::uint16_t>(n)); }
inline std::string u32(std::uint64_t n) { return little_endian(static_cast<std::uint32_t>(n)); }
inline std::string u64(std::uint64_t n) { return little_endian(n); }

/// One entry. Fields that are not set are correct. Fields are those of the central directory.
struct ZipItem {
  std::string name, data;
  std::uint16_t method = 0, flags = 0x0800, disk = 0;
  std::optional<std::uint32_t> crc = {};
  std::optional<std::uint64_t> size = {}, compressed_size = {}, offset = {};
  std::optional<std::string> local_name = {};
  std::optional<std::uint16_t> local_method = {};
  std::string local_extra = {};
};

struct ZipLayout {
  bool zip64_end = false;     ///< zip64 end record and locator, as torch writes
  bool zip64_fields = false;  ///< all central sizes and offsets in a zip64 extra field, as above 4 GB
  std::string comment = {};
  std::optional<std::uint64_t> entries = {}, directory_size = {}, directory_offset = {};
};

inline std::uint32_t crc32(std::string_view data) { return libdeflate_crc32(0, data.data(), data.size()); }

inline std::string make_zip(const std::vector<ZipItem>& items, const ZipLayout& layout = {}) {
  std::string file, directory;
  for (const ZipItem& item : items) {
    const std::uint64_t offset = item.offset.value_or(file.size());
    const std::uint64_t size = item.size.value_or(item.data.size());
    const std::uint64_t compressed = item.compressed_size.value_or(size);
    const std::uint32_t crc = item.crc.value_or(crc32(item.data));
    const std::string& local_name = item.local_name ? *item.local_name : item.name;
    file += "PK\3\4" + u16(20) + u16(item.flags) + u16(item.local_method.value_or(item.method)) + u32(0) + u32(crc) +
            u32(compressed) + u32(size) + u16(local_name.size()) + u16(item.local_extra.size()) + local_name +
            item.local_extra + item.data;
    std::string extra;
    if (layout.zip64_fields) extra = u16(1) + u16(24) + u64(size) + u64(compressed) + u64(offset);
    const auto field = [&](std::uint64_t value) { return u32(layout.zip64_fields ? 0xffffffff : value); };
    directory += "PK\1\2" + u16(45) + u16(45) + u16(item.flags) + u16(item.method) + u32(0) + u32(crc) +
                 field(compressed) + field(size) + u16(item.name.size()) + u16(extra.size()) + u16(0) + u16(item.disk) +
                 u16(0) + u32(0) + field(offset) + item.name + extra;
  }
  const std::uint64_t at = layout.directory_offset.value_or(file.size());
  const std::uint64_t size = layout.directory_size.value_or(directory.size());
  const std::uint64_t entries = layout.entries.value_or(items.size());
  file += directory;
  if (layout.zip64_end) {
    const std::uint64_t record = file.size();
    file +=
        "PK\6\6" + u64(44) + u16(45) + u16(45) + u32(0) + u32(0) + u64(entries) + u64(entries) + u64(size) + u64(at);
    file += "PK\6\7" + u32(0) + u64(record) + u32(1);
  }
  const bool full = layout.zip64_end;
  file += "PK\5\6" + u16(0) + u16(0) + u16(full ? 0xffff : entries) + u16(full ? 0xffff : entries) +
          u32(full ? 0xffffffff : size) + u32(full ? 0xffffffff : at) + u16(layout.comment.size()) + layout.comment;
  return file;
}

/// Pieces of a pickle of protocol 2.
namespace pickle {

inline std::string text(std::string_view value) { return "X" + u32(value.size()) + std::string(value); }
inline std::string number(std::int64_t value) { return "\x8a\x08" + little_endian(value); }  // LONG1
inline std::string tuple(std::initializer_list<std::string> items) {
  std::string all = "(";
  for (const std::string& item : items) all += item;
  return all + "t";
}
inline std::string numbers(std::initializer_list<std::int64_t> values) {
  std::string all = "(";
  for (const std::int64_t value : values) all += number(value);
  return all + "t";
}
inline std::string global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}
inline std::string call(const std::string& function, const std::string& arguments) {
  return function + arguments + "R";
}
inline std::string ordered_dict() { return call(global("collections", "OrderedDict"), ")"); }
inline std::string storage(std::string_view type, std::string_view key, std::int64_t elements) {
  return tuple({text("storage"), global("torch", type), text(key), text("cpu"), number(elements)}) + "Q";
}
inline std::string tensor(const std::string& storage, std::int64_t offset, std::initializer_list<std::int64_t> shape,
                          std::initializer_list<std::int64_t> strides) {
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              tuple({storage, number(offset), numbers(shape), numbers(strides), "\x89", ordered_dict()}));
}
inline std::string dict(std::initializer_list<std::pair<std::string_view, std::string>> entries) {
  std::string all = "}(";
  for (const auto& [key, value] : entries) all += text(key) + value;
  return all + "u";
}
inline std::string whole(const std::string& value) { return "\x80\x02" + value + "."; }

}  // namespace pickle

/// An archive of a pickle and storages, as torch.save lays it out.
inline std::vector<ZipItem> archive_items(const std::string& pickle,
                                          std::initializer_list<std::pair<std::string, std::string>> storages) {
  std::vector<ZipItem> items{{"archive/data.pkl", pickle}, {"archive/byteorder", "little"}};
  for (const auto& [key, data] : storages) items.push_back({"archive/data/" + key, data});
  items.push_back({"archive/version", "3\n"});
  return items;
}

inline checkpoint::SourceFile parse(std::string file) {
  const auto owner = std::make_shared<const std::string>(std::move(file));
  return checkpoint::parse_torch_archive(std::as_bytes(std::span(*owner)), "model.bin", owner);
}

/// The message of the Error that reading `file` throws; empty if it does not throw.
inline std::string failure(const std::string& file) {
  try {
    parse(file);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace pare::test
