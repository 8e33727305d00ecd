#include "pare/stats.h"
#include "stats/scan_pieces.h"

namespace pare {

ScanResult scan(std::span<const TensorView> tensors, const ScanOptions& options, const Context& context) {
  const std::vector<stats::Piece> pieces = stats::cut_into_pieces(tensors);
  stats::PieceScan scanned = stats::scan_pieces(tensors, pieces, options, context);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    scanned.tensors[pieces[i].tensor].sum += scanned.pieces[i].sum;
    scanned.tensors[pieces[i].tensor].sum_of_squares += scanned.pieces[i].sum_of_squares;
  }
  return {std::move(scanned.tensors), std::move(scanned.sketches), std::move(scanned.largest)};
}

}  // namespace pare
