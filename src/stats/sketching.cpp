#include "stats/sketching.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>

#include "base/collective.h"
#include "base/parallel.h"
#include "checkpoint/tensor_piece.h"
#include "kernels/leading_bits.h"
#include "kernels/targets.h"
#include "pare/error.h"
#include "stats/float_format.h"
#include "stats/tensor_pieces.h"

namespace pare {
namespace stats {
namespace {

/// Elements that are counted between two passes over a table. There are many, because a table has 2^17 counters.
constexpr std::uint64_t kRunElements = 1ULL << 22;
constexpr std::uint64_t kSketchBlock = 1ULL << 14;
constexpr std::uint64_t kFewElements = 2048;

/// The table of one thread. It is added to 64-bit counters before a 32-bit counter can overflow.
class Counter {
 public:
  /// Counts elements [begin, begin + n), in blocks that stay in cache if they are computed.
  void count(const TensorView& tensor, std::uint64_t begin, std::uint64_t n) {
    const FloatFormat& format = float_format(tensor.dtype);
    const std::uint64_t block =
        tensor.bytes.encoded() == nullptr ? n : checkpoint::elements_at_once(tensor.bytes, kSketchBlock);
    for (std::uint64_t done = 0; done < n; done += block) {
      const std::uint64_t some = std::min(block, n - done);
      const checkpoint::TensorPiece data(tensor.bytes, (begin + done) * format.size(), some * format.size());
      count(format.width, data.data(), some);
    }
  }

  void count(kernels::Width width, const std::byte* data, std::size_t n) {
    if (narrow_.empty()) {
      narrow_.assign(2 * kernels::kLeadingBins, 0);
      wide_.assign(kernels::kLeadingBins, 0);
    }
    if (pending_ + n >= 1ULL << 31) pour();
    kernels::count_leading_bits(width, data, n, narrow_.data());
    pending_ += n;
  }

  void add_to(LeadingCounts& total) {
    if (narrow_.empty()) return;
    pour();
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += wide_[i];
  }

  /// The same, and then resets the counters.
  void move_to(LeadingCounts& total) {
    for (std::size_t i = 0; i < total.size(); ++i)
      total[i] += static_cast<std::uint64_t>(narrow_[i]) + narrow_[kernels::kLeadingBins + i];
    std::fill(narrow_.begin(), narrow_.end(), 0);
    pending_ = 0;
  }

 private:
  void pour() {
    for (std::size_t i = 0; i < wide_.size(); ++i)
      wide_[i] += static_cast<std::uint64_t>(narrow_[i]) + narrow_[kernels::kLeadingBins + i];
    std::fill(narrow_.begin(), narrow_.end(), 0);
    pending_ = 0;
  }

  std::vector<std::uint32_t> narrow_;
  LeadingCounts wide_;
  std::uint64_t pending_ = 0;
};

/// Neighboring pieces of one tensor as one, of at most `elements` elements.
std::vector<Piece> join(std::span<const Piece> pieces, std::uint64_t elements) {
  std::vector<Piece> joined;
  for (const Piece& piece : pieces) {
    const bool follows = !joined.empty() && joined.back().tensor == piece.tensor &&
                         joined.back().begin + joined.back().count == piece.begin &&
                         joined.back().count + piece.count <= elements;
    if (follows)
      joined.back().count += piece.count;
    else
      joined.push_back(piece);
  }
  return joined;
}

/// Without a table, which takes longer to clear than so few elements to sort.
Sketch sketch_of_few(const TensorView& tensor, const Piece& run) {
  const FloatFormat& format = float_format(tensor.dtype);
  const checkpoint::TensorPiece data(tensor.bytes, run.begin * format.size(), run.count * format.size());
  const unsigned dropped = format.bits() > 16 ? format.bits() - 16 : 0;
  std::vector<std::uint64_t> patterns;
  for (std::uint64_t i = 0; i < run.count; ++i) patterns.push_back(load_pattern(format, data.data(), i));
  const auto key_of = [&](std::uint64_t pattern) {
    return static_cast<std::uint32_t>((pattern & ~format.sign_bit()) >> dropped);
  };
  std::sort(patterns.begin(), patterns.end(), [&](std::uint64_t a, std::uint64_t b) { return key_of(a) < key_of(b); });
  std::vector<Sketch::Bin> bins;
  for (const std::uint64_t pattern : patterns) {
    if (bins.empty() || bins.back().key != key_of(pattern)) bins.push_back({key_of(pattern), 0, 0});
    ++((pattern & format.sign_bit()) == 0 ? bins.back().positive : bins.back().negative);
  }
  return Sketch(tensor.dtype, std::move(bins));
}

}  // namespace

LeadingCounts count_leading(std::span<const TensorView> tensors, const Context& context) {
  decode_packed(tensors, context);
  const std::vector<Piece> pieces = own_pieces(tensors, context);
  std::vector<Counter> counters(base::thread_count(context));
  for_pieces(tensors, pieces, context, [&](std::size_t item, unsigned worker) {
    const Piece& piece = pieces[item];
    const TensorView& tensor = tensors[piece.tensor];
    counters[worker].count(tensor, piece.begin, piece.count);
  });
  LeadingCounts total(kernels::kLeadingBins, 0);
  for (Counter& counter : counters) counter.add_to(total);
  return total;
}

Sketch to_sketch(DType dtype, const LeadingCounts& counts) {
  const std::size_t keys = float_format(dtype).width == kernels::Width::k8 ? 1U << 7 : 1U << 15;
  std::vector<Sketch::Bin> bins;
  for (std::size_t key = 0; key < keys; ++key)
    if (counts[key] != 0 || counts[key + keys] != 0)
      bins.push_back({static_cast<std::uint32_t>(key), counts[key], counts[key + keys]});
  return Sketch(dtype, std::move(bins));
}

std::vector<Sketch> tensor_sketches(std::span<const TensorView> tensors, std::span<const Piece> pieces,
                                    const Context& context) {
  const std::vector<Piece> runs = join(pieces, kRunElements);
  std::vector<Sketch> sketches;
  for (const TensorView& tensor : tensors) sketches.emplace_back(tensor.dtype);
  std::array<std::mutex, 64> locks;
  std::vector<Counter> counters(base::thread_count(context));
  std::vector<LeadingCounts> counts(counters.size());
  base::parallel_for(runs.size(), context, [&](std::size_t item, unsigned worker) {
    const Piece& run = runs[item];
    const TensorView& tensor = tensors[run.tensor];
    Sketch sketch;
    if (run.count <= kFewElements) {
      sketch = sketch_of_few(tensor, run);
    } else {
      counters[worker].count(tensor, run.begin, run.count);
      counts[worker].assign(kernels::kLeadingBins, 0);
      counters[worker].move_to(counts[worker]);
      sketch = to_sketch(tensor.dtype, counts[worker]);
    }
    const std::scoped_lock lock(locks[run.tensor % locks.size()]);
    sketches[run.tensor].add(sketch);
  });
  return sketches;
}

}  // namespace stats

std::vector<Sketch> magnitude_sketch(std::span<const TensorView> tensors, const Context& context) {
  std::vector<DType> order;
  std::map<DType, std::vector<TensorView>> by_dtype;
  for (const TensorView& tensor : tensors) {
    if (!is_analyzed(tensor.dtype))
      throw Error(ErrorCode::kUnsupported, {}, tensor.name,
                  "dtype " + std::string(dtype_name(tensor.dtype)) + " cannot be measured");
    if (!by_dtype.contains(tensor.dtype)) order.push_back(tensor.dtype);
    by_dtype[tensor.dtype].push_back(tensor);
  }
  std::vector<Sketch> sketches;
  for (const DType dtype : order) {
    stats::LeadingCounts counts = stats::count_leading(by_dtype[dtype], context);
    base::add_up(counts, context);
    sketches.push_back(stats::to_sketch(dtype, counts));
  }
  return sketches;
}

}  // namespace pare
