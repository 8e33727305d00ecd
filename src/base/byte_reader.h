// Reads what ByteWriter wrote from untrusted bytes.
#pragma once

#include <fmt/format.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/bytes.h"
#include "pare/error.h"

namespace pare::base {

/// Never reads beyond the end. `file` must outlive the reader.
class ByteReader {
 public:
  /// `what` is what the bytes are, for messages: "measurement".
  ByteReader(std::span<const std::byte> bytes, const std::filesystem::path& file, std::string_view what)
      : bytes_(bytes), file_(file), what_(what) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(little_endian(1)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(little_endian(4)); }
  std::uint64_t u64() { return little_endian(8); }
  double f64() { return std::bit_cast<double>(u64()); }
  /// A number of items that take at least `size` bytes each, so that it is safe to allocate room for them.
  std::size_t items(std::size_t size) {
    const std::uint64_t count = u64();
    if (count > bytes_.size() / size)
      fail({}, fmt::format("cut off: {} items are declared, {} bytes are left", count, bytes_.size()));
    return static_cast<std::size_t>(count);
  }
  std::string text() {
    const std::size_t size = items(1);
    return std::string(as_text(take(size)));
  }
  std::span<const std::byte> take(std::size_t size) {
    if (size > bytes_.size()) fail({}, fmt::format("cut off: expected {} more bytes, found {}", size, bytes_.size()));
    const std::span<const std::byte> part = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return part;
  }
  std::size_t left() const noexcept { return bytes_.size(); }

  /// Throws Error (kMalformed).
  [[noreturn]] void fail(const std::string& tensor, const std::string& cause) const {
    throw Error(ErrorCode::kMalformed, file_, tensor, fmt::format("damaged {}: {}", what_, cause));
  }
  const std::filesystem::path& file() const noexcept { return file_; }

 private:
  std::uint64_t little_endian(std::size_t size) {
    std::uint64_t number = 0;
    const std::span<const std::byte> part = take(size);
    for (std::size_t i = 0; i < size; ++i) number |= std::to_integer<std::uint64_t>(part[i]) << (8 * i);
    return number;
  }

  std::span<const std::byte> bytes_;
  const std::filesystem::path& file_;
  std::string_view what_;
};

}  // namespace pare::base
