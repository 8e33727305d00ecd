#include "prune/criteria/cut_random.h"

#include <algorithm>
#include <array>

#include "base/parallel.h"
#include "kernels/magnitude.h"
#include "prune/criteria/random_scores.h"
#include "stats/select_keys.h"
#include "stats/tensor_pieces.h"

namespace pare::prune {
namespace {

constexpr std::size_t kBlock = 4096;
constexpr std::size_t kPrefixes = 16;  // prefixes per pass over the scores; each has a table per worker
constexpr unsigned kScoreDigits = 2;

/// Calls visit(worker, tensor, index of the block's first element, scores, n) for every block.
template <class Visit>
void for_each_block(std::span<const TensorView> tensors, std::uint64_t first_position, std::uint64_t seed,
                    const Context& context, const Visit& visit) {
  std::vector<std::uint64_t> starts;
  for (const TensorView& tensor : tensors) {
    starts.push_back(first_position);
    first_position += tensor.elements();
  }
  const std::vector<stats::Piece> pieces = stats::own_pieces(tensors, context);
  base::parallel_for(pieces.size(), context, [&](std::size_t item, unsigned worker) {
    const stats::Piece& piece = pieces[item];
    alignas(64) std::array<std::uint32_t, kBlock> scores;
    for (std::uint64_t begin = piece.begin; begin < piece.begin + piece.count; begin += kBlock) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, piece.begin + piece.count - begin));
      fill_scores(seed, starts[piece.tensor] + begin, count, scores.data());
      visit(worker, piece.tensor, begin, scores.data(), count);
    }
  });
}

/// The scores, computed block by block whenever they are read.
class ScoreCounter final : public stats::KeyCounter {
 public:
  ScoreCounter(std::span<const TensorView> tensors, std::uint64_t first_position, std::uint64_t seed,
               const Context& context)
      : tensors_(tensors), first_position_(first_position), seed_(seed), context_(context) {}

  std::vector<stats::DigitCounts> count(unsigned digit, std::span<const std::uint64_t> prefixes) override {
    if (digit == 0) return count_tables(1, [](std::uint32_t score) { return std::pair{1U, score >> 16}; });
    std::vector<stats::DigitCounts> counts;
    for (std::size_t begin = 0; begin < prefixes.size(); begin += kPrefixes) {
      const auto some = prefixes.subspan(begin, std::min(kPrefixes, prefixes.size() - begin));
      std::vector<std::uint8_t> slot_of(stats::kDigits, 0);
      for (std::size_t slot = 0; slot < some.size(); ++slot) slot_of[some[slot]] = static_cast<std::uint8_t>(slot + 1);
      for (stats::DigitCounts& digits : count_tables(some.size(), [&](std::uint32_t score) {
             return std::pair<unsigned, std::uint32_t>{slot_of[score >> 16], score & 0xffffU};
           }))
        counts.push_back(std::move(digits));
    }
    return counts;
  }

 private:
  /// place(score) is the table, from 1 (0: none), and the digit to count there.
  template <class Place>
  std::vector<stats::DigitCounts> count_tables(std::size_t tables, const Place& place) const {
    std::vector<std::vector<stats::DigitCounts>> by_worker(base::thread_count(context_));
    for_each_block(tensors_, first_position_, seed_, context_,
                   [&](unsigned worker, std::size_t, std::uint64_t, const std::uint32_t* scores, std::size_t n) {
                     std::vector<stats::DigitCounts>& counts = by_worker[worker];
                     if (counts.empty()) counts.assign(tables, stats::DigitCounts(stats::kDigits, 0));
                     for (std::size_t i = 0; i < n; ++i)
                       if (const auto [table, digit] = place(scores[i]); table != 0) ++counts[table - 1][digit];
                   });
    std::vector<stats::DigitCounts> total(tables, stats::DigitCounts(stats::kDigits, 0));
    for (const std::vector<stats::DigitCounts>& counts : by_worker)
      for (std::size_t table = 0; table < counts.size(); ++table)
        for (std::size_t digit = 0; digit < stats::kDigits; ++digit) total[table][digit] += counts[table][digit];
    return total;
  }

  std::span<const TensorView> tensors_;
  std::uint64_t first_position_, seed_;
  Context context_;
};

/// ranks[set][tensor]: how many elements' scores lie below and at pivots[set]. Computes the scores once.
std::vector<std::vector<kernels::RankCount>> count_scores(std::span<const TensorView> tensors,
                                                          std::uint64_t first_position, std::uint64_t seed,
                                                          std::span<const stats::SelectedKey> pivots,
                                                          const Context& context) {
  using Ranks = std::vector<std::vector<kernels::RankCount>>;
  const Ranks none(pivots.size(), std::vector<kernels::RankCount>(tensors.size()));
  std::vector<Ranks> by_worker(base::thread_count(context), none);
  for_each_block(tensors, first_position, seed, context,
                 [&](unsigned worker, std::size_t tensor, std::uint64_t, const std::uint32_t* scores, std::size_t n) {
                   const auto* bytes = reinterpret_cast<const std::byte*>(scores);
                   for (std::size_t set = 0; set < pivots.size(); ++set) {
                     const kernels::RankCount rank =
                         kernels::count_rank(kernels::Width::k32, bytes, n, pivots[set].key);
                     by_worker[worker][set][tensor].below += rank.below;
                     by_worker[worker][set][tensor].equal += rank.equal;
                   }
                 });
  Ranks total = none;
  for (const Ranks& ranks : by_worker)
    for (std::size_t set = 0; set < pivots.size(); ++set)
      for (std::size_t i = 0; i < tensors.size(); ++i) {
        total[set][i].below += ranks[set][i].below;
        total[set][i].equal += ranks[set][i].equal;
      }
  add_up_ranks(total, context);
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
                               std::span<const std::uint64_t> counts, std::uint64_t seed, const Context& context) {
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
  ScoreCounter scores(tensors, first_position, seed, context);
  const std::vector<stats::SelectedKey> pivots = stats::select_keys(scores, kScoreDigits, total, positions, context);
  const std::vector<std::vector<kernels::RankCount>> ranks =
      count_scores(tensors, first_position, seed, pivots, context);
  for (std::size_t set = 0; set < counts.size(); ++set) {
    if (counts[set] == 0) continue;
    const auto nth_tie = [&](std::size_t i, std::uint64_t n) {
      return nth_score(tensors[i], starts[i], seed, pivots[set].key, n);
    };
    const std::vector<TieCut> settled = settle_ties(ranks[set], elements, counts[set], nth_tie);
    for (std::size_t i = 0; i < tensors.size(); ++i)
      if (settled[i].pruned != 0)
        cuts[set].tensors[i] = {settled[i].pruned, 0,
                                Mask::BelowScore{pivots[set].key, settled[i].tie_end, seed, starts[i]}};
  }
  return cuts;
}

}  // namespace pare::prune
