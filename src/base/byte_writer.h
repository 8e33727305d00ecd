// Writes numbers and texts as little-endian bytes, the same on every machine.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace pare::base {

class ByteWriter {
 public:
  void u8(std::uint8_t number) { bytes_.push_back(std::byte{number}); }
  void u32(std::uint32_t number) { little_endian(number, 4); }
  void u64(std::uint64_t number) { little_endian(number, 8); }
  void f64(double number) { u64(std::bit_cast<std::uint64_t>(number)); }
  void raw(std::string_view text) { raw(std::as_bytes(std::span(text))); }
  void raw(std::span<const std::byte> bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  /// Its length as U64, then its bytes.
  void text(std::string_view text) {
    u64(text.size());
    raw(text);
  }
  std::vector<std::byte>& bytes() noexcept { return bytes_; }

 private:
  void little_endian(std::uint64_t number, unsigned size) {
    for (unsigned i = 0; i < size; ++i) u8(static_cast<std::uint8_t>(number >> (8 * i)));
  }

  std::vector<std::byte> bytes_;
};

}  // namespace pare::base
