// Extended grapheme clusters: what readers take for one character.
#pragma once

#include <cstddef>
#include <string_view>

namespace pare::tokenize {

/// Where the cluster that begins at `begin` ends (UAX #29, as unicode-segmentation has it). `text` must be UTF-8.
std::size_t cluster_end(std::string_view text, std::size_t begin);

}  // namespace pare::tokenize
