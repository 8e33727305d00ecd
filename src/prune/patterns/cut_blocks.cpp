#include "prune/patterns/cut_blocks.h"

#include <algorithm>
#include <atomic>
#include <bit>

#include "base/parallel.h"
#include "stats/select_keys.h"

namespace pare::prune {
namespace {

constexpr unsigned kScoreDigits = 4;
constexpr std::uint64_t kFewEnough = 1U << 20;  // scores that may be listed to find the threshold among them

Fold fold_of(Norm norm) {
  switch (norm) {
    case Norm::kL1:
      return Fold::kSum;
    case Norm::kL2:
      return Fold::kSumOfSquares;
    case Norm::kLInf:
      return Fold::kLargest;
  }
  return Fold::kSum;
}

/// Scores of all blocks. They are computed whenever they are read and are never all stored. A score is the bit pattern
/// of a norm >= 0, so that integers have the same order as norms.
class Scores {
 public:
  Scores(std::span<const TensorView> tensors, std::span<const Tiling> tilings, Norm norm, const Context& context)
      : tensors_(tensors), tilings_(tilings), norm_(norm), context_(context) {}

  unsigned workers() const { return base::thread_count(context_); }

  std::uint64_t blocks() const {
    std::uint64_t blocks = 0;
    for (const Tiling& tiling : tilings_) blocks += tiling.blocks();
    return blocks;
  }

  /// Calls visit(worker, tensor, block, score) for every block.
  template <class Visit>
  void for_each(const Visit& visit) const {
    fold_blocks(tensors_, tilings_, fold_of(norm_), context_,
                [&](unsigned worker, std::size_t tensor, std::uint64_t first, std::span<const double> values) {
                  const Tiling& tiling = tilings_[tensor];
                  // A run lies in one band: either all of its blocks are smaller, or at most its last one.
                  const bool whole = norm_ == Norm::kLInf || tiling.elements(first) == tiling.whole;
                  const std::size_t n = whole ? values.size() - 1 : 0;
                  for (std::size_t i = 0; i < n; ++i)
                    visit(worker, tensor, first + i, std::bit_cast<std::uint64_t>(values[i]));
                  for (std::size_t i = n; i < values.size(); ++i)
                    visit(worker, tensor, first + i, score(tiling, first + i, values[i]));
                });
  }

 private:
  /// A smaller block is scaled as if the missing elements were like the present ones.
  std::uint64_t score(const Tiling& tiling, std::uint64_t block, double value) const {
    const std::uint64_t elements = tiling.elements(block);
    if (norm_ != Norm::kLInf && elements != tiling.whole)
      value = value / static_cast<double>(elements) * static_cast<double>(tiling.whole);
    return std::bit_cast<std::uint64_t>(value);
  }

  std::span<const TensorView> tensors_;
  std::span<const Tiling> tilings_;
  Norm norm_;
  Context context_;
};

/// Scores as keys, for the selection.
class NormCounter final : public stats::KeyCounter {
 public:
  explicit NormCounter(const Scores& scores) : scores_(scores) {}

  std::vector<stats::DigitCounts> count(unsigned digit, std::span<const std::uint64_t> prefixes) override {
    std::vector<std::vector<stats::DigitCounts>> by_worker(
        scores_.workers(), std::vector<stats::DigitCounts>(prefixes.size(), stats::DigitCounts(stats::kDigits)));
    const unsigned shift = 64 - stats::kDigitBits * (digit + 1);
    each_match(digit, prefixes, [&](unsigned worker, std::size_t slot, std::uint64_t score) {
      ++by_worker[worker][slot][score >> shift & (stats::kDigits - 1)];
    });
    std::vector<stats::DigitCounts> total = std::move(by_worker.front());
    for (std::size_t worker = 1; worker < by_worker.size(); ++worker)
      for (std::size_t slot = 0; slot < total.size(); ++slot)
        for (std::size_t i = 0; i < stats::kDigits; ++i) total[slot][i] += by_worker[worker][slot][i];
    return total;
  }

  std::uint64_t list_limit() const override { return kFewEnough; }

  std::vector<std::vector<std::uint64_t>> list(unsigned digit, std::span<const std::uint64_t> prefixes) override {
    std::vector<std::vector<std::vector<std::uint64_t>>> by_worker(
        scores_.workers(), std::vector<std::vector<std::uint64_t>>(prefixes.size()));
    each_match(digit, prefixes, [&](unsigned worker, std::size_t slot, std::uint64_t score) {
      by_worker[worker][slot].push_back(score);
    });
    std::vector<std::vector<std::uint64_t>> lists = std::move(by_worker.front());
    for (std::size_t worker = 1; worker < by_worker.size(); ++worker)
      for (std::size_t slot = 0; slot < lists.size(); ++slot)
        lists[slot].insert(lists[slot].end(), by_worker[worker][slot].begin(), by_worker[worker][slot].end());
    return lists;
  }

 private:
  /// Calls visit(worker, index into prefixes, score) for every score whose first `digit` digits are a prefix.
  template <class Visit>
  void each_match(unsigned digit, std::span<const std::uint64_t> prefixes, const Visit& visit) const {
    const unsigned known_bits = stats::kDigitBits * digit;
    scores_.for_each([&](unsigned worker, std::size_t, std::uint64_t, std::uint64_t score) {
      const std::uint64_t prefix = known_bits == 0 ? 0 : score >> (64 - known_bits);
      for (std::size_t slot = 0; slot < prefixes.size(); ++slot)
        if (prefix == prefixes[slot]) visit(worker, slot, score);
    });
  }

  const Scores& scores_;
};

/// A bit for each block; several threads may set bits.
class BlockBits {
 public:
  explicit BlockBits(std::uint64_t blocks) : words_((blocks + 63) / 64) {}
  void set(std::uint64_t block) {
    std::atomic_ref<std::uint64_t>(words_[block / 64]).fetch_or(1ULL << block % 64, std::memory_order_relaxed);
  }
  std::vector<std::uint64_t>& words() { return words_; }

 private:
  std::vector<std::uint64_t> words_;
};

/// Moves the first `count` set bits of `ties` to `removed`; returns how many there were.
std::uint64_t take_first(std::vector<std::uint64_t>& ties, std::uint64_t count, std::vector<std::uint64_t>& removed) {
  std::uint64_t taken = 0;
  for (std::size_t word = 0; word < ties.size() && taken < count; ++word)
    for (; ties[word] != 0 && taken < count; ties[word] &= ties[word] - 1, ++taken)
      removed[word] |= ties[word] & -ties[word];
  return taken;
}

std::uint64_t elements_of(const Tiling& tiling, const std::vector<std::uint64_t>& removed) {
  std::uint64_t elements = 0;
  if (tiling.rows % tiling.block_rows == 0 && tiling.columns % tiling.block_columns == 0) {
    for (const std::uint64_t word : removed) elements += static_cast<std::uint64_t>(std::popcount(word));
    return elements * tiling.block_rows * tiling.block_columns;
  }
  for (std::size_t word = 0; word < removed.size(); ++word)
    for (std::uint64_t bits = removed[word]; bits != 0; bits &= bits - 1)
      elements += tiling.elements(64 * word + static_cast<std::uint64_t>(std::countr_zero(bits)));
  return elements;
}

}  // namespace

std::vector<SetCut> cut_blocks(std::span<const TensorView> tensors, std::span<const Tiling> tilings, Norm norm,
                               std::span<const std::uint64_t> counts, const Context& context) {
  std::vector<SetCut> cuts(counts.size(), SetCut{std::vector<TensorCut>(tensors.size()), std::nullopt});
  std::vector<std::size_t> cutting;  // levels at which something is pruned
  std::vector<std::uint64_t> positions;
  for (std::size_t level = 0; level < counts.size(); ++level) {
    if (counts[level] == 0) continue;
    cutting.push_back(level);
    positions.push_back(counts[level] - 1);
  }
  if (cutting.empty()) return cuts;
  const Scores scores(tensors, tilings, norm, context);
  NormCounter counter(scores);
  const std::vector<stats::SelectedKey> last = stats::select_keys(counter, kScoreDigits, scores.blocks(), positions);
  std::vector<std::vector<BlockBits>> removed(cutting.size()), ties(cutting.size());
  for (std::size_t i = 0; i < cutting.size(); ++i)
    for (const Tiling& tiling : tilings) {
      removed[i].emplace_back(tiling.blocks());
      ties[i].emplace_back(tiling.blocks());
    }
  scores.for_each([&](unsigned, std::size_t tensor, std::uint64_t block, std::uint64_t score) {
    for (std::size_t i = 0; i < last.size(); ++i) {
      if (score < last[i].key) removed[i][tensor].set(block);
      if (score == last[i].key) ties[i][tensor].set(block);
    }
  });
  for (std::size_t i = 0; i < cutting.size(); ++i) {
    std::uint64_t left = last[i].ties_before + 1;
    for (std::size_t tensor = 0; tensor < tensors.size(); ++tensor) {
      const Tiling& tiling = tilings[tensor];
      std::vector<std::uint64_t>& words = removed[i][tensor].words();
      left -= take_first(ties[i][tensor].words(), left, words);
      if (const std::uint64_t pruned = elements_of(tiling, words); pruned != 0)
        cuts[cutting[i]].tensors[tensor] = {pruned, 0,
                                            Mask::Bits{std::move(words), tiling.block_rows, tiling.block_columns}};
    }
  }
  return cuts;
}

}  // namespace pare::prune
