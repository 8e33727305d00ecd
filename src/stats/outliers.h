// The largest magnitudes of a scan and their positions.
#pragma once

#include <span>
#include <vector>

#include "pare/stats.h"
#include "stats/scan_pieces.h"
#include "stats/tensor_pieces.h"

namespace pare::stats {

/// The `wanted` largest of `outliers`, in descending order of magnitude, ties by order of tensor and index.
std::vector<Outlier> leading(std::vector<Outlier> outliers, std::size_t wanted);

/// The `wanted` largest |w|, ties by order of tensor and index, NaN left out. Only pieces whose maximum can be among
/// them are read again.
std::vector<Outlier> find_largest(std::span<const TensorView> tensors, std::span<const Piece> pieces,
                                  std::span<const PieceFigures> by_piece, std::size_t wanted, const Context& context);

}  // namespace pare::stats
