// Numbers by name, for models of a million tensors: the names stay where they are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "pare/error.h"

namespace pare::checkpoint {

/// Finds the numbers of names that are stored elsewhere, in a vector for example. Takes 8 to 16 bytes for each name,
/// where a map that holds the names takes more than a hundred. All calls are given the same `name_of`, which returns
/// the name of a number that was added.
class NameIndex {
 public:
  template <class NameOf>
  std::optional<std::size_t> find(std::string_view name, const NameOf& name_of) const {
    if (slots_.empty()) return std::nullopt;
    const std::uint32_t number = slots_[slot_of(name, name_of)];
    return number == kFree ? std::nullopt : std::optional<std::size_t>(number);
  }

  /// Adds a number unless another one has its name already. Returns the number that has the name.
  template <class NameOf>
  std::size_t add(std::size_t number, const NameOf& name_of) {
    if (number >= kFree) throw Error(ErrorCode::kLimit, "more than 4,294,967,295 tensors");
    if (2 * (count_ + 1) > slots_.size()) grow(name_of);
    std::uint32_t& slot = slots_[slot_of(name_of(number), name_of)];
    if (slot == kFree) {
      slot = static_cast<std::uint32_t>(number);
      ++count_;
    }
    return slot;
  }

 private:
  static constexpr std::uint32_t kFree = ~std::uint32_t{0};

  /// Where the name is, or else the free slot in which it belongs. At least half of the slots are free.
  template <class NameOf>
  std::size_t slot_of(std::string_view name, const NameOf& name_of) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = std::hash<std::string_view>{}(name)&mask;
    while (slots_[at] != kFree && std::string_view(name_of(slots_[at])) != name) at = (at + 1) & mask;
    return at;
  }

  template <class NameOf>
  void grow(const NameOf& name_of) {
    const std::vector<std::uint32_t> old = std::exchange(slots_, {});
    slots_.assign(std::max<std::size_t>(16, 2 * old.size()), kFree);
    for (const std::uint32_t number : old)
      if (number != kFree) slots_[slot_of(name_of(number), name_of)] = number;
  }

  std::vector<std::uint32_t> slots_;  ///< a power of two, or none
  std::size_t count_ = 0;
};

}  // namespace pare::checkpoint
