// What the three families have in common: a vocabulary, and how text between special tokens becomes ids.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pare::tokenize {

/// A token of the vocabulary file: ids are the places in the list.
using Vocabulary = std::vector<std::string>;

class Algorithm {
 public:
  virtual ~Algorithm() = default;

  /// Number of tokens of the vocabulary proper, without added ones.
  virtual std::size_t size() const noexcept = 0;
  virtual std::optional<std::int32_t> id_of(std::string_view token) const = 0;
  virtual std::string_view token(std::int32_t id) const = 0;

  /// Appends the normalized form of a piece of text that holds no special token; the text itself by default.
  virtual void normalize(std::string_view text, std::string& normalized) const { normalized += text; }

  /// Appends the ids of normalized text. `first`: it stands at the beginning of what is encoded.
  virtual void encode(std::string_view normalized, bool first, std::vector<std::int32_t>& ids) const = 0;

  /// Text of tokens in sequence (as written in the vocabulary).
  virtual std::string decode(std::span<const std::string_view> tokens) const = 0;
};

}  // namespace pare::tokenize
