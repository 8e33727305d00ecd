// Properties of code points that the tokenizer steps use; make_unicode_tables.py documents their source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace pare::tokenize {

/// GPT-2's pattern: \p{L}, \p{N}, \s, and the rest.
enum class PatternClass : std::uint8_t { kOther, kLetter, kNumber, kSpace };
/// BERT's clean_text: kept, dropped (control), turned into a space.
enum class CleanClass : std::uint8_t { kKept, kDropped, kSpace };
/// BERT's pre-tokenizer: part of a word, a separate word, white space.
enum class WordClass : std::uint8_t { kWord, kPunctuation, kSpace };
/// Grapheme_Cluster_Break (UAX #29).
enum class ClusterBreak : std::uint8_t {
  kOther,
  kCarriageReturn,
  kLineFeed,
  kControl,
  kExtend,
  kJoiner,
  kRegional,
  kPrepend,
  kSpacingMark,
  kLeadingJamo,
  kVowelJamo,
  kTrailingJamo,
  kSyllableLv,
  kSyllableLvt
};
/// General_Category as Oniguruma has it, in the order of make_unicode_tables.py.
enum class Category : std::uint8_t {
  kUnassigned,
  kLu,
  kLl,
  kLt,
  kLm,
  kLo,
  kMn,
  kMc,
  kMe,
  kNd,
  kNl,
  kNo,
  kPc,
  kPd,
  kPs,
  kPe,
  kPi,
  kPf,
  kPo,
  kSm,
  kSc,
  kSk,
  kSo,
  kZs,
  kZl,
  kZp,
  kCc,
  kCf,
  kCo
};
/// Indic_Conjunct_Break.
enum class ConjunctBreak : std::uint8_t { kNone, kConsonant, kExtend, kLinker };

/// The record of a code point: bits as make_unicode_tables.py packs them.
class CodePoint {
 public:
  explicit constexpr CodePoint(std::uint32_t bits) : bits_(bits) {}
  PatternClass pattern() const { return static_cast<PatternClass>(bits_ & 3); }
  CleanClass clean() const { return static_cast<CleanClass>(bits_ >> 2 & 3); }
  bool is_chinese() const { return (bits_ >> 4 & 1) != 0; }
  bool is_nonspacing() const { return (bits_ >> 5 & 1) != 0; }
  WordClass words() const { return static_cast<WordClass>(bits_ >> 6 & 3); }
  bool is_space() const { return (bits_ >> 8 & 1) != 0; }  ///< White_Space
  bool is_word() const { return (bits_ >> 9 & 1) != 0; }   ///< \w of Rust's regex
  ClusterBreak cluster() const { return static_cast<ClusterBreak>(bits_ >> 10 & 15); }
  bool is_pictographic() const { return (bits_ >> 14 & 1) != 0; }
  ConjunctBreak conjunct() const { return static_cast<ConjunctBreak>(bits_ >> 15 & 3); }
  bool decomposes() const { return (bits_ >> 17 & 1) != 0; }
  bool has_lower_case() const { return (bits_ >> 18 & 1) != 0; }
  Category category() const { return static_cast<Category>(bits_ >> 19 & 31); }
  bool is_regex_word() const { return (bits_ >> 24 & 1) != 0; }          ///< \w of Oniguruma
  bool is_numeric() const { return (bits_ >> 25 & 1) != 0; }             ///< Rust's char::is_numeric
  bool is_mark() const { return (bits_ >> 26 & 1) != 0; }                ///< removed by StripAccents
  bool is_nfc_stable() const { return (bits_ >> 27 & 1) != 0; }          ///< NFC leaves it alone in every context
  bool is_nfkc_stable() const { return (bits_ >> 28 & 1) != 0; }         ///< NFKC does
  bool decomposes_compatibly() const { return (bits_ >> 29 & 1) != 0; }  ///< NFKD makes more of it than NFD

 private:
  std::uint32_t bits_;
};

/// Records of all code points, in blocks; equal blocks are stored once.
class CodePoints {
 public:
  static const CodePoints& get();
  CodePoint operator[](char32_t code) const {
    return CodePoint(code < 0x110000 ? blocks_[std::size_t{index_[code >> kShift]} << kShift | (code & kMask)] : 0);
  }
  /// The record of an ASCII character, a little faster.
  CodePoint ascii(unsigned char code) const { return CodePoint(ascii_[code]); }

 private:
  CodePoints();
  static constexpr unsigned kShift = 7;
  static constexpr char32_t kMask = (1U << kShift) - 1;
  std::uint32_t ascii_[0x80];
  std::uint16_t index_[0x110000 >> kShift];
  std::vector<std::uint32_t> blocks_;
};

/// Full canonical decomposition of a code point that decomposes() (Hangul syllables are not among them).
std::u32string_view decomposition(char32_t code);
/// Full compatibility decomposition of a code point that decomposes_compatibly().
std::u32string_view compatible_decomposition(char32_t code);
/// The code point that two others compose to (Hangul is not among them); 0: they do not.
char32_t composition(char32_t first, char32_t second);
/// Lower case of a code point that has_lower_case().
std::u32string_view lower_case(char32_t code);
/// Canonical combining class; 0 for starters.
unsigned combining_class(char32_t code);

}  // namespace pare::tokenize
