// A hash table from the text of a token to its id.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace pare::tokenize {

/// Open addressing; the keys are stored by the caller and must outlive the table. Of equal keys, the last one counts.
class TokenMap {
 public:
  explicit TokenMap(std::size_t expected = 0) : slots_(std::bit_ceil(expected * 2 + 16)), mask_(slots_.size() - 1) {}

  void insert(std::string_view key, std::int32_t id) {
    Slot& slot = slots_[find(key)];
    if (slot.id < 0 && ++size_ * 2 > slots_.size()) {
      grow();
      slots_[find(key)] = {key, id};
    } else {
      slot = {key, id};
    }
  }

  std::optional<std::int32_t> operator[](std::string_view key) const {
    const Slot& slot = slots_[find(key)];
    return slot.id < 0 ? std::nullopt : std::optional(slot.id);
  }

  std::size_t size() const noexcept { return size_; }

 private:
  struct Slot {
    std::string_view key;
    std::int32_t id = -1;
  };

  /// wyhash's folded multiplication, eight bytes a step.
  static std::uint64_t hash(std::string_view key) noexcept {
    constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15U;
    const auto mix = [](std::uint64_t a, std::uint64_t b) {
      const auto product = static_cast<unsigned __int128>(a) * b;
      return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    };
    std::uint64_t state = key.size() * kOdd, word = 0;
    const char* at = key.data();
    std::size_t left = key.size();
    for (; left >= 8; left -= 8, at += 8) {
      std::memcpy(&word, at, 8);
      state = mix(state ^ word, kOdd);
    }
    word = 0;
    if (left != 0) std::memcpy(&word, at, left);
    return mix(state ^ word ^ kOdd, 0xD6E8FEB86659FD93U);
  }

  std::size_t find(std::string_view key) const noexcept {
    std::size_t i = hash(key) & mask_;
    while (slots_[i].id >= 0 && slots_[i].key != key) i = (i + 1) & mask_;
    return i;
  }

  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    mask_ = slots_.size() - 1;
    for (const Slot& slot : old)
      if (slot.id >= 0) slots_[find(slot.key)] = slot;
  }

  std::vector<Slot> slots_;
  std::size_t mask_, size_ = 0;
};

}  // namespace pare::tokenize
