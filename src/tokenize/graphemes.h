// Extended grapheme clusters: what readers perceive as one character.
#pragma once

#include <cstddef>
#include <string_view>

namespace pare::tokenize {

/// The end of the cluster that begins at `begin` (UAX #29, as in unicode-segmentation). `text` must be UTF-8.
std::size_t cluster_end(std::string_view text, std::size_t begin);

}  // namespace pare::tokenize
