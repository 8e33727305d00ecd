// The same selection as by magnitude, on scores that are made block by block instead of read.
#include "prune/criteria/cut_random.h"

#include <algorithm>
#include <array>

#include "base/parallel.h"
#include "kernels/leading_bits.h"
#include "kernels/magnitude.h"
#include "prune/criteria/random_scores.h"
#include "stats/pieces.h"

namespace pare::prune {
namespace {

constexpr std::size_t kBlock = 4096;
constexpr std::size_t kDigits = 1U << 16;

/// Calls visit(worker, tensor, index of the block's first element, scores, n) for every block.
template <class Visit>
void for_each_block(std::span<const TensorView> tensors, std::uint64_t first_position, std::uint64_t seed,
                    unsigned threads, const Visit& visit) {
  std::vector<std::uint64_t> starts;
  for (const TensorView& tensor : tensors) {
    starts.push_back(first_position);
    first_position += tensor.elements();
  }
  const std::vector<stats::Piece> pieces = stats::cut_into_pieces(tensors);
  base::parallel_for(pieces.size(), threads, [&](std::size_t item, unsigned worker) {
    const stats::Piece& piece = pieces[item];
    alignas(64) std::array<std::uint32_t, kBlock> scores;
    for (std::uint64_t begin = piece.begin; begin < piece.begin + piece.count; begin += kBlock) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, piece.begin + piece.count - begin));
      fill_scores(seed, starts[piece.tensor] + begin, count, scores.data());
      visit(worker, piece.tensor, begin, scores.data(), count);
    }
  });
}

/// The score at each 0-based position of the rising order of all scores, digit by digit.
std::vector<std::uint64_t> select_scores(std::span<const TensorView> tensors, std::uint64_t first_position,
                                         std::uint64_t seed, std::span<const std::uint64_t> positions,
                                         unsigned threads) {
  const unsigned workers = base::thread_count(threads);
  std::vector<std::vector<std::uint64_t>> counts(workers, std::vector<std::uint64_t>(kDigits, 0));
  for_each_block(tensors, first_position, seed, threads,
                 [&](unsigned worker, std::size_t, std::uint64_t, const std::uint32_t* scores, std::size_t n) {
                   for (std::size_t i = 0; i < n; ++i) ++counts[worker][scores[i] >> 16];
                 });
  const auto descend = [&](std::uint64_t position) {
    for (std::uint64_t digit = 0;; ++digit) {
      std::uint64_t here = 0;
      for (unsigned worker = 0; worker < workers; ++worker) here += counts[worker][digit];
      if (position < here) return std::pair{digit, position};
      position -= here;
    }
  };
  std::vector<std::pair<std::uint64_t, std::uint64_t>> found;  // first digit, position among those that share it
  for (const std::uint64_t position : positions) found.push_back(descend(position));
  std::vector<std::uint64_t> selected;
  for (const auto& [leading, position] : found) {
    for (std::vector<std::uint64_t>& table : counts) std::fill(table.begin(), table.end(), 0);
    for_each_block(
        tensors, first_position, seed, threads,
        [&, top = leading](unsigned worker, std::size_t, std::uint64_t, const std::uint32_t* scores, std::size_t n) {
          for (std::size_t i = 0; i < n; ++i)
            if (scores[i] >> 16 == top) ++counts[worker][scores[i] & 0xffffU];
        });
    selected.push_back((leading << 16) | descend(position).first);
  }
  return selected;
}

/// Elements of each tensor whose score lies below and at the pivot.
std::vector<kernels::RankCount> count_scores(std::span<const TensorView> tensors, std::uint64_t first_position,
                                             std::uint64_t seed, std::uint64_t pivot, unsigned threads) {
  std::vector<std::vector<kernels::RankCount>> by_worker(base::thread_count(threads),
                                                         std::vector<kernels::RankCount>(tensors.size()));
  for_each_block(tensors, first_position, seed, threads,
                 [&](unsigned worker, std::size_t tensor, std::uint64_t, const std::uint32_t* scores, std::size_t n) {
                   const auto* bytes = reinterpret_cast<const std::byte*>(scores);
                   const kernels::RankCount rank = kernels::count_rank(kernels::Width::k32, bytes, n, pivot);
                   by_worker[worker][tensor].below += rank.below;
                   by_worker[worker][tensor].equal += rank.equal;
                 });
  std::vector<kernels::RankCount> total(tensors.size());
  for (const std::vector<kernels::RankCount>& counts : by_worker)
    for (std::size_t i = 0; i < total.size(); ++i) {
      total[i].below += counts[i].below;
      total[i].equal += counts[i].equal;
    }
  return total;
}

/// Flat index of a tensor's n-th element whose score is `score`.
std::uint64_t nth_score(const TensorView& tensor, std::uint64_t first_position, std::uint64_t seed, std::uint64_t score,
                        std::uint64_t n) {
  std::array<std::uint32_t, kBlock> scores;
  const std::uint64_t elements = tensor.elements();
  for (std::uint64_t begin = 0; begin < elements; begin += kBlock) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, elements - begin));
    fill_scores(seed, first_position + begin, count, scores.data());
    for (std::size_t i = 0; i < count; ++i)
      if (scores[i] == score && n-- == 0) return begin + i;
  }
  return elements;
}

}  // namespace

std::vector<SetCut> cut_random(std::span<const TensorView> tensors, std::uint64_t first_position,
                               std::span<const std::uint64_t> counts, std::uint64_t seed, unsigned threads) {
  std::vector<std::uint64_t> elements, starts;
  std::uint64_t total = 0;
  for (const TensorView& tensor : tensors) {
    starts.push_back(first_position + total);
    total += elements.emplace_back(tensor.elements());
  }
  std::vector<SetCut> cuts(counts.size(), SetCut{std::vector<TensorCut>(tensors.size()), std::nullopt});
  if (total == 0) return cuts;
  std::vector<std::uint64_t> positions;
  for (const std::uint64_t count : counts) positions.push_back(count == 0 ? 0 : count - 1);
  const std::vector<std::uint64_t> pivots = select_scores(tensors, first_position, seed, positions, threads);
  for (std::size_t set = 0; set < counts.size(); ++set) {
    if (counts[set] == 0) continue;
    const std::vector<kernels::RankCount> ranks = count_scores(tensors, first_position, seed, pivots[set], threads);
    const auto nth_tie = [&](std::size_t i, std::uint64_t n) {
      return nth_score(tensors[i], starts[i], seed, pivots[set], n);
    };
    const std::vector<TieCut> settled = settle_ties(ranks, elements, counts[set], nth_tie);
    for (std::size_t i = 0; i < tensors.size(); ++i)
      if (settled[i].pruned != 0)
        cuts[set].tensors[i] = {settled[i].pruned, 0,
                                Mask::BelowScore{pivots[set], settled[i].tie_end, seed, starts[i]}};
  }
  return cuts;
}

}  // namespace pare::prune
