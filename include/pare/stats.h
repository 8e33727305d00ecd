// Measuring magnitudes: one pass over the weights, everything else from its sketch.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pare/checkpoint.h"

namespace pare {

/// Which parameters count as "big" against a cutoff c (c is first rounded to the tensor's dtype,
/// as PyTorch compares). NaN counts as big in neither.
enum class Measure : std::uint8_t {
  kMagnitude,  ///< |w| > c
  kSigned,     ///< outside [0, c): w < 0 or w >= c; -0.0 counts as 0. What the study published.
};

/// Counts of elements by sign and leading bits of the magnitude's bit pattern. 16- and 8-bit types
/// are held exactly (one bin a value); F32 in 1/128 of an octave, F64 in 1/16. Sketches of
/// the same dtype add; adding is exact, commutative and associative.
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
  /// Takes bins in ascending order of key, empty ones left out.
  Sketch(DType dtype, std::vector<Bin> bins) : dtype_(dtype), bins_(std::move(bins)) {}

  DType dtype() const noexcept { return dtype_; }
  std::span<const Bin> bins() const noexcept { return bins_; }  ///< ascending, NaNs included
  /// Smallest magnitude of bin `key`; the bin reaches up to, not including, that of key + 1.
  double lower_edge(std::uint32_t key) const noexcept;
  void add(const Sketch& other);  ///< other.dtype() must be equal (or either sketch empty)
  friend bool operator==(const Sketch&, const Sketch&) = default;

 private:
  DType dtype_ = DType::kF32;
  std::vector<Bin> bins_;
};

/// What one cutoff divides; see Measure.
struct CutoffCount {
  double cutoff = 0;         ///< as asked for
  std::uint64_t above = 0;   ///< #{|w| > c}
  std::uint64_t inside = 0;  ///< #{0 <= w < c}
};

/// Figures of one tensor, or of several added up. Moments cover the finite elements.
struct Stats {
  std::uint64_t count = 0;
  std::uint64_t zeros = 0;  ///< +0.0 and -0.0
  std::uint64_t nans = 0;
  std::uint64_t positive_infinities = 0;
  std::uint64_t negative_infinities = 0;
  double min = 0, max = 0;  ///< over elements that are not NaN; 0 if there is none
  double max_magnitude = 0;
  double sum = 0, sum_of_squares = 0;
  std::vector<CutoffCount> cutoffs;  ///< in the order of ScanOptions::cutoffs

  void add(const Stats& other);  ///< both must have the same cutoffs
  double mean() const noexcept;  ///< NaN if nothing is finite
  double std() const noexcept;   ///< as torch.std (divides by n - 1); NaN for n < 2
  double sparsity() const noexcept { return count ? static_cast<double>(zeros) / count : 0; }
  /// Share of big parameters, a fraction of count (0 for an empty tensor).
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
  std::vector<Sketch> sketches;  ///< likewise, if asked for
  std::vector<Outlier> largest;  ///< by falling magnitude; NaN left out
};

/// Measures tensors of analysed dtypes (see is_analysed) in one pass. The result does not depend
/// on the number of threads or the instruction set. Throws Error for other dtypes, Interrupted.
ScanResult scan(std::span<const TensorView> tensors, const ScanOptions& options = {}, const Context& context = {});

/// One Sketch per dtype that occurs (in order of first occurrence), over all `tensors` together: the
/// same as adding up scan()'s sketches, without keeping one for each tensor.
std::vector<Sketch> magnitude_sketch(std::span<const TensorView> tensors, const Context& context = {});

/// The magnitudes' order statistics: for each p in [0, 1] the quantile of |w| over all `tensors`
/// together, NaN left out, linearly interpolated between neighbours as torch.quantile and
/// numpy.quantile do by default. Exact. NaN if there is no element.
std::vector<double> magnitude_quantiles(std::span<const TensorView> tensors, std::span<const double> p,
                                        const Context& context = {});

/// Equal-width histogram over [low, high): counts of value (or of |value|) per bin. Bin i holds
/// edge(i) <= x < edge(i + 1), edges low + i * (high - low) / bins rounded to the tensor's dtype.
struct Histogram {
  double low = 0, high = 0;
  std::vector<std::uint64_t> counts;
  std::uint64_t below = 0;   ///< x < low
  std::uint64_t beyond = 0;  ///< x >= high
  std::uint64_t nans = 0;
};
Histogram histogram(std::span<const TensorView> tensors, Measure measure, double low, double high, std::size_t bins,
                    const Context& context = {});

/// Value of one element as a double (exact for every analysed dtype).
double element_value(const TensorView& tensor, std::uint64_t index);

}  // namespace pare
