#include "prune/patterns/tiling.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/parallel.h"
#include "base/pieces.h"
#include "prune/patterns/magnitudes.h"

namespace pare::prune {
namespace {

constexpr std::uint64_t kStripElements = 512;  // at least this many of a stored row, so that reading stays sequential
constexpr std::size_t kLanes = 8;

/// Blocks that one worker processes at once.
struct Piece {
  std::size_t tensor;
  std::uint64_t band_begin, band_end, strip_begin, strip_end;
};

std::vector<Piece> cut(std::span<const Tiling> tilings) {
  std::vector<Piece> pieces;
  for (std::size_t tensor = 0; tensor < tilings.size(); ++tensor) {
    const Tiling& tiling = tilings[tensor];
    if (tiling.blocks() == 0) continue;
    // Either many low bands or part of a high band.
    const std::uint64_t bands = std::max<std::uint64_t>(1, base::kPieceElements / (tiling.block_rows * tiling.columns));
    const std::uint64_t width = std::max(kStripElements, base::kPieceElements / tiling.block_rows);
    const std::uint64_t strips =
        bands > 1 ? tiling.strips() : (width + tiling.block_columns - 1) / tiling.block_columns;
    for (std::uint64_t band = 0; band < tiling.bands(); band += bands)
      for (std::uint64_t strip = 0; strip < tiling.strips(); strip += strips)
        pieces.push_back(
            {tensor, band, std::min(band + bands, tiling.bands()), strip, std::min(strip + strips, tiling.strips())});
  }
  return pieces;
}

/// Combines a magnitude with those before it. All values are >= 0, infinite or NaN, so their bit patterns have the same
/// order, with NaN as the largest.
template <Fold kFold>
double join(double before, double magnitude) {
  if constexpr (kFold == Fold::kLargest)
    return std::bit_cast<double>(
        std::max(std::bit_cast<std::uint64_t>(before), std::bit_cast<std::uint64_t>(magnitude)));
  else
    return before + magnitude;
}

/// The contribution of one element.
template <Fold kFold>
double term(double magnitude) {
  if constexpr (kFold == Fold::kSumOfSquares) return magnitude * magnitude;
  return magnitude;
}

template <Fold kFold, class Value>
double fold_run(const Value* values, std::size_t n) {
  if (n <= kLanes) {
    double total = 0;
    for (std::size_t i = 0; i < n; ++i) total = join<kFold>(total, term<kFold>(values[i]));
    return total;
  }
  double lanes[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane)
      lanes[lane] = join<kFold>(lanes[lane], term<kFold>(values[i + lane]));
  for (std::size_t lane = 0; i + lane < n; ++lane)
    lanes[lane] = join<kFold>(lanes[lane], term<kFold>(values[i + lane]));
  double total = 0;
  for (const double lane : lanes) total = join<kFold>(total, lane);
  return total;
}

/// Adds `n` elements of one stored row to the values of their blocks.
template <Fold kFold, class Value>
void add_row(const Value* values, std::size_t n, std::size_t block, double* totals) {
  if (block == 1) {
    for (std::size_t i = 0; i < n; ++i) totals[i] = join<kFold>(totals[i], term<kFold>(values[i]));
    return;
  }
  for (std::size_t begin = 0, i = 0; begin < n; begin += block, ++i)
    totals[i] = join<kFold>(totals[i], fold_run<kFold>(values + begin, std::min(block, n - begin)));
}

template <class Value>
void add_row(Fold fold, const Value* values, std::size_t n, std::size_t block, double* totals) {
  switch (fold) {
    case Fold::kSum:
      return add_row<Fold::kSum>(values, n, block, totals);
    case Fold::kSumOfSquares:
      return add_row<Fold::kSumOfSquares>(values, n, block, totals);
    case Fold::kLargest:
      return add_row<Fold::kLargest>(values, n, block, totals);
  }
}

/// Buffers of one worker.
struct Room {
  std::vector<double> totals, doubles;
  std::vector<float> floats;
};

/// Elements [begin, begin + n) of the tensor, all in one row.
void add_elements(const TensorView& tensor, std::uint64_t begin, std::size_t n, Fold fold, std::size_t block,
                  Room& room) {
  if (tensor.dtype == DType::kF64) {
    room.doubles.resize(n);
    magnitudes(tensor, begin, n, room.doubles.data());
    add_row(fold, room.doubles.data(), n, block, room.totals.data());
  } else {
    room.floats.resize(n);
    magnitudes(tensor, begin, n, room.floats.data());
    add_row(fold, room.floats.data(), n, block, room.totals.data());
  }
}

void fold_piece(const Piece& piece, const TensorView& tensor, const Tiling& tiling, Fold fold, unsigned worker,
                Room& room, const VisitBlocks& visit) {
  const std::uint64_t column = piece.strip_begin * tiling.block_columns;
  const std::uint64_t width = std::min(piece.strip_end * tiling.block_columns, tiling.columns) - column;
  for (std::uint64_t band = piece.band_begin; band < piece.band_end; ++band) {
    room.totals.assign(piece.strip_end - piece.strip_begin, 0);
    const std::uint64_t end = std::min((band + 1) * tiling.block_rows, tiling.rows);
    for (std::uint64_t row = band * tiling.block_rows; row < end; ++row)
      add_elements(tensor, row * tiling.columns + column, width, fold, tiling.block_columns, room);
    for (double& total : room.totals)
      if (std::isnan(total)) total = std::numeric_limits<double>::quiet_NaN();
    visit(worker, piece.tensor, band * tiling.strips() + piece.strip_begin, room.totals);
  }
}

std::uint64_t axis_remainder(std::uint64_t length, std::uint64_t step) { return step == 0 ? 0 : length % step; }

}  // namespace

std::uint64_t Tiling::elements(std::uint64_t block) const noexcept {
  const std::uint64_t row = block / strips() * block_rows, column = block % strips() * block_columns;
  return std::min(block_rows, rows - row) * std::min(block_columns, columns - column);
}

Tiling tiling_of(const Pattern& pattern, Orientation orientation, const TensorView& tensor) {
  const std::uint64_t rows = tensor.shape[0], columns = tensor.shape[1];
  const bool turned = orientation == Orientation::kInOut;
  std::uint64_t outputs = 1, inputs = 1;  // outputs and inputs of a block
  switch (pattern.kind) {
    case Pattern::Kind::kUnstructured:
      break;
    case Pattern::Kind::kNOfM:
      inputs = pattern.m;
      break;
    case Pattern::Kind::kRows:
      inputs = turned ? rows : columns;
      break;
    case Pattern::Kind::kColumns:
      outputs = turned ? columns : rows;
      break;
    case Pattern::Kind::kBlocks:
      outputs = pattern.n;
      inputs = pattern.m;
      break;
  }
  const std::uint64_t block_rows = turned ? inputs : outputs, block_columns = turned ? outputs : inputs;
  return {rows, columns, std::clamp<std::uint64_t>(block_rows, 1, std::max<std::uint64_t>(rows, 1)),
          std::clamp<std::uint64_t>(block_columns, 1, std::max<std::uint64_t>(columns, 1)), block_rows * block_columns};
}

Remainder remainder_of(const Pattern& pattern, Orientation orientation, const TensorView& tensor) {
  const bool turned = orientation == Orientation::kInOut;
  const std::uint64_t inputs = tensor.shape[turned ? 0 : 1], outputs = tensor.shape[turned ? 1 : 0];
  if (pattern.kind == Pattern::Kind::kNOfM) return {axis_remainder(inputs, pattern.m), 0};
  if (pattern.kind == Pattern::Kind::kBlocks)
    return {axis_remainder(inputs, pattern.m), axis_remainder(outputs, pattern.n)};
  return {};
}

void fold_blocks(std::span<const TensorView> tensors, std::span<const Tiling> tilings, Fold fold,
                 const Context& context, const VisitBlocks& visit) {
  const std::vector<Piece> pieces = cut(tilings);
  std::vector<Room> rooms(base::thread_count(context));
  base::parallel_for(pieces.size(), context, [&](std::size_t item, unsigned worker) {
    const Piece& piece = pieces[item];
    fold_piece(piece, tensors[piece.tensor], tilings[piece.tensor], fold, worker, rooms[worker], visit);
  });
}

}  // namespace pare::prune
