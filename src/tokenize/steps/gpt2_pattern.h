// GPT-2's pattern, which cuts text into words in most byte-level tokenizers.
#pragma once

#include <cstddef>
#include <string_view>

namespace pare::tokenize {

/// The end of the match of GPT-2's pattern that begins at `begin`:
/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
std::size_t gpt2_piece_end(std::string_view text, std::size_t begin);

}  // namespace pare::tokenize
