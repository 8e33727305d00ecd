// Pre-tokenizers: they cut normalized text into the words that the algorithm encodes.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "tokenize/algorithm.h"
#include "tokenize/bert_text.h"
#include "tokenize/byte_alphabet.h"
#include "tokenize/steps/gpt2_pattern.h"
#include "tokenize/steps/regex.h"
#include "tokenize/unicode.h"

namespace pare::tokenize {

/// What becomes of the matches of a pattern; the names are those of `tokenizers`' SplitDelimiterBehavior.
enum class Split { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

/// When Metaspace puts its mark before a text that does not begin with it.
enum class Prefix { kAlways, kFirst, kNever };

/// "▁" (U+2581), which usually stands for a space.
inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";

class PreTokenizer {
 public:
  struct Step {
    enum class Kind {
      kBert,             // BertPreTokenizer: words and punctuation marks
      kWhitespaceSplit,  // text between white space
      kWhitespace,       // runs of \w and of other characters
      kDigits,           // runs of numbers, or each by itself
      kPunctuation,
      kRegex,     // Split
      kGpt2,      // ByteLevel with use_regex
      kAddSpace,  // ByteLevel with add_prefix_space
      kAlphabet,  // ByteLevel: bytes become characters
      kMetaspace
    };
    Kind kind = Kind::kBert;
    Split behavior = Split::kIsolated;  // kRegex, kDigits, kPunctuation
    bool invert = false;                // kRegex
    std::optional<Regex> regex;         // kRegex
    Prefix prefix = Prefix::kAlways;    // kMetaspace
    bool cut = true;                    // kMetaspace: each mark begins a word
    bool spaced = true;                 // kMetaspace: the text may contain spaces

    bool changes_text() const { return kind == Kind::kMetaspace || kind == Kind::kAddSpace || kind == Kind::kAlphabet; }
  };

  void add(Step step) { steps_.push_back(std::move(step)); }
  void add(Step::Kind kind) { add_runs(kind, Split::kIsolated); }
  void add_runs(Step::Kind kind, Split behavior);
  void add_split(Regex regex, Split behavior, bool invert = false);
  void add_metaspace(Prefix prefix, bool cut);
  /// Whether the result depends on `first` of for_words.
  bool needs_first() const {
    return std::any_of(steps_.begin(), steps_.end(), [](const Step& step) { return step.prefix == Prefix::kFirst; });
  }
  bool ends_in(Step::Kind kind) const { return !steps_.empty() && steps_.back().kind == kind; }
  void remove_last() { steps_.pop_back(); }

  /// Calls word(text) for each word of `text`. The first `first` bytes of the text come from the first character of the
  /// input; Prefix::kFirst depends on that.
  template <class Word>
  void for_words(std::string_view text, std::size_t first, Scratch& scratch, Word&& word) const {
    if (scratch.texts.size() < steps_.size()) scratch.texts.resize(steps_.size());
    if (!text.empty()) run(0, text, first, scratch, word);
  }

 private:
  template <class Word>
  void run(std::size_t step, std::string_view text, std::size_t first, Scratch& scratch, Word& word) const;
  /// Calls found(begin, end) for each piece; some may be empty.
  template <class Found>
  static void cut(const Step& step, std::string_view text, Found&& found);
  template <class Found>
  static void split_at_spaces(std::string_view text, Found&& found);
  template <class Class, class Found>
  static void split_runs(std::string_view text, bool each, Class&& is_in, Found&& found);

  static void change(const Step& step, std::string_view text, std::size_t& first, std::string& changed);
  /// Text with Metaspace's mark for spaces and, depending on the prefix, before it.
  static void mark_spaces(const Step& step, std::string_view text, std::size_t& first, std::string& marked);
  struct Piece {
    std::size_t begin, end;
  };
  static std::vector<Piece> split(const Step& step, std::string_view text);

  std::vector<Step> steps_;
};

template <class Word>
void PreTokenizer::run(std::size_t index, std::string_view text, std::size_t first, Scratch& scratch,
                       Word& word) const {
  if (index == steps_.size()) return word(text);
  const Step& step = steps_[index];
  if (step.changes_text()) {
    change(step, text, first, scratch.texts[index]);
    text = scratch.texts[index];
    if (step.kind != Step::Kind::kMetaspace || !step.cut) return run(index + 1, text, first, scratch, word);
  }
  if (index + 1 == steps_.size())  // as usual: a call for each word costs time
    return cut(step, text, [&](std::size_t begin, std::size_t end) {
      if (begin < end) word(text.substr(begin, end - begin));
    });
  cut(step, text, [&](std::size_t begin, std::size_t end) {
    if (begin < end) run(index + 1, text.substr(begin, end - begin), first > begin ? first - begin : 0, scratch, word);
  });
}

template <class Found>
void PreTokenizer::cut(const Step& step, std::string_view text, Found&& found) {
  switch (step.kind) {
    case Step::Kind::kGpt2:
      for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = gpt2_piece_end(text, begin);
        found(begin, end);
        begin = end;
      }
      return;
    case Step::Kind::kMetaspace:
      for (std::size_t begin = 0; begin < text.size();) {
        std::size_t end = begin + 1;  // a loop, because words are short
        while (end < text.size() && (text[end] != kSpaceMark[0] || !text.substr(end).starts_with(kSpaceMark))) ++end;
        found(begin, end);
        begin = end;
      }
      return;
    case Step::Kind::kBert:
      return split_bert_words(text, [&](std::string_view piece) {
        const auto begin = static_cast<std::size_t>(piece.data() - text.data());
        found(begin, begin + piece.size());
      });
    case Step::Kind::kWhitespaceSplit:
      return split_at_spaces(text, found);
    case Step::Kind::kWhitespace:
      return split_at_spaces(text, [&](std::size_t begin, std::size_t end) {
        split_runs(
            text.substr(begin, end - begin), false, [](CodePoint point) { return point.is_word(); },
            [&](std::size_t from, std::size_t to) { found(begin + from, begin + to); });
      });
    case Step::Kind::kDigits:
      return split_runs(
          text, step.behavior == Split::kIsolated, [](CodePoint point) { return point.is_numeric(); }, found);
    default:
      if (step.regex && step.behavior == Split::kIsolated && !step.invert) {
        std::size_t done = 0;
        step.regex->for_matches(text, [&](const Regex::Match& match) {
          found(done, match.begin);
          found(match.begin, match.end);
          done = match.end;
        });
        return found(done, text.size());
      }
      for (const Piece& piece : split(step, text)) found(piece.begin, piece.end);
  }
}

template <class Found>
void PreTokenizer::split_at_spaces(std::string_view text, Found&& found) {
  const CodePoints& points = CodePoints::get();
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t size = 1;
    bool is_space = points.ascii(static_cast<unsigned char>(text[at]) & 0x7F).is_space();
    if (!base::is_ascii(text[at])) {
      const base::Character character = base::character_at(text, at);
      is_space = points[character.code].is_space();
      size = character.size;
    }
    if (is_space) {
      found(begin, at);
      begin = at + size;
    }
    at += size;
  }
  found(begin, text.size());
}

/// Calls found(begin, end) for each run of characters in and outside a class; with `each`, for each in it by itself.
template <class Class, class Found>
void PreTokenizer::split_runs(std::string_view text, bool each, Class&& is_in, Found&& found) {
  const CodePoints& points = CodePoints::get();
  std::size_t begin = 0;
  bool before = false;
  for (std::size_t at = 0; at < text.size();) {
    const base::Character character = base::character_at(text, at);
    const bool in = is_in(points[character.code]);
    if (at != begin && (in != before || (in && each))) {
      found(begin, at);
      begin = at;
    }
    before = in;
    at += character.size;
  }
  found(begin, text.size());
}

}  // namespace pare::tokenize
