#include "tokenize/steps/char_set.h"

#include <algorithm>

namespace pare::tokenize {

void CharSet::ignore_case() {
  const std::vector<std::pair<char32_t, char32_t>> given = ranges_;
  for (char32_t letter = 'a'; letter <= 'z'; ++letter) {
    const char32_t folded = letter == 's' ? U'\u017F' : letter == 'k' ? U'\u212A' : letter;
    const std::array<char32_t, 3> cases = {letter, letter - 'a' + 'A', folded};
    const bool any = std::any_of(given.begin(), given.end(), [&](const auto& range) {
      return std::any_of(cases.begin(), cases.end(), [&](char32_t c) { return range.first <= c && c <= range.second; });
    });
    if (!any) continue;
    for (const char32_t c : cases) add(c, c);
  }
}

void CharSet::finish() {
  for (char32_t code = 0; code < 0x80; ++code) bytes_[code] = lookup(code) ? kIn : kOut;
  bool beyond = negated_ || spaces_ || words_ || categories_ != 0 || !sets_.empty();
  for (const auto& range : ranges_) beyond |= range.second >= 0x80;
  for (std::size_t byte = 0x80; byte < bytes_.size(); ++byte) bytes_[byte] = beyond ? kAsk : kOut;
}

bool CharSet::lookup(char32_t code) const {
  const CodePoint point = CodePoints::get()[code];
  bool in = (categories_ >> static_cast<unsigned>(point.category()) & 1) != 0 || (spaces_ && point.is_space()) ||
            (words_ && point.is_regex_word());
  for (auto range = ranges_.begin(); !in && range != ranges_.end(); ++range)
    in = range->first <= code && code <= range->second;
  for (auto set = sets_.begin(); !in && set != sets_.end(); ++set) in = set->lookup(code);
  return in != negated_;
}

bool CharSet::is_disjoint(const CharSet& other) const {
  for (char32_t code = 0; code < 0x80; ++code)
    if (contains(code) && other.contains(code)) return false;
  const auto is_ascii = [](const CharSet& set) { return set.bytes_[0x80] == kOut; };
  if (is_ascii(*this) || is_ascii(other)) return true;
  // Beyond ASCII, only sets that are made of categories alone are compared.
  const auto plain = [](const CharSet& set) {
    return set.ranges_.empty() && set.sets_.empty() && !set.spaces_ && !set.words_ && !set.negated_;
  };
  return plain(*this) && plain(other) && (categories_ & other.categories_) == 0;
}

}  // namespace pare::tokenize
