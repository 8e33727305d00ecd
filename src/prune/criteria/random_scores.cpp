#include "prune/criteria/random_scores.h"

namespace pare::prune {

void fill_scores(std::uint64_t seed, std::uint64_t first_position, std::size_t n, std::uint32_t* scores) {
  // SplitMix64 (Steele, Lea and Flood 2014): a counter times the golden ratio, then a finalizer. The seed is mixed
  // first, so that neighboring seeds do not give neighboring counters.
  std::uint64_t start = (seed + 0x9e3779b97f4a7c15ULL) * 0xbf58476d1ce4e5b9ULL;
  start = (start ^ (start >> 31)) * 0x94d049bb133111ebULL;
  for (std::size_t i = 0; i < n; ++i) {
    std::uint64_t z = start + (first_position + i + 1) * 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    scores[i] = static_cast<std::uint32_t>((z ^ (z >> 31)) >> 33);
  }
}

}  // namespace pare::prune
