#include "tokenize/unicode.h"

#include <algorithm>
#include <map>
#include <utility>

namespace pare::tokenize {
namespace {

struct Run {
  char32_t first, last;
  std::uint32_t value;
};

struct Mapping {
  char32_t code;
  std::uint16_t where;
  std::uint8_t size;
};

struct Composition {
  char32_t first, second, composed;
};

#include "tokenize/unicode_tables.inc"

template <std::size_t N, std::size_t P>
std::u32string_view mapped(const Mapping (&table)[N], const char32_t (&pool)[P], char32_t code) {
  const Mapping* found = std::lower_bound(std::begin(table), std::end(table), code,
                                          [](const Mapping& entry, char32_t wanted) { return entry.code < wanted; });
  if (found == std::end(table) || found->code != code) return {};
  return {pool + found->where, found->size};
}

}  // namespace

CodePoints::CodePoints() {
  std::map<std::vector<std::uint32_t>, std::uint16_t> known;
  const Run* run = std::begin(kRecords);
  std::vector<std::uint32_t> block(kMask + 1);
  for (char32_t first = 0; first < 0x110000; first += kMask + 1) {
    for (char32_t i = 0; i <= kMask; ++i) {
      while (run != std::end(kRecords) && run->last < first + i) ++run;
      block[i] = run != std::end(kRecords) && run->first <= first + i ? run->value : 0;
    }
    const auto [at, added] = known.try_emplace(block, static_cast<std::uint16_t>(known.size()));
    if (added) blocks_.insert(blocks_.end(), block.begin(), block.end());
    index_[first >> kShift] = at->second;
  }
  for (unsigned char code = 0; code < 0x80; ++code) ascii_[code] = blocks_[code];
}

const CodePoints& CodePoints::get() {
  static const CodePoints points;
  return points;
}

std::u32string_view decomposition(char32_t code) { return mapped(kDecompositions, kDecompositionsPool, code); }

std::u32string_view compatible_decomposition(char32_t code) { return mapped(kCompatible, kCompatiblePool, code); }

char32_t composition(char32_t first, char32_t second) {
  const auto wanted = std::pair(first, second);
  const Composition* found = std::lower_bound(
      std::begin(kCompositions), std::end(kCompositions), wanted,
      [](const Composition& entry, const auto& pair) { return std::pair(entry.first, entry.second) < pair; });
  const bool same = found != std::end(kCompositions) && std::pair(found->first, found->second) == wanted;
  return same ? found->composed : 0;
}

std::u32string_view lower_case(char32_t code) { return mapped(kLowerCases, kLowerCasesPool, code); }

unsigned combining_class(char32_t code) {
  const Run* found = std::lower_bound(std::begin(kCombiningClasses), std::end(kCombiningClasses), code,
                                      [](const Run& run, char32_t wanted) { return run.last < wanted; });
  return found != std::end(kCombiningClasses) && found->first <= code ? found->value : 0;
}

}  // namespace pare::tokenize
