// Tensors cut into pieces that threads take one by one. Piece boundaries depend on nothing but the
// shapes, so whatever is reduced piece by piece in order is the same for any number of threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "pare/checkpoint.h"

namespace pare::stats {

struct Piece {
  std::size_t tensor;
  std::uint64_t begin;  ///< first element
  std::uint64_t count;
};

/// A mebibyte of F32: long enough to hide the cost of handing it out, short enough to balance.
constexpr std::uint64_t kPieceElements = 1ULL << 18;

inline std::vector<Piece> cut_into_pieces(std::span<const TensorView> tensors,
                                          std::uint64_t piece_elements = kPieceElements) {
  std::vector<Piece> pieces;
  for (std::size_t tensor = 0; tensor < tensors.size(); ++tensor) {
    const std::uint64_t elements = tensors[tensor].elements();
    for (std::uint64_t begin = 0; begin < elements; begin += piece_elements)
      pieces.push_back({tensor, begin, std::min(piece_elements, elements - begin)});
  }
  return pieces;
}

}  // namespace pare::stats
