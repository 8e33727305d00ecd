// BERT's normalization and its splitting of text into words.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "tokenize/unicode.h"

namespace pare::tokenize {

/// `tokenizers`' BertNormalizer.
struct BertNormalization {
  bool clean_text = true;             ///< removes control characters and turns all white space into spaces
  bool handle_chinese_chars = true;   ///< makes each ideograph a word
  bool lowercase = true;              ///< do_lower_case
  std::optional<bool> strip_accents;  ///< removes accents and decomposes everything else; defaults to `lowercase`

  /// Appends the normalized form of `text`.
  void apply(std::string_view text, std::string& normalized) const;
};

/// Calls word(text) for each word: text between white space, and each punctuation mark on its own.
template <class Word>
void split_bert_words(std::string_view text, Word&& word) {
  const CodePoints& points = CodePoints::get();
  std::size_t begin = 0;
  const auto end_word = [&](std::size_t end) {
    if (begin < end) word(text.substr(begin, end - begin));
  };
  for (std::size_t at = 0; at < text.size();) {
    std::size_t size = 1;
    CodePoint point = points.ascii(static_cast<unsigned char>(text[at]) & 0x7F);
    if (!base::is_ascii(text[at])) {
      const base::Character character = base::character_at(text, at);
      point = points[character.code];
      size = character.size;
    }
    const WordClass kind = point.words();
    if (kind != WordClass::kWord) {
      end_word(at);
      begin = at + size;
      if (kind == WordClass::kPunctuation) word(text.substr(at, size));
    }
    at += size;
  }
  end_word(text.size());
}

}  // namespace pare::tokenize
