// SentencePiece's precompiled normalization (`precompiled_charsmap`: a trie of replacements).
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pare::tokenize {

class Charsmap {
 public:
  /// `bytes`: the trie's size in bytes (u32), its units (u32), then the replacements, each ended by a NUL.
  /// Throws Error naming `path` if the bytes are malformed.
  Charsmap(std::string_view bytes, const std::filesystem::path& path);
  /// A map that replaces nothing.
  Charsmap() { ascii_.fill(std::nullopt); }

  /// Appends `text` with the replacements of `tokenizers`: a grapheme cluster of up to five bytes becomes the
  /// replacement of its shortest prefix among the keys; otherwise, and for longer clusters, characters are replaced
  /// singly.
  void normalize(std::string_view text, std::string& normalized) const;

 private:
  std::optional<std::string_view> replacement(std::string_view chunk) const;
  void normalize_cluster(std::string_view cluster, std::string& normalized) const;

  std::vector<std::uint32_t> units_;
  std::string replacements_;
  std::array<std::optional<std::string>, 128> ascii_;  // what single ASCII characters become
  std::array<bool, 256> stays_{};                      // ASCII characters that are not replaced, except CR
};

}  // namespace pare::tokenize
