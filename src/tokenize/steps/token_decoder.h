// Decoders: they turn the tokens of a text, spelled as in the vocabulary, into the text.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/steps/pre_tokenizer.h"
#include "tokenize/steps/regex.h"

namespace pare::tokenize {

class Decoder {
 public:
  struct Step {
    enum class Kind { kByteLevel, kMetaspace, kWordPiece, kReplace, kByteFallback, kFuse, kStrip };
    Kind kind = Kind::kByteLevel;
    std::string literal;             // kMetaspace: the mark; kWordPiece: the prefix; kReplace, kStrip
    std::string content;             // kReplace
    std::optional<Regex> regex;      // kReplace, instead of the literal
    bool drops_first = true;         // kMetaspace: marks in the first token are not spaces
    bool cleans_up = true;           // kWordPiece
    std::size_t begin = 0, end = 0;  // kStrip: at most so many at the ends
  };

  void add(Step step) { steps_.push_back(std::move(step)); }
  void add(Step::Kind kind);
  void add_metaspace(Prefix prefix);
  void add_wordpiece(std::string prefix, bool cleans_up);
  void add_replace(std::string literal, std::string content);
  void add_strip(std::string literal, std::size_t begin, std::size_t end);

  /// Without steps, tokens are joined by spaces.
  std::string decode(std::span<const std::string_view> tokens) const;

 private:
  using Tokens = std::vector<std::string>;
  static void apply(const Step& step, Tokens& tokens);
  static void join_bytes(Tokens& tokens);

  std::vector<Step> steps_;
};

/// transformers' clean_up_tokenization_spaces.
void clean_up_spaces(std::string& text);

}  // namespace pare::tokenize
