#include "pare/stats.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "stats/float_format.h"

namespace pare {

void Stats::add(const Stats& other) {
  const std::uint64_t numbers = count - nans;
  const std::uint64_t other_numbers = other.count - other.nans;
  if (other_numbers != 0) {
    min = numbers == 0 ? other.min : std::min(min, other.min);
    max = numbers == 0 ? other.max : std::max(max, other.max);
    max_magnitude = std::max(max_magnitude, other.max_magnitude);
  }
  if (cutoffs.empty() && count == 0) cutoffs.resize(other.cutoffs.size());
  assert(cutoffs.size() == other.cutoffs.size());
  for (std::size_t i = 0; i < cutoffs.size(); ++i) {
    cutoffs[i].cutoff = other.cutoffs[i].cutoff;
    cutoffs[i].above += other.cutoffs[i].above;
    cutoffs[i].inside += other.cutoffs[i].inside;
  }
  count += other.count;
  zeros += other.zeros;
  nans += other.nans;
  positive_infinities += other.positive_infinities;
  negative_infinities += other.negative_infinities;
  sum += other.sum;
  sum_of_squares += other.sum_of_squares;
}

double Stats::mean() const noexcept {
  const std::uint64_t finite = count - nans - positive_infinities - negative_infinities;
  return finite == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(finite);
}

double Stats::std() const noexcept {
  const std::uint64_t finite = count - nans - positive_infinities - negative_infinities;
  if (finite < 2) return std::numeric_limits<double>::quiet_NaN();
  const double n = static_cast<double>(finite);
  return std::sqrt(std::max(0.0, (sum_of_squares - sum * (sum / n)) / (n - 1)));
}

double Stats::share(Measure measure, std::size_t cutoff) const noexcept {
  if (count == 0) return 0;
  const CutoffCount& at = cutoffs[cutoff];
  const std::uint64_t big = measure == Measure::kMagnitude ? at.above : count - nans - at.inside;
  return static_cast<double>(big) / static_cast<double>(count);
}

double Sketch::lower_edge(std::uint32_t key) const noexcept {
  const stats::FloatFormat& format = stats::float_format(dtype_);
  const unsigned dropped = format.bits() > 16 ? format.bits() - 16 : 0;
  return stats::key_value(format, static_cast<std::uint64_t>(key) << dropped);
}

void Sketch::add(const Sketch& other) {
  if (other.bins_.empty()) return;
  if (bins_.empty()) {
    *this = other;
    return;
  }
  assert(dtype_ == other.dtype_);
  std::vector<Bin> merged;
  merged.reserve(bins_.size() + other.bins_.size());
  auto left = bins_.begin();
  for (const Bin& right : other.bins_) {
    while (left != bins_.end() && left->key < right.key) merged.push_back(*left++);
    if (left != bins_.end() && left->key == right.key) {
      merged.push_back({right.key, left->positive + right.positive, left->negative + right.negative});
      ++left;
    } else {
      merged.push_back(right);
    }
  }
  merged.insert(merged.end(), left, bins_.end());
  bins_ = std::move(merged);
}

}  // namespace pare
