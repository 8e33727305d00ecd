// Tensors cut into pieces that threads take one by one. Piece boundaries depend on the shapes only, so a reduction over
// pieces in order gives the same result for any number of threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/pieces.h"
#include "pare/checkpoint.h"

namespace pare::stats {

struct Piece {
  std::size_t tensor;
  std::uint64_t begin;  ///< first element
  std::uint64_t count;
};

std::vector<Piece> cut_into_pieces(std::span<const TensorView> tensors,
                                   std::uint64_t piece_elements = base::kPieceElements);

}  // namespace pare::stats
