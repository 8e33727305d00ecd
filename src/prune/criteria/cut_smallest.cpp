#include "prune/criteria/cut_smallest.h"

#include <algorithm>

#include "base/parallel.h"
#include "checkpoint/tensor_piece.h"
#include "kernels/magnitude.h"
#include "stats/float_format.h"
#include "stats/rank.h"
#include "stats/tensor_pieces.h"

namespace pare::prune {
namespace {

constexpr std::uint64_t kBlockElements = 4096;  // stays in the first-level cache while all levels read it

/// ranks[set][tensor]: how many elements lie below and at pivots[set][tensor]. Reads the weights once; of all processes
/// of a group.
std::vector<std::vector<kernels::RankCount>> count_ranks(std::span<const TensorView> tensors,
                                                         const std::vector<std::vector<std::uint64_t>>& pivots,
                                                         const Context& context) {
  const std::vector<stats::Piece> pieces = stats::own_pieces(tensors, context);
  std::vector<std::vector<kernels::RankCount>> by_piece(pieces.size());
  stats::for_pieces(tensors, pieces, context, [&](std::size_t item, unsigned) {
    const stats::Piece& piece = pieces[item];
    const TensorView& tensor = tensors[piece.tensor];
    const stats::FloatFormat& format = stats::float_format(tensor.dtype);
    by_piece[item].resize(pivots.size());
    const std::uint64_t block_elements = checkpoint::elements_at_once(tensor.bytes, kBlockElements);
    for (std::uint64_t begin = piece.begin; begin < piece.begin + piece.count; begin += block_elements) {
      const std::uint64_t count = std::min(block_elements, piece.begin + piece.count - begin);
      const checkpoint::TensorPiece block(tensor.bytes, begin * format.size(), count * format.size());
      const std::byte* data = block.data();
      for (std::size_t set = 0; set < pivots.size(); ++set) {
        const kernels::RankCount rank = kernels::count_rank(format.width, data, count, pivots[set][piece.tensor]);
        by_piece[item][set].below += rank.below;
        by_piece[item][set].equal += rank.equal;
      }
    }
  });
  std::vector<std::vector<kernels::RankCount>> ranks(pivots.size(), std::vector<kernels::RankCount>(tensors.size()));
  for (std::size_t i = 0; i < pieces.size(); ++i)
    for (std::size_t set = 0; set < pivots.size(); ++set) {
      ranks[set][pieces[i].tensor].below += by_piece[i][set].below;
      ranks[set][pieces[i].tensor].equal += by_piece[i][set].equal;
    }
  add_up_ranks(ranks, context);
  return ranks;
}

/// Flat index of the n-th element (from 0) whose key is `key`.
std::uint64_t nth_equal(const TensorView& tensor, std::uint64_t key, std::uint64_t n) {
  const stats::FloatFormat& format = stats::float_format(tensor.dtype);
  const std::uint64_t elements = tensor.elements();
  const std::uint64_t block_elements = checkpoint::elements_at_once(tensor.bytes, kBlockElements);
  for (std::uint64_t begin = 0; begin < elements; begin += block_elements) {
    const std::uint64_t count = std::min(block_elements, elements - begin);
    const checkpoint::TensorPiece data(tensor.bytes, begin * format.size(), count * format.size());
    const std::uint64_t equal = kernels::count_rank(format.width, data.data(), count, key).equal;
    if (n >= equal) {
      n -= equal;
      continue;
    }
    for (std::uint64_t i = 0;; ++i)
      if ((stats::load_pattern(format, data.data(), i) & ~format.sign_bit()) == key && n-- == 0) return begin + i;
  }
  return elements;
}

}  // namespace

std::vector<SetCut> cut_smallest(std::span<const TensorView> tensors, std::span<const std::uint64_t> counts,
                                 const Context& context) {
  std::vector<std::uint64_t> elements;
  std::uint64_t total = 0;
  for (const TensorView& tensor : tensors) total += elements.emplace_back(tensor.elements());
  std::vector<std::uint64_t> positions;  // of the largest pruned element
  for (const std::uint64_t count : counts) positions.push_back(count == 0 ? 0 : count - 1);
  std::vector<SetCut> cuts(counts.size(), SetCut{std::vector<TensorCut>(tensors.size()), std::nullopt});
  if (total == 0) return cuts;
  const stats::RankSpace space(tensors);
  const std::vector<std::uint64_t> thresholds = stats::select_ranks(space, tensors, positions, context);
  std::vector<std::vector<std::uint64_t>> keys(counts.size());
  for (std::size_t set = 0; set < counts.size(); ++set)
    for (const TensorView& tensor : tensors) keys[set].push_back(space.first_key(tensor.dtype, thresholds[set]));
  std::vector<std::vector<kernels::RankCount>> ranks = count_ranks(tensors, keys, context);
  for (std::size_t set = 0; set < counts.size(); ++set) {
    if (counts[set] == 0) continue;
    cuts[set].threshold = space.value(thresholds[set]);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      // The next representable value of a narrower type may already lie above the threshold.
      const bool on_threshold = keys[set][i] < stats::float_format(tensors[i].dtype).sign_bit() &&
                                space.to_rank(tensors[i].dtype, keys[set][i]) == thresholds[set];
      if (!on_threshold) ranks[set][i].equal = 0;
    }
    const auto nth_tie = [&](std::size_t i, std::uint64_t n) { return nth_equal(tensors[i], keys[set][i], n); };
    const std::vector<TieCut> settled = settle_ties(ranks[set], elements, counts[set], nth_tie);
    for (std::size_t i = 0; i < tensors.size(); ++i)
      if (settled[i].pruned != 0)
        cuts[set].tensors[i] = {settled[i].pruned, 0, Mask::BelowKey{keys[set][i], settled[i].tie_end}};
  }
  return cuts;
}

}  // namespace pare::prune
