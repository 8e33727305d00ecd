#include "prune/masks/count_zeros.h"

#include <algorithm>

#include "base/collective.h"
#include "base/parallel.h"
#include "checkpoint/tensor_piece.h"
#include "kernels/magnitude.h"
#include "stats/float_format.h"
#include "stats/tensor_pieces.h"

namespace pare::prune {
namespace {

std::uint64_t zeros_in(const stats::FloatFormat& format, const std::byte* data, std::uint64_t n) {
  return kernels::count_rank(format.width, data, n, 1).below;  // below the smallest nonzero key there is only 0
}

/// Returns whether the zeros must be counted; if not, sets them.
bool must_count(TensorCut& cut, std::uint64_t zeros_before) {
  const bool follows = cut.mask.removes_smallest() || (zeros_before == 0 && !cut.mask.changes_values());
  if (follows)
    cut.zeros = std::max(zeros_before, cut.pruned);  // zeros are the smallest elements, so they are pruned first
  return !follows;
}

}  // namespace

std::vector<std::uint64_t> count_zeros(std::span<const TensorView> tensors, const Context& context) {
  const std::vector<stats::Piece> pieces = stats::own_pieces(tensors, context);
  std::vector<std::uint64_t> by_piece(pieces.size());
  stats::for_pieces(tensors, pieces, context, [&](std::size_t item, unsigned) {
    const TensorView& tensor = tensors[pieces[item].tensor];
    const stats::FloatFormat& format = stats::float_format(tensor.dtype);
    const std::size_t size = format.size();
    const checkpoint::TensorPiece data(tensor.bytes, pieces[item].begin * size, pieces[item].count * size);
    by_piece[item] = zeros_in(format, data.data(), pieces[item].count);
  });
  std::vector<std::uint64_t> zeros(tensors.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) zeros[pieces[i].tensor] += by_piece[i];
  base::add_up(zeros, context);
  return zeros;
}

std::vector<std::uint64_t> count_zeros_after(const TensorView& tensor, std::span<const Mask* const> masks,
                                             const Context& context) {
  const stats::FloatFormat& format = stats::float_format(tensor.dtype);
  const std::vector<stats::Piece> pieces = stats::cut_into_pieces({&tensor, 1});
  std::vector<std::vector<std::uint64_t>> by_piece(pieces.size(), std::vector<std::uint64_t>(masks.size()));
  std::vector<std::vector<std::byte>> buffers(base::thread_count(context));
  base::parallel_for(pieces.size(), context, [&](std::size_t item, unsigned worker) {
    const stats::Piece& piece = pieces[item];
    buffers[worker].resize(piece.count * format.size());
    for (std::size_t i = 0; i < masks.size(); ++i) {
      masks[i]->copy(tensor, piece.begin, piece.count, buffers[worker].data());
      by_piece[item][i] = zeros_in(format, buffers[worker].data(), piece.count);
    }
  });
  std::vector<std::uint64_t> zeros(masks.size());
  for (const std::vector<std::uint64_t>& counts : by_piece)
    for (std::size_t i = 0; i < masks.size(); ++i) zeros[i] += counts[i];
  return zeros;
}

void set_zeros(PrunePlan& plan, std::span<const TensorView> tensors, const Context& context) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    std::vector<TensorCut*> counted;
    std::vector<const Mask*> masks;
    for (LevelPlan& level : plan.levels) {
      TensorCut& cut = level.cuts[i];
      if (!must_count(cut, plan.zeros_before[i])) continue;
      counted.push_back(&cut);
      masks.push_back(&cut.mask);
    }
    if (counted.empty()) continue;
    const std::vector<std::uint64_t> zeros = count_zeros_after(tensors[i], masks, context);
    for (std::size_t j = 0; j < counted.size(); ++j) counted[j]->zeros = zeros[j];
  }
  for (LevelPlan& level : plan.levels)
    for (const TensorCut& cut : level.cuts) {
      level.pruned += cut.pruned;
      level.zeros += cut.zeros;
    }
}

}  // namespace pare::prune
