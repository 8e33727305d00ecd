// Exact equal-width histograms from the leading bits: only patterns in a 16-bit bin that an edge divides are read
// again.
#include <algorithm>
#include <cmath>
#include <map>

#include "base/collective.h"
#include "base/parallel.h"
#include "checkpoint/tensor_piece.h"
#include "kernels/leading_bits.h"
#include "pare/error.h"
#include "pare/stats.h"
#include "stats/float_format.h"
#include "stats/sketching.h"
#include "stats/tensor_pieces.h"
#include "stats/trailing.h"

namespace pare {
namespace stats {
namespace {

/// Maps values of one dtype to bins.
class Binning {
 public:
  Binning(DType dtype, Measure measure, double low, double high, std::size_t bins)
      : format_(float_format(dtype)), measure_(measure) {
    for (std::size_t i = 0; i <= bins; ++i) {
      const double edge = low + static_cast<double>(i) * (high - low) / static_cast<double>(bins);
      const double rounded = key_value(format_, rounded_key(format_, std::abs(edge)));
      edges_.push_back(edge < 0 ? -rounded : rounded);
    }
  }

  const FloatFormat& format() const noexcept { return format_; }

  /// 0: below the first edge; i: in bin i - 1; edges: beyond the last; edges + 1: NaN.
  std::size_t place(std::uint64_t pattern) const {
    const std::uint64_t key = pattern & ~format_.sign_bit();
    if (format_.is_nan(key)) return edges_.size() + 1;
    const double magnitude = key_value(format_, key);
    const bool negative = measure_ == Measure::kSigned && pattern != key;
    const double value = (negative ? -magnitude : magnitude) + 0.0;
    return static_cast<std::size_t>(std::upper_bound(edges_.begin(), edges_.end(), value) - edges_.begin());
  }

  void add(Histogram& histogram, std::size_t place, std::uint64_t count) const {
    if (place == 0) {
      histogram.below += count;
    } else if (place < edges_.size()) {
      histogram.counts[place - 1] += count;
    } else {
      (place == edges_.size() ? histogram.beyond : histogram.nans) += count;
    }
  }

 private:
  const FloatFormat& format_;
  Measure measure_;
  std::vector<double> edges_;
};

/// One- and two-byte types, whose leading counts are exact, and F32 with its cut bins resolved.
void add_by_patterns(const Binning& binning, std::span<const TensorView> tensors, const Context& context,
                     Histogram& histogram) {
  const LeadingCounts counts = count_leading(tensors, context);
  const bool exact = binning.format().bits() <= 16;
  const std::uint64_t last = exact ? 0 : 0xffff;
  std::vector<std::uint32_t> cut;  // leading bits of bins that an edge divides
  for (std::uint32_t leading = 0; leading < counts.size(); ++leading) {
    if (counts[leading] == 0) continue;
    const std::uint64_t first = exact ? leading : static_cast<std::uint64_t>(leading) << 16;
    const std::size_t place = binning.place(first);
    if (place == binning.place(first + last)) {
      binning.add(histogram, place, counts[leading]);
    } else {
      cut.push_back(leading);
    }
  }
  for (std::size_t begin = 0; begin < cut.size(); begin += kTrailingSlots) {
    const std::size_t slots = std::min(kTrailingSlots, cut.size() - begin);
    std::vector<std::uint8_t> slot_of(kernels::kLeadingBins, 0);
    for (std::size_t slot = 0; slot < slots; ++slot) slot_of[cut[begin + slot]] = static_cast<std::uint8_t>(slot + 1);
    const std::vector<std::uint64_t> trailing = count_trailing(tensors, slot_of, slots, context);
    for (std::size_t i = 0; i < trailing.size(); ++i)
      if (trailing[i] != 0)
        binning.add(histogram, binning.place((static_cast<std::uint64_t>(cut[begin + (i >> 16)]) << 16) | (i & 0xffff)),
                    trailing[i]);
  }
}

/// F64: element by element.
void add_by_elements(const Binning& binning, std::span<const TensorView> tensors, const Context& context,
                     Histogram& histogram) {
  const std::vector<Piece> pieces = own_pieces(tensors, context);
  const std::size_t places = histogram.counts.size() + 3;
  std::vector<std::vector<std::uint64_t>> by_worker(base::thread_count(context), std::vector<std::uint64_t>(places, 0));
  base::parallel_for(pieces.size(), context, [&](std::size_t item, unsigned worker) {
    const Piece& piece = pieces[item];
    const std::size_t size = binning.format().size();
    const checkpoint::TensorPiece data(tensors[piece.tensor].bytes, piece.begin * size, piece.count * size);
    for (std::uint64_t i = 0; i < piece.count; ++i)
      ++by_worker[worker][binning.place(load_pattern(binning.format(), data.data(), i))];
  });
  for (const std::vector<std::uint64_t>& counts : by_worker)
    for (std::size_t place = 0; place < places; ++place) binning.add(histogram, place, counts[place]);
}

/// Of all processes; each has counted some pieces.
void add_up(Histogram& histogram, const Context& context) {
  std::vector<std::uint64_t> counts = histogram.counts;
  counts.insert(counts.end(), {histogram.below, histogram.beyond, histogram.nans});
  base::add_up(counts, context);
  const std::size_t bins = histogram.counts.size();
  histogram.below = counts[bins];
  histogram.beyond = counts[bins + 1];
  histogram.nans = counts[bins + 2];
  counts.resize(bins);
  histogram.counts = std::move(counts);
}

}  // namespace
}  // namespace stats

Histogram histogram(std::span<const TensorView> tensors, Measure measure, double low, double high, std::size_t bins,
                    const Context& context) {
  if (!(low < high) || !std::isfinite(high - low) || bins == 0)
    throw Error(ErrorCode::kArgument, "a histogram needs at least one bin between two finite ends");
  Histogram histogram{low, high, std::vector<std::uint64_t>(bins, 0), 0, 0, 0};
  std::map<DType, std::vector<TensorView>> by_dtype;
  for (const TensorView& tensor : tensors) {
    if (!is_analyzed(tensor.dtype))
      throw Error(ErrorCode::kUnsupported, {}, tensor.name,
                  "dtype " + std::string(dtype_name(tensor.dtype)) + " cannot be measured");
    by_dtype[tensor.dtype].push_back(tensor);
  }
  for (const auto& [dtype, group] : by_dtype) {
    const stats::Binning binning(dtype, measure, low, high, bins);
    const auto add = dtype == DType::kF64 ? stats::add_by_elements : stats::add_by_patterns;
    add(binning, group, context, histogram);
  }
  stats::add_up(histogram, context);
  return histogram;
}

}  // namespace pare
