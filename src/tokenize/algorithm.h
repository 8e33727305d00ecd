// The interface of the three families: a vocabulary, and the encoding of text between special tokens into ids.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pare::tokenize {

/// A token of the vocabulary file; ids are positions in the list.
using Vocabulary = std::vector<std::string>;

class Algorithm {
 public:
  virtual ~Algorithm() = default;

  /// Number of tokens in the vocabulary, without added tokens.
  virtual std::size_t size() const noexcept = 0;
  virtual std::optional<std::int32_t> id_of(std::string_view token) const = 0;
  virtual std::string_view token(std::int32_t id) const = 0;

  /// Appends the normalized form of text that contains no special token; by default the text itself.
  virtual void normalize(std::string_view text, std::string& normalized) const { normalized += text; }

  /// Appends the ids of normalized text. `first`: the text is at the beginning of the input.
  virtual void encode(std::string_view normalized, bool first, std::vector<std::int32_t>& ids) const = 0;

  /// Text of a sequence of tokens (spelled as in the vocabulary).
  virtual std::string decode(std::span<const std::string_view> tokens) const = 0;
};

}  // namespace pare::tokenize
