// Statistics of weights. scan() computes most of them in one pass.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pare/checkpoint.h"

namespace pare {

/// Which parameters count as above a cutoff c (which is first rounded to the tensor's dtype, as PyTorch does when it
/// compares). NaN is never above a cutoff.
enum class Measure : std::uint8_t {
  kMagnitude,  ///< |w| > c
  kSigned,     ///< outside [0, c): w < 0 or w >= c; -0.0 counts as 0. See docs/study.md.
};

/// A histogram of magnitudes on a logarithmic scale, by sign: counts of elements by the leading bits of the magnitude's
/// bit pattern. 8- and 16-bit types have one bin per value; F32 has 128 bins per power of two, F64 has 16. Sketches of
/// one dtype can be added; adding is exact, commutative and associative.
class Sketch {
 public:
  Sketch() = default;
  explicit Sketch(DType dtype) : dtype_(dtype) {}

  struct Bin {
    std::uint32_t key;       ///< leading magnitude bits; orders as |w|
    std::uint64_t positive;  ///< elements with the sign bit clear
    std::uint64_t negative;
    friend bool operator==(const Bin&, const Bin&) = default;
  };
  /// `bins` must be in ascending order of key and contain no empty bin.
  Sketch(DType dtype, std::vector<Bin> bins) : dtype_(dtype), bins_(std::move(bins)) {}

  DType dtype() const noexcept { return dtype_; }
  std::span<const Bin> bins() const noexcept { return bins_; }  ///< ascending, NaNs included
  /// Smallest magnitude of bin `key`; the bin reaches up to, not including, that of key + 1.
  double lower_edge(std::uint32_t key) const noexcept;
  /// Precondition: other.dtype() equals dtype(), or either sketch is empty.
  void add(const Sketch& other);
  friend bool operator==(const Sketch&, const Sketch&) = default;

 private:
  DType dtype_ = DType::kF32;
  std::vector<Bin> bins_;
};

/// The counts from which the shares above one cutoff follow: above / count for Measure::kMagnitude, and
/// (count - nans - inside) / count for kSigned.
struct CutoffCount {
  double cutoff = 0;         ///< as given, not rounded
  std::uint64_t above = 0;   ///< #{|w| > c}
  std::uint64_t inside = 0;  ///< #{0 <= w < c}, -0.0 included
};

/// Figures of one tensor, or the sum of those of several. sum, sum_of_squares, mean() and std() cover finite elements.
struct Stats {
  std::uint64_t count = 0;
  std::uint64_t zeros = 0;  ///< +0.0 and -0.0
  std::uint64_t nans = 0;
  std::uint64_t positive_infinities = 0;
  std::uint64_t negative_infinities = 0;
  double min = 0, max = 0;   ///< over all elements but NaN, infinities included; 0 if there is none
  double max_magnitude = 0;  ///< likewise
  double sum = 0, sum_of_squares = 0;
  std::vector<CutoffCount> cutoffs;  ///< in the order of ScanOptions::cutoffs

  void add(const Stats& other);  ///< precondition: as many cutoffs, or *this is Stats{}
  double mean() const noexcept;  ///< NaN if no element is finite
  double std() const noexcept;   ///< as torch.std (divides by n - 1); NaN for n < 2
  double sparsity() const noexcept { return count ? static_cast<double>(zeros) / count : 0; }
  /// Returns the fraction of `count` that is above a cutoff (0 for an empty tensor). `cutoff` is an index into
  /// `cutoffs`, not a value.
  double share(Measure measure, std::size_t cutoff = 0) const noexcept;
};

/// One of the largest magnitudes of a model.
struct Outlier {
  std::size_t tensor = 0;   ///< index into the scanned span
  std::uint64_t index = 0;  ///< flat, in C order
  double value = 0;
};

struct ScanOptions {
  std::vector<double> cutoffs{0.1};  ///< all >= 0
  bool sketches = false;             ///< keep a Sketch per tensor
  std::size_t largest = 0;           ///< how many Outliers to find (ties: the first in order)
};

struct ScanResult {
  std::vector<Stats> tensors;    ///< one per scanned tensor
  std::vector<Sketch> sketches;  ///< likewise, if ScanOptions::sketches is set
  std::vector<Outlier> largest;  ///< in descending order of magnitude, without NaN
};

/// Measures tensors of floating-point dtypes (see is_analyzed()) in one pass. The result does not depend on the number
/// of threads or the instruction set. Throws Error (kUnsupported) for other dtypes; Interrupted.
ScanResult scan(std::span<const TensorView> tensors, const ScanOptions& options = {}, const Context& context = {});

/// Returns one Sketch per dtype that occurs, in order of first occurrence, over all `tensors` together: the same as
/// adding up scan()'s sketches, without keeping one for each tensor.
std::vector<Sketch> magnitude_sketch(std::span<const TensorView> tensors, const Context& context = {});

/// Returns, for each p in [0, 1], the quantile of |w| over all elements but NaN of all `tensors` together, linearly
/// interpolated between neighbors as torch.quantile and numpy.quantile do by default. Exact. NaN if there is no
/// element.
std::vector<double> magnitude_quantiles(std::span<const TensorView> tensors, std::span<const double> p,
                                        const Context& context = {});

/// Counts per bin of equal width over [low, high). Bin i holds edge(i) <= x < edge(i + 1), where x is w or |w| and the
/// edges are low + i * (high - low) / bins, rounded to the tensor's dtype.
struct Histogram {
  double low = 0, high = 0;
  std::vector<std::uint64_t> counts;
  std::uint64_t below = 0;   ///< x < low
  std::uint64_t beyond = 0;  ///< x >= high
  std::uint64_t nans = 0;
};
/// Returns the histogram of |w| (Measure::kMagnitude) or of w (kSigned) over all `tensors` together. Throws Error:
/// kArgument unless low < high, both finite, and bins > 0; kUnsupported for dtypes that scan() refuses; Interrupted.
Histogram histogram(std::span<const TensorView> tensors, Measure measure, double low, double high, std::size_t bins,
                    const Context& context = {});

/// Returns element `index` (flat, in C order, less than the number of elements) as a double, which is exact.
double element_value(const TensorView& tensor, std::uint64_t index);

}  // namespace pare
