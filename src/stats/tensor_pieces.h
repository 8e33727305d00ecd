// Tensors cut into pieces that threads take one by one. Piece boundaries depend on the shapes only, so a reduction over
// pieces in order gives the same result for any number of threads.
#pragma once

#include <cstdint>
#include <functional>
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

/// The number of the part, of `count` equal parts of `total` bytes in a row, in which the middle of `bytes` lies that
/// follow `before` others.
std::uint64_t part_at(std::uint64_t before, std::uint64_t bytes, std::uint64_t total, std::uint64_t count) noexcept;

/// The pieces that this process reads, by rising tensor and element: all, or with a group an interval of about
/// 1 / group size of the bytes, in the order of the files. Each piece is read by one rank.
std::vector<Piece> own_pieces(std::span<const TensorView> tensors, const Context& context);

/// base::parallel_for() over pieces, which are read from mapped files. The system is asked for the next megabytes
/// before they are read, so that a disk or a network is not waited for again and again.
void for_pieces(std::span<const TensorView> tensors, std::span<const Piece> pieces, const Context& context,
                const std::function<void(std::size_t piece, unsigned worker)>& body);

std::vector<Piece> cut_into_pieces(std::span<const TensorView> tensors,
                                   std::uint64_t piece_elements = base::kPieceElements);

}  // namespace pare::stats
