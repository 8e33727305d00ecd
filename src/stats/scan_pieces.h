// Statistics of some pieces of tensors: the work of scan(), and of a process that measures a part of a model.
#pragma once

#include <span>
#include <vector>

#include "pare/stats.h"
#include "stats/tensor_pieces.h"

namespace pare::stats {

/// What a piece leaves beside its tensor's counts.
struct PieceFigures {
  double sum = 0, sum_of_squares = 0;
  double max_magnitude = 0;
  bool any_number = false;  ///< whether an element is not NaN
};

struct PieceScan {
  std::vector<Stats> tensors;        ///< of the pieces read, one per tensor; without sums, which are in `pieces`
  std::vector<PieceFigures> pieces;  ///< one per piece. Sums of a tensor are those of its pieces, added in order
  std::vector<Sketch> sketches;      ///< of the pieces read, one per tensor, if ScanOptions::sketches is set
  std::vector<Outlier> largest;      ///< among the pieces read
};

/// Reads `pieces` of `tensors` (by rising tensor and element). Throws as scan() does.
PieceScan scan_pieces(std::span<const TensorView> tensors, std::span<const Piece> pieces, const ScanOptions& options,
                      const Context& context);

}  // namespace pare::stats
