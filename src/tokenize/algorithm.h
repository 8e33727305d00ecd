// The interface of the three algorithms: a vocabulary, and the ids of one word.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pare::tokenize {

/// A token of the vocabulary file; ids are positions in the list.
using Vocabulary = std::vector<std::string>;

/// Memory that encoding words reuses; one for each call of Tokenizer::encode.
struct Scratch {
  /// A part of a word, in a linked list (BPE).
  struct Symbol {
    std::int32_t id;
    std::int32_t previous, next;  // -1: none
    bool alive;
  };
  /// A pair of symbols that may be merged (BPE).
  struct Candidate {
    std::int32_t rank, at, result;
    bool operator<(const Candidate& other) const {  // std::push_heap keeps the greatest on top
      return rank != other.rank ? rank > other.rank : at > other.at;
    }
  };
  /// A byte at which a piece may end (Unigram).
  struct Node {
    double score;
    std::int32_t begin;  // of the last piece of the best path; -1 if no path ends here
    std::int32_t id;
  };
  struct Piece {
    std::size_t begin, end;
    std::int32_t id;
  };

  std::vector<std::int32_t> parts;  // of a word, before and while they are merged (BPE)
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
  std::vector<Node> best;
  std::vector<Piece> pieces;
  std::vector<std::string> texts;  // one for each pre-tokenizer that changes text
};

class Algorithm {
 public:
  virtual ~Algorithm() = default;

  /// Number of tokens in the vocabulary, without added tokens.
  virtual std::size_t size() const noexcept = 0;
  virtual std::optional<std::int32_t> id_of(std::string_view token) const = 0;
  virtual std::string_view token(std::int32_t id) const = 0;

  /// Appends the ids of a word, which is not empty.
  virtual void encode_word(std::string_view word, Scratch& scratch, std::vector<std::int32_t>& ids) const = 0;
};

}  // namespace pare::tokenize
