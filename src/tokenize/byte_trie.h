// A map from byte strings to numbers that finds all keys beginning at a position in a text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace pare::tokenize {

/// A double-array trie (Aoe 1989): a child is found by one addition and one comparison.
class ByteTrie {
 public:
  /// Keys may contain any bytes. The empty key is skipped; of equal keys, the value of the last one counts.
  explicit ByteTrie(std::vector<std::pair<std::string_view, std::int32_t>> entries);
  ByteTrie() : ByteTrie(std::vector<std::pair<std::string_view, std::int32_t>>{}) {}

  bool empty() const noexcept { return empty_; }

  /// Calls found(length, value) for each key that is a prefix of `text`, shortest first.
  template <class Found>
  void prefixes(std::string_view text, Found&& found) const {
    std::int32_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const std::int32_t child = units_[node].base + static_cast<unsigned char>(text[i]);
      if (units_[child].parent != node) return;
      node = child;
      if (units_[node].value >= 0) found(i + 1, units_[node].value);
    }
  }

  struct Match {
    std::size_t length = 0;  ///< 0: none
    std::int32_t value = -1;
  };
  Match longest(std::string_view text) const {
    Match best;
    prefixes(text, [&](std::size_t length, std::int32_t value) { best = {length, value}; });
    return best;
  }

 private:
  struct Unit {
    std::int32_t base = 0;
    std::int32_t parent = -1;
    std::int32_t value = -1;
  };
  struct Builder;
  std::vector<Unit> units_;
  bool empty_ = true;
};

}  // namespace pare::tokenize
