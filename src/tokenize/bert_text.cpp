#include "tokenize/bert_text.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace pare::tokenize {
namespace {

/// Takes characters in sequence, decomposes them if requested (with marks in canonical order), and appends the result.
class Writer {
 public:
  Writer(bool strip_accents, bool lowercase, std::string& out) : strip_(strip_accents), lower_(lowercase), out_(out) {}

  void put(char32_t code) {
    if (!strip_)
      write(code);
    else
      decompose(code);
  }

  /// ASCII characters end a run of marks and have neither accents nor decompositions.
  void put_ascii(char c) {
    if (!marks_.empty()) finish();
    out_.push_back(lower_ && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }

  void finish() {
    std::stable_sort(marks_.begin(), marks_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [order, code] : marks_) write_unaccented(code);
    marks_.clear();
  }

 private:
  void decompose(char32_t code) {
    // Hangul syllables decompose by arithmetic (Unicode 3.12).
    constexpr char32_t kSyllables = 0xAC00, kLeading = 0x1100, kVowel = 0x1161, kTrailing = 0x11A7;
    constexpr char32_t kVowels = 21, kTrailings = 28, kCount = 11172;
    if (code - kSyllables < kCount) {
      const char32_t index = code - kSyllables;
      order(kLeading + index / (kVowels * kTrailings));
      order(kVowel + index / kTrailings % kVowels);
      if (index % kTrailings != 0) order(kTrailing + index % kTrailings);
    } else if (points_[code].decomposes()) {
      for (const char32_t part : decomposition(code)) order(part);
    } else {
      order(code);
    }
  }

  void order(char32_t code) {
    const unsigned mark = code < 0x300 ? 0 : combining_class(code);
    if (mark != 0) {
      marks_.emplace_back(mark, code);
    } else {
      if (!marks_.empty()) finish();
      write_unaccented(code);
    }
  }

  void write_unaccented(char32_t code) {
    if (!points_[code].is_nonspacing()) write(code);
  }

  void write(char32_t code) {
    if (lower_ && points_[code].has_lower_case()) {
      for (const char32_t lower : lower_case(code)) base::append_utf8(out_, lower);
    } else {
      base::append_utf8(out_, code);
    }
  }

  const CodePoints& points_ = CodePoints::get();
  const bool strip_, lower_;
  std::string& out_;
  std::vector<std::pair<unsigned, char32_t>> marks_;
};

}  // namespace

void BertNormalization::apply(std::string_view text, std::string& normalized) const {
  const CodePoints& points = CodePoints::get();
  Writer writer(strip_accents.value_or(lowercase), lowercase, normalized);
  for (std::size_t at = 0; at < text.size();) {
    if (base::is_ascii(text[at])) {
      const CleanClass kind =
          clean_text ? points.ascii(static_cast<unsigned char>(text[at])).clean() : CleanClass::kKept;
      if (kind != CleanClass::kDropped) writer.put_ascii(kind == CleanClass::kSpace ? ' ' : text[at]);
      ++at;
      continue;
    }
    base::Character character = base::character_at(text, at);
    at += character.size;
    const CodePoint point = points[character.code];
    if (clean_text && point.clean() == CleanClass::kDropped) continue;
    if (clean_text && point.clean() == CleanClass::kSpace) character.code = U' ';
    const bool alone = handle_chinese_chars && point.is_chinese();
    if (alone) writer.put(U' ');
    writer.put(character.code);
    if (alone) writer.put(U' ');
  }
  writer.finish();
}

}  // namespace pare::tokenize
