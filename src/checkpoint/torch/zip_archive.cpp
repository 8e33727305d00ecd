#include "checkpoint/torch/zip_archive.h"

#include <libdeflate.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <string>
#include <utility>

#include "base/parallel.h"
#include "checkpoint/torch/zip_records.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kEncrypted = 1U << 0, kPatched = 1U << 5, kStrongEncryption = 1U << 6, kMasked = 1U << 13;

constexpr std::uint64_t kWorthThreads = std::uint64_t{1} << 20;  ///< bytes; below, one thread is faster

/// The defect of an entry's name, or nullptr.
const char* name_fault(std::string_view name) {
  if (name.empty()) return "has an empty name";
  if (name.front() == '/' || name.substr(1, 1) == ":") return "has a name that is an absolute path";
  if (name.find('\\') != std::string_view::npos) return "has a name with a backslash";
  for (const char c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return "has a name with control characters";
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    if (name.substr(begin, end - begin) == "..") return "has a name that leads outside the archive ('..')";
    begin = end + 1;
  }
  return nullptr;
}

void check_readable(const ZipCentralHeader& entry, const std::filesystem::path& path) {
  const auto fail = [&](const std::string& cause, ErrorCode code = ErrorCode::kMalformed) {
    throw Error(code, path, zip_entry_title(entry.name) + ": " + cause);
  };
  if (const char* fault = name_fault(entry.name)) fail(fault);
  if ((entry.flags & (kEncrypted | kStrongEncryption | kMasked)) != 0) fail("is encrypted", ErrorCode::kUnsupported);
  if ((entry.flags & kPatched) != 0) fail("holds a patch, not data", ErrorCode::kUnsupported);
  if (entry.method != kStored)
    fail("is compressed (method " + std::to_string(entry.method) +
             "), but torch.save only stores: a TorchScript archive or one packed again? Write it anew with torch.save",
         ErrorCode::kUnsupported);
  if (entry.compressed_size != entry.size)
    fail("is stored, but its two sizes differ (" + std::to_string(entry.compressed_size) + " and " +
         std::to_string(entry.size) + " bytes)");
  if (entry.disk != 0) fail("is on another disk of the archive", ErrorCode::kUnsupported);
}

void check_no_overlap(std::span<const ZipEntry> entries, const std::byte* base, const std::filesystem::path& path) {
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return entries[a].header_offset < entries[b].header_offset; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    const ZipEntry &before = entries[order[i - 1]], &after = entries[order[i]];
    if (after.header_offset < static_cast<std::uint64_t>(before.data.data() - base) + before.data.size())
      throw Error(ErrorCode::kMalformed, path,
                  zip_entry_title(after.name) + ": overlaps " + zip_entry_title(before.name));
  }
}

}  // namespace

ZipArchive::ZipArchive(std::span<const std::byte> bytes, std::filesystem::path path) : path_(std::move(path)) {
  const ZipDirectory directory = find_zip_directory(bytes, path_);
  std::span<const std::byte> rest = bytes.subspan(directory.offset, directory.size);
  entries_.reserve(directory.entries);
  by_name_.reserve(directory.entries);
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    const ZipCentralHeader header = read_central_header(rest, path_);
    rest = rest.subspan(header.record_size);
    check_readable(header, path_);
    entries_.push_back(
        {header.name, locate_zip_data(bytes, header, directory.offset, path_), header.crc32, header.header_offset});
    if (!by_name_.emplace(header.name, i).second)
      throw Error(ErrorCode::kMalformed, path_, zip_entry_title(header.name) + ": occurs twice");
    has_checksums_ = has_checksums_ || header.crc32 != 0;
  }
  if (!rest.empty())
    throw Error(ErrorCode::kMalformed, path_, "the zip archive's directory holds more than its entries");
  check_no_overlap(entries_, bytes.data(), path_);
}

const ZipEntry* ZipArchive::find(std::string_view name) const noexcept {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &entries_[found->second];
}

void ZipArchive::verify(const ZipEntry& entry) const {
  if (!has_checksums_) return;
  const std::uint32_t found = libdeflate_crc32(0, entry.data.data(), entry.data.size());
  if (found == entry.crc32) return;
  char sums[64];
  std::snprintf(sums, sizeof sums, "expected %08x, found %08x", entry.crc32, found);
  throw Error(ErrorCode::kMalformed, path_,
              zip_entry_title(entry.name) + ": wrong CRC-32 (" + sums + "): the file is damaged");
}

void ZipArchive::verify_all(const Context& context) const {
  if (!has_checksums_) return;
  std::uint64_t total = 0;
  for (const ZipEntry& entry : entries_) total += entry.data.size();
  // Largest entries first, so that no thread starts a large one at the end.
  std::vector<std::size_t> order(entries_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return entries_[a].data.size() > entries_[b].data.size(); });
  base::parallel_for(order.size(), total < kWorthThreads ? context.with_threads(1) : context,
                     [&](std::size_t item, unsigned) { verify(entries_[order[item]]); });
}

}  // namespace pare::checkpoint
