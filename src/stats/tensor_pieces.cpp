#include "stats/tensor_pieces.h"

#include <algorithm>

namespace pare::stats {

std::vector<Piece> cut_into_pieces(std::span<const TensorView> tensors, std::uint64_t piece_elements) {
  std::vector<Piece> pieces;
  for (std::size_t tensor = 0; tensor < tensors.size(); ++tensor) {
    const std::uint64_t elements = tensors[tensor].elements();
    for (std::uint64_t begin = 0; begin < elements; begin += piece_elements)
      pieces.push_back({tensor, begin, std::min(piece_elements, elements - begin)});
  }
  return pieces;
}

}  // namespace pare::stats
