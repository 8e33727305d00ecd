// The scan reads every piece in blocks that stay in the first-level cache. A block with rare elements (NaN, values
// above a further cutoff) is read once more; other blocks are not. Quantized blocks are scanned as they are stored.
#include "stats/scan_pieces.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <optional>

#include "base/parallel.h"
#include "checkpoint/stored_blocks.h"
#include "checkpoint/tensor_piece.h"
#include "kernels/block_scan.h"
#include "kernels/magnitude.h"
#include "kernels/moments.h"
#include "kernels/quants/block_fold.h"
#include "kernels/quants/code_fold.h"
#include "pare/error.h"
#include "stats/float_format.h"
#include "stats/outliers.h"
#include "stats/sketching.h"
#include "stats/tensor_pieces.h"

namespace pare {
namespace stats {
namespace {

constexpr std::size_t kBlockBytes = 16384;
/// Elements whose blocks are folded at once: few enough to be computed after all for one that needs it.
constexpr std::size_t kFoldedElements = 32768;

kernels::FloatType float_type(DType dtype) {
  switch (dtype) {
    case DType::kF64:
      return kernels::FloatType::kF64;
    case DType::kF32:
      return kernels::FloatType::kF32;
    case DType::kF16:
      return kernels::FloatType::kF16;
    default:
      return kernels::FloatType::kBF16;
  }
}

/// Values shared by all tensors of a dtype.
struct DTypePlan {
  DTypePlan(DType of, std::span<const double> cutoffs) : dtype(of), format(float_format(of)) {
    for (const double cutoff : cutoffs) cutoff_keys.push_back(rounded_key(format, cutoff));
    if (format.width == kernels::Width::k8)
      for (unsigned pattern = 0; pattern < 256; ++pattern) {
        const double magnitude = key_value(format, pattern & 0x7fU);
        values.push_back((pattern & 0x80U) != 0 ? -magnitude : magnitude);
      }
  }

  DType dtype;
  const FloatFormat& format;
  std::vector<std::uint64_t> cutoff_keys;
  std::vector<double> values;  ///< value of every pattern, for one-byte types
};

/// NaNs and infinities of a block, and its extremes without the NaNs.
void count_nonfinite(const FloatFormat& format, const std::byte* data, std::size_t n, Stats& stats,
                     kernels::KeyRange& range) {
  kernels::KeyRange clean;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t pattern = load_pattern(format, data, i);
    const std::uint64_t key = pattern & ~format.sign_bit();
    if (format.is_nan(key)) {
      ++stats.nans;
      continue;
    }
    if (key > format.finite_max) ++(pattern == key ? stats.positive_infinities : stats.negative_infinities);
    clean.max_unsigned = std::max(clean.max_unsigned, pattern);
    clean.min_key = std::min(clean.min_key, key);
    if (pattern == key) {
      clean.any_positive = true;
      clean.max_positive = std::max(clean.max_positive, pattern);
    }
  }
  range.max_unsigned = clean.max_unsigned;
  range.min_key = clean.min_key;
  range.any_positive = clean.any_positive;
  range.max_positive = clean.max_positive;
}

/// Signed and absolute extremes from those of the patterns. NaN must be out of `range`.
void set_extremes(const FloatFormat& format, const kernels::KeyRange& range, Stats& stats) {
  const bool any_negative = (range.max_unsigned & format.sign_bit()) != 0;
  const double smallest = key_value(format, range.min_key);
  const double most_negative = -key_value(format, range.max_unsigned & ~format.sign_bit());
  const double most_positive = key_value(format, range.max_positive);
  // Adding 0.0 turns -0.0 into +0.0.
  stats.min = (any_negative ? most_negative : smallest) + 0.0;
  stats.max = (range.any_positive ? most_positive : -smallest) + 0.0;
  stats.max_magnitude = std::max(std::abs(stats.min), std::abs(stats.max));
}

/// A sweep over a block of one-byte elements.
kernels::BlockScan scan_bytes(const DTypePlan& plan, const std::byte* data, std::size_t n, std::uint64_t cutoff,
                              kernels::MomentLanes& lanes) {
  const FloatFormat& format = plan.format;
  kernels::BlockScan scan;
  scan.range = kernels::key_range(format.width, data, n, cutoff);
  if (scan.range.min_key == 0) {
    scan.zeros = kernels::count_rank(format.width, data, n, 1).below;
    scan.negative_zeros = kernels::count_pattern(format.width, data, n, format.sign_bit());
  }
  const std::uint64_t max_key = std::max(scan.range.max_unsigned & ~format.sign_bit(), scan.range.max_positive);
  scan.finite = max_key <= format.finite_max;
  kernels::add_moments_by_table(plan.values.data(), data, n, !scan.finite, lanes);
  return scan;
}

/// Sets everything but the sums from a sweep over a block. `data` are its elements, or null if they are numbers below
/// all cutoffs but the first. No key exceeds `max_key` but those of NaN.
void set_counts(const DTypePlan& plan, const kernels::BlockScan& scan, const std::byte* data, std::size_t n,
                std::uint64_t max_key, Stats& stats) {
  const FloatFormat& format = plan.format;
  kernels::KeyRange range = scan.range;
  stats.count = n;
  stats.zeros = scan.zeros;
  if (!scan.finite) count_nonfinite(format, data, n, stats, range);
  if (stats.nans != n) set_extremes(format, range, stats);
  for (std::size_t c = 0; c < plan.cutoff_keys.size(); ++c) {
    const std::uint64_t key = plan.cutoff_keys[c];
    kernels::SideCount sides{range.above, range.inside};
    if (c != 0 && data != nullptr && max_key >= key) {
      sides = kernels::count_sides(format.width, data, n, key);
    } else if (c != 0) {
      sides = {0, n - range.negative};  // the whole block is below this cutoff
    }
    // NaN keys are above the key of every cutoff, but a NaN never counts as big.
    stats.cutoffs[c].above = sides.above - (key <= format.finite_max || key == format.infinity ? stats.nans : 0);
    stats.cutoffs[c].inside = sides.inside + (key != 0 ? scan.negative_zeros : 0);
  }
}

void clear(Stats& stats) {
  stats.count = stats.zeros = stats.nans = stats.positive_infinities = stats.negative_infinities = 0;
  stats.min = stats.max = stats.max_magnitude = 0;
}

/// Scans elements [first, first + n) into `stats`, and adds them to `lanes`. n is a multiple of the lanes, or ends the
/// piece.
void scan_elements(const DTypePlan& plan, const TensorBytes& bytes, std::uint64_t first, std::size_t n, Stats& stats,
                   kernels::MomentLanes& lanes) {
  const std::size_t size = plan.format.size(), block_elements = kBlockBytes / size;
  const std::size_t at_once = checkpoint::elements_at_once(bytes, block_elements);
  const std::uint64_t cutoff = plan.cutoff_keys.empty() ? 0 : plan.cutoff_keys[0];
  std::optional<checkpoint::TensorPiece> piece;
  Stats block = stats;
  for (std::size_t begin = 0; begin < n; begin += block_elements) {
    const std::size_t count = std::min(block_elements, n - begin);
    if (begin % at_once == 0) {
      piece.reset();  // its buffer is used again
      piece.emplace(bytes, (first + begin) * size, std::min(at_once, n - begin) * size);
    }
    const std::byte* from = piece->data() + begin % at_once * size;
    clear(block);
    const kernels::BlockScan scan = plan.values.empty()
                                        ? kernels::scan_block(float_type(plan.dtype), from, count, cutoff, lanes)
                                        : scan_bytes(plan, from, count, cutoff, lanes);
    const std::uint64_t max_key = std::max(scan.range.max_unsigned & ~plan.format.sign_bit(), scan.range.max_positive);
    set_counts(plan, scan, from, count, max_key, block);
    stats.add(block);
  }
}

/// The cutoff that is counted in quantized weights, and the next one, which they may not reach.
kernels::FoldCutoffs fold_cutoffs(const DTypePlan& plan) {
  kernels::FoldCutoffs cutoffs{0, std::numeric_limits<float>::infinity()};
  for (std::size_t c = 0; c < plan.cutoff_keys.size(); ++c) {
    const auto pattern = static_cast<std::uint32_t>(plan.cutoff_keys[c]);
    if (c == 0)
      cutoffs.first = pattern;
    else
      cutoffs.limit = std::min(cutoffs.limit, std::bit_cast<float>(pattern));
  }
  return cutoffs;
}

/// Scans the elements of a piece from their quantized blocks.
class BlockFold {
 public:
  BlockFold(const DTypePlan& plan, const Stats& empty) : plan_(plan), cutoffs_(fold_cutoffs(plan)), block_(empty) {}

  /// Adds n elements from `first` on, or fewer, and returns how many, or 0 if the elements are needed.
  std::size_t add(const TensorBytes& bytes, std::uint64_t first, std::size_t n, Stats& stats,
                  kernels::MomentLanes& lanes) {
    const auto run = checkpoint::blocks_at(bytes, first, n);
    if (!run || run->blocks == 0) return 0;
    kernels::BlockScan scan;
    scan.range = range_;
    if (!kernels::fold_blocks(run->type, run->data, run->blocks, cutoffs_, scan, lanes)) return 0;
    range_ = scan.range;
    range_.above = range_.inside = range_.negative = 0;
    clear(block_);
    set_counts(plan_, scan, nullptr, run->elements, 0, block_);
    stats.add(block_);
    return run->elements;
  }

 private:
  const DTypePlan& plan_;
  kernels::FoldCutoffs cutoffs_;
  kernels::KeyRange range_;  ///< of the elements of the piece so far
  Stats block_;
};

/// The same of n elements from their FP8 bytes; returns false, and changes nothing, if the elements are needed.
bool fold_bytes(const DTypePlan& plan, const TensorBytes& bytes, std::uint64_t first, std::size_t n, Stats& stats,
                kernels::MomentLanes& lanes) {
  kernels::CodeCutoffs cutoffs{0, std::numeric_limits<float>::infinity()};
  for (std::size_t c = 0; c < plan.cutoff_keys.size(); ++c) {
    const std::uint64_t key = plan.cutoff_keys[c];
    if (c == 0)
      cutoffs.first = key;
    else
      cutoffs.limit = std::min(cutoffs.limit, static_cast<float>(key_value(plan.format, key)));
  }
  kernels::BlockScan scan;
  kernels::MomentLanes sums;
  const auto fold = [&](const kernels::CodeRows& codes, const kernels::CodeScale& scale) {
    return kernels::fold_codes(codes, scale, cutoffs, scan, sums);
  };
  if (!checkpoint::for_codes(bytes, first, n, fold)) return false;
  set_counts(plan, scan, nullptr, n, 0, stats);
  lanes = sums;
  return true;
}

/// Scans elements [first, first + n) into `stats`, whose cutoffs must be set.
void scan_piece(const DTypePlan& plan, const TensorBytes& bytes, std::uint64_t first, std::size_t n, Stats& stats) {
  kernels::MomentLanes lanes;
  const bool folds = checkpoint::blocks_at(bytes, first, n).has_value();
  std::optional<BlockFold> blocks;
  if (folds) blocks.emplace(plan, stats);
  std::size_t begin = !folds && fold_bytes(plan, bytes, first, n, stats, lanes) ? n : 0;
  while (begin < n) {
    std::size_t count = folds ? std::min(kFoldedElements, n - begin) : n;
    const std::size_t folded = folds ? blocks->add(bytes, first + begin, count, stats, lanes) : 0;
    if (folded == 0) scan_elements(plan, bytes, first + begin, count, stats, lanes);
    begin += folded == 0 ? count : folded;
  }
  stats.sum = lanes.total_sum();
  stats.sum_of_squares = lanes.total_squares();
}

/// One plan for each dtype that occurs. Throws Error for a dtype that is not analyzed.
std::map<DType, DTypePlan> plans_of(std::span<const TensorView> tensors, std::span<const double> cutoffs) {
  std::map<DType, DTypePlan> plans;
  for (const TensorView& tensor : tensors) {
    if (!is_analyzed(tensor.dtype))
      throw Error(ErrorCode::kUnsupported, {}, tensor.name,
                  "dtype " + std::string(dtype_name(tensor.dtype)) + " cannot be measured");
    plans.try_emplace(tensor.dtype, tensor.dtype, cutoffs);
  }
  return plans;
}

/// The tensors of which at least one piece is read.
std::vector<TensorView> tensors_of(std::span<const TensorView> tensors, std::span<const Piece> pieces) {
  std::vector<TensorView> own;
  for (std::size_t i = 0; i < pieces.size(); ++i)
    if (i == 0 || pieces[i].tensor != pieces[i - 1].tensor) own.push_back(tensors[pieces[i].tensor]);
  return own;
}

/// Counts and extremes add up in any order, so each piece is added to its tensor at once. Sums do not, so they are
/// kept.
class Totals {
 public:
  Totals(std::size_t tensors, const Stats& empty, std::size_t pieces) : stats_(tensors, empty), figures_(pieces) {}

  void add(std::size_t tensor, std::size_t piece, const Stats& stats) {
    figures_[piece] = {stats.sum, stats.sum_of_squares, stats.max_magnitude, stats.count != stats.nans};
    Stats counts = stats;
    counts.sum = counts.sum_of_squares = 0;
    const std::scoped_lock lock(locks_[tensor % locks_.size()]);
    stats_[tensor].add(counts);
  }
  std::vector<Stats> stats() { return std::move(stats_); }
  std::vector<PieceFigures> figures() { return std::move(figures_); }

 private:
  std::vector<Stats> stats_;
  std::vector<PieceFigures> figures_;
  std::array<std::mutex, 64> locks_;
};

}  // namespace

PieceScan scan_pieces(std::span<const TensorView> tensors, std::span<const Piece> pieces, const ScanOptions& options,
                      const Context& context) {
  const std::map<DType, DTypePlan> plans = plans_of(tensors, options.cutoffs);
  decode_packed(tensors_of(tensors, pieces), context);
  Stats empty;
  for (const double cutoff : options.cutoffs) empty.cutoffs.push_back({cutoff, 0, 0});
  Totals totals(tensors.size(), empty, pieces.size());
  std::uint64_t bytes_total = 0;
  for (const Piece& piece : pieces) bytes_total += piece.count * float_format(tensors[piece.tensor].dtype).size();
  std::atomic<std::uint64_t> bytes_done{0};
  for_pieces(tensors, pieces, context, [&](std::size_t item, unsigned) {
    const Piece& piece = pieces[item];
    const DTypePlan& plan = plans.at(tensors[piece.tensor].dtype);
    Stats stats = empty;
    scan_piece(plan, tensors[piece.tensor].bytes, piece.begin, piece.count, stats);
    totals.add(piece.tensor, item, stats);
    const std::uint64_t bytes = piece.count * plan.format.size();
    if (context.reports())
      context.report_bytes(bytes_done.fetch_add(bytes, std::memory_order_relaxed) + bytes, bytes_total);
  });
  PieceScan result;
  result.tensors = totals.stats();
  result.pieces = totals.figures();
  if (options.largest != 0) result.largest = find_largest(tensors, pieces, result.pieces, options.largest, context);
  if (options.sketches) result.sketches = tensor_sketches(tensors, pieces, context);
  return result;
}

}  // namespace stats
}  // namespace pare
