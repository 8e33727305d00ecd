#include "tokenize/steps/normal_form.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "tokenize/unicode.h"

namespace pare::tokenize {
namespace {

// Hangul syllables decompose and compose by arithmetic (Unicode 3.12).
constexpr char32_t kFirstSyllable = 0xAC00, kFirstLeading = 0x1100, kFirstVowel = 0x1161, kNoTrailing = 0x11A7;
constexpr char32_t kLeadingCount = 19, kVowelCount = 21, kTrailingCount = 28, kSyllableCount = 11172;

/// Collects code points in decomposed form, marks in canonical order.
class Decomposed {
 public:
  struct Entry {
    char32_t code;
    unsigned mark;  // canonical combining class
  };

  explicit Decomposed(bool compatible) : compatible_(compatible) {}

  void put(char32_t code) {
    const CodePoint point = CodePoints::get()[code];
    if (code - kFirstSyllable < kSyllableCount) {
      const char32_t index = code - kFirstSyllable;
      add(kFirstLeading + index / (kVowelCount * kTrailingCount));
      add(kFirstVowel + index / kTrailingCount % kVowelCount);
      if (index % kTrailingCount != 0) add(kNoTrailing + index % kTrailingCount);
    } else if (compatible_ && point.decomposes_compatibly()) {
      for (const char32_t part : compatible_decomposition(code)) add(part);
    } else if (point.decomposes()) {
      for (const char32_t part : decomposition(code)) add(part);
    } else {
      add(code);
    }
  }

  /// The entries, with their last run of marks in order.
  std::vector<Entry>& finish() {
    order_marks();
    return entries_;
  }

  void clear() {
    entries_.clear();
    run_ = 0;
  }

 private:
  void add(char32_t code) {
    const unsigned mark = code < 0x300 ? 0 : combining_class(code);
    if (mark == 0) order_marks();
    entries_.push_back({code, mark});
    if (mark == 0) run_ = entries_.size();
  }

  void order_marks() {
    const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(run_);
    std::stable_sort(begin, entries_.end(), [](const Entry& a, const Entry& b) { return a.mark < b.mark; });
    run_ = entries_.size();
  }

  const bool compatible_;
  std::vector<Entry> entries_;
  std::size_t run_ = 0;  // where the last run of marks begins
};

char32_t composed(char32_t first, char32_t second) {
  if (first - kFirstLeading < kLeadingCount && second - kFirstVowel < kVowelCount)
    return kFirstSyllable + ((first - kFirstLeading) * kVowelCount + (second - kFirstVowel)) * kTrailingCount;
  if (first - kFirstSyllable < kSyllableCount && (first - kFirstSyllable) % kTrailingCount == 0 &&
      second - kNoTrailing - 1 < kTrailingCount - 1)
    return first + (second - kNoTrailing);
  return composition(first, second);
}

/// Composes each starter with the marks and starters after it that are not blocked (Unicode 3.11, D117).
void append_composed(const std::vector<Decomposed::Entry>& entries, std::string& out) {
  std::vector<Decomposed::Entry> done;
  std::size_t starter = entries.size();  // in `done`; none yet
  unsigned last = 0;
  for (const Decomposed::Entry& entry : entries) {
    const bool any = starter < done.size();
    const bool blocked = any && starter + 1 != done.size() && last >= entry.mark;
    if (any && !blocked) {
      if (const char32_t joined = composed(done[starter].code, entry.code)) {
        done[starter].code = joined;
        continue;
      }
    }
    if (entry.mark == 0) starter = done.size();
    last = entry.mark;
    done.push_back(entry);
  }
  for (const Decomposed::Entry& entry : done) base::append_utf8(out, entry.code);
}

}  // namespace

void append_normal_form(NormalForm form, std::string_view text, std::string& out) {
  const CodePoints& points = CodePoints::get();
  const bool compatible = form == NormalForm::kNfkc || form == NormalForm::kNfkd;
  const bool composes = form == NormalForm::kNfc || form == NormalForm::kNfkc;
  const auto is_stable = [&](char32_t code) {
    if (code < 0x80) return true;
    const CodePoint point = points[code];
    return compatible ? point.is_nfkc_stable() : point.is_nfc_stable();
  };
  Decomposed pending(compatible);
  std::size_t begin = 0, last = 0;  // [begin, at) is stable text, whose last character begins at `last`
  for (std::size_t at = 0; at < text.size();) {
    const base::Character character = base::character_at(text, at);
    if (is_stable(character.code) && (composes || character.code < 0x80)) {
      last = at;
      at += character.size;
      continue;
    }
    // Text up to the next stable character is rewritten, with the one before it, which may take part.
    const std::size_t from = at == begin ? at : last;
    out.append(text, begin, from - begin);
    pending.clear();
    std::size_t end = at;
    for (std::size_t i = from; i < end; i += base::character_size(text[i]))
      pending.put(base::character_at(text, i).code);
    while (end < text.size()) {
      const base::Character next = base::character_at(text, end);
      if (end != at && is_stable(next.code) && (composes || next.code < 0x80)) break;
      pending.put(next.code);
      end += next.size;
    }
    if (composes)
      append_composed(pending.finish(), out);
    else
      for (const Decomposed::Entry& entry : pending.finish()) base::append_utf8(out, entry.code);
    begin = last = at = end;
  }
  out.append(text, begin, std::string_view::npos);
}

}  // namespace pare::tokenize
