#include "prune/criteria/set_cut.h"

#include <algorithm>
#include <array>

#include "base/collective.h"

namespace pare::prune {

void add_up_ranks(std::vector<std::vector<kernels::RankCount>>& ranks, const Context& context) {
  if (context.group() == nullptr) return;
  std::vector<std::uint64_t> numbers;
  for (const std::vector<kernels::RankCount>& set : ranks)
    for (const kernels::RankCount& rank : set) numbers.insert(numbers.end(), {rank.below, rank.equal});
  base::add_up(numbers, context);
  auto number = numbers.begin();
  for (std::vector<kernels::RankCount>& set : ranks)
    for (kernels::RankCount& rank : set) {
      rank.below = *number++;
      rank.equal = *number++;
    }
}

void share_cuts(std::vector<std::vector<TensorCut>>& levels, const Context& context) {
  if (context.group() == nullptr) return;
  // Fields of the cuts that this process has made, and zeros for the others, so that sums are the fields of all.
  constexpr std::uint64_t kKey = 1, kScore = 2;
  std::vector<std::uint64_t> numbers;
  for (const std::vector<TensorCut>& cuts : levels)
    for (const TensorCut& cut : cuts) {
      std::array<std::uint64_t, 6> fields{cut.pruned, 0, 0, 0, 0, 0};
      if (const auto* key = std::get_if<Mask::BelowKey>(&cut.mask.kind()))
        fields = {cut.pruned, kKey, key->key, key->tie_end, 0, 0};
      if (const auto* score = std::get_if<Mask::BelowScore>(&cut.mask.kind()))
        fields = {cut.pruned, kScore, score->key, score->tie_end, score->seed, score->first_position};
      numbers.insert(numbers.end(), fields.begin(), fields.end());
    }
  base::add_up(numbers, context);
  const std::uint64_t* field = numbers.data();
  for (std::vector<TensorCut>& cuts : levels)
    for (TensorCut& cut : cuts) {
      cut.pruned = field[0];
      if (field[1] == kKey) cut.mask = Mask::BelowKey{field[2], field[3]};
      if (field[1] == kScore) cut.mask = Mask::BelowScore{field[2], field[3], field[4], field[5]};
      field += 6;
    }
}

std::vector<TieCut> settle_ties(std::span<const kernels::RankCount> ranks, std::span<const std::uint64_t> elements,
                                std::uint64_t count,
                                const std::function<std::uint64_t(std::size_t, std::uint64_t)>& nth_tie) {
  std::uint64_t left = count;
  for (const kernels::RankCount& rank : ranks) left -= rank.below;
  std::vector<TieCut> cuts(ranks.size());
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    const std::uint64_t taken = std::min(left, ranks[i].equal);
    left -= taken;
    cuts[i].pruned = ranks[i].below + taken;
    if (taken == 0) {
      cuts[i].tie_end = 0;
    } else if (taken == ranks[i].equal) {
      cuts[i].tie_end = elements[i];
    } else {
      cuts[i].tie_end = nth_tie(i, taken - 1) + 1;
    }
  }
  return cuts;
}

}  // namespace pare::prune
