#include "prune/criteria/set_cut.h"

#include <algorithm>

namespace pare::prune {

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
