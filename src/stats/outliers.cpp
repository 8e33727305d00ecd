#include "stats/outliers.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/parallel.h"
#include "kernels/magnitude.h"
#include "stats/float_format.h"

namespace pare::stats {
namespace {

constexpr std::size_t kBlockElements = 4096;

/// True if a ranks before b: larger, or as large and earlier.
bool ranks_before(const Outlier& a, const Outlier& b) {
  const double left = std::abs(a.value), right = std::abs(b.value);
  if (left != right) return left > right;
  return a.tensor != b.tensor ? a.tensor < b.tensor : a.index < b.index;
}

/// The piece's own leaders among elements of magnitude >= lowest.
std::vector<Outlier> leaders_of(const TensorView& tensor, const Piece& piece, double lowest, std::size_t wanted) {
  const FloatFormat& format = float_format(tensor.dtype);
  const std::uint64_t lowest_key = ceiling_key(format, lowest);
  std::vector<Outlier> leaders;
  for (std::uint64_t begin = piece.begin; begin < piece.begin + piece.count; begin += kBlockElements) {
    const std::uint64_t count = std::min<std::uint64_t>(kBlockElements, piece.begin + piece.count - begin);
    const std::byte* data = tensor.bytes.data() + begin * format.size();
    if (kernels::count_rank(format.width, data, count, lowest_key).below == count) continue;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t pattern = load_pattern(format, data, i);
      const std::uint64_t key = pattern & ~format.sign_bit();
      if (key < lowest_key || format.is_nan(key)) continue;
      leaders.push_back({piece.tensor, begin + i, element_value(tensor, begin + i)});
    }
    if (leaders.size() < 8 * wanted) continue;  // keep what many equal values would pile up small
    std::partial_sort(leaders.begin(), leaders.begin() + static_cast<std::ptrdiff_t>(wanted), leaders.end(),
                      ranks_before);
    leaders.resize(wanted);
  }
  std::sort(leaders.begin(), leaders.end(), ranks_before);
  if (leaders.size() > wanted) leaders.resize(wanted);
  return leaders;
}

}  // namespace

std::vector<Outlier> find_largest(std::span<const TensorView> tensors, std::span<const Piece> pieces,
                                  std::span<const Stats> by_piece, std::size_t wanted, unsigned threads) {
  // Every piece holds one element as large as its maximum, so the wanted-th largest maximum is a
  // lower bound of the wanted-th largest element.
  std::vector<double> maxima;
  for (const Stats& stats : by_piece)
    if (stats.count != stats.nans) maxima.push_back(stats.max_magnitude);
  std::sort(maxima.begin(), maxima.end(), std::greater<>());
  const double lowest = maxima.size() >= wanted ? maxima[wanted - 1] : 0;
  std::vector<std::size_t> candidates;
  for (std::size_t i = 0; i < pieces.size(); ++i)
    if (by_piece[i].count != by_piece[i].nans && by_piece[i].max_magnitude >= lowest) candidates.push_back(i);
  std::vector<std::vector<Outlier>> leaders(candidates.size());
  base::parallel_for(candidates.size(), threads, [&](std::size_t item, unsigned) {
    const Piece& piece = pieces[candidates[item]];
    leaders[item] = leaders_of(tensors[piece.tensor], piece, lowest, wanted);
  });
  std::vector<Outlier> all;
  for (const std::vector<Outlier>& part : leaders) all.insert(all.end(), part.begin(), part.end());
  std::sort(all.begin(), all.end(), ranks_before);
  if (all.size() > wanted) all.resize(wanted);
  return all;
}

}  // namespace pare::stats
