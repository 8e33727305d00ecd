#include "stats/outliers.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/parallel.h"
#include "checkpoint/tensor_piece.h"
#include "kernels/magnitude.h"
#include "stats/float_format.h"

namespace pare::stats {
namespace {

constexpr std::size_t kBlockElements = 4096, kSearchedElements = 256;

/// True if a ranks before b: it is larger, or equal and earlier.
bool ranks_before(const Outlier& a, const Outlier& b) {
  const double left = std::abs(a.value), right = std::abs(b.value);
  if (left != right) return left > right;
  return a.tensor != b.tensor ? a.tensor < b.tensor : a.index < b.index;
}

/// The first `wanted` in rank among the elements of one worker, and a few more.
class Leaders {
 public:
  explicit Leaders(std::size_t wanted) : wanted_(wanted) {}

  void add(const Outlier& outlier) {
    outliers_.push_back(outlier);
    if (outliers_.size() >= 8 * wanted_) trim();
  }
  const std::vector<Outlier>& trim() {
    const std::size_t kept = std::min(wanted_, outliers_.size());
    std::partial_sort(outliers_.begin(), outliers_.begin() + static_cast<std::ptrdiff_t>(kept), outliers_.end(),
                      ranks_before);
    outliers_.resize(kept);
    return outliers_;
  }
  /// What the magnitude of an element after all that were added has to exceed.
  double bar() {
    if (outliers_.size() < wanted_) return -1;
    return std::abs(trim().back().value);
  }

 private:
  std::size_t wanted_;
  std::vector<Outlier> outliers_;
};

/// What is looked for in a piece.
struct Wanted {
  std::uint64_t lowest_key;
  std::size_t count;
  std::size_t as_low = 0;  ///< elements found at lowest_key itself
};

/// Adds the elements of some neighbors, of which the first has this index, that are large enough.
void add_some(const FloatFormat& format, const std::byte* data, std::uint64_t count, std::size_t tensor,
              std::uint64_t first, Wanted& wanted, Leaders& leaders) {
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t pattern = load_pattern(format, data, i), key = pattern & ~format.sign_bit();
    if (key < wanted.lowest_key || format.is_nan(key)) continue;
    const double magnitude = key_value(format, key);
    leaders.add({tensor, first + i, pattern == key ? magnitude : -magnitude});
    // A piece with a single value must not be read element by element.
    if (key == wanted.lowest_key && ++wanted.as_low == wanted.count) {
      ++wanted.lowest_key;
      wanted.as_low = 0;
    }
  }
}

/// Adds the piece's elements of magnitude >= lowest; among equal ones, the first `wanted` are enough.
void add_leaders(const TensorView& tensor, const Piece& piece, double lowest, std::size_t wanted, Leaders& leaders) {
  const FloatFormat& format = float_format(tensor.dtype);
  Wanted search{ceiling_key(format, lowest), wanted};
  const auto has_none = [&](const std::byte* data, std::uint64_t count) {
    return kernels::count_rank(format.width, data, count, search.lowest_key).below == count;
  };
  const std::uint64_t block_elements = checkpoint::elements_at_once(tensor.bytes, kBlockElements);
  for (std::uint64_t begin = piece.begin; begin < piece.begin + piece.count; begin += block_elements) {
    const std::uint64_t count = std::min(block_elements, piece.begin + piece.count - begin);
    const checkpoint::TensorPiece block(tensor.bytes, begin * format.size(), count * format.size());
    if (has_none(block.data(), count)) continue;
    for (std::uint64_t at = 0; at < count; at += kSearchedElements) {
      const std::uint64_t some = std::min<std::uint64_t>(kSearchedElements, count - at);
      const std::byte* data = block.data() + at * format.size();
      if (!has_none(data, some)) add_some(format, data, some, piece.tensor, begin + at, search, leaders);
    }
  }
}

}  // namespace

std::vector<Outlier> leading(std::vector<Outlier> outliers, std::size_t wanted) {
  std::sort(outliers.begin(), outliers.end(), ranks_before);
  outliers.resize(std::min(outliers.size(), wanted));
  return outliers;
}

std::vector<Outlier> find_largest(std::span<const TensorView> tensors, std::span<const Piece> pieces,
                                  std::span<const PieceFigures> by_piece, std::size_t wanted, const Context& context) {
  // Every piece holds one element as large as its maximum, so the wanted-th largest maximum is a
  // lower bound of the wanted-th largest element.
  std::vector<double> maxima;
  for (const PieceFigures& figures : by_piece)
    if (figures.any_number) maxima.push_back(figures.max_magnitude);
  std::sort(maxima.begin(), maxima.end(), std::greater<>());
  const double lowest = maxima.size() >= wanted ? maxima[wanted - 1] : 0;
  std::vector<std::size_t> candidates;
  // Of pieces that have only equals of it, the first are enough: each of them has one, and ties go by order. Quantized
  // weights have many such pieces.
  std::size_t as_low = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (!by_piece[i].any_number || by_piece[i].max_magnitude < lowest) continue;
    if (by_piece[i].max_magnitude == lowest && ++as_low > wanted) continue;
    candidates.push_back(i);
  }
  std::vector<Leaders> leaders(base::thread_count(context), Leaders(wanted));
  base::parallel_for(candidates.size(), context, [&](std::size_t item, unsigned worker) {
    // A worker's pieces are in rising order.
    const Piece& piece = pieces[candidates[item]];
    const double bar = leaders[worker].bar();
    if (by_piece[candidates[item]].max_magnitude > bar)
      add_leaders(tensors[piece.tensor], piece, std::max(lowest, bar), wanted, leaders[worker]);
  });
  Leaders all(wanted);
  for (Leaders& part : leaders)
    for (const Outlier& outlier : part.trim()) all.add(outlier);
  return all.trim();
}

}  // namespace pare::stats
