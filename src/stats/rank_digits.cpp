#include "stats/rank_digits.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/parallel.h"
#include "checkpoint/tensor_piece.h"
#include "kernels/leading_bits.h"
#include "stats/float_format.h"
#include "stats/sketching.h"
#include "stats/tensor_pieces.h"
#include "stats/trailing.h"

namespace pare::stats {
namespace {

/// F32 rank keys. For types narrower than F32, one pass gives exact counts.
class NarrowCounter final : public KeyCounter {
 public:
  NarrowCounter(const RankSpace& space, std::span<const TensorView> tensors, const Context& context)
      : space_(space), context_(context) {
    for (const TensorView& tensor : tensors) by_dtype_[tensor.dtype].push_back(tensor);
  }

  std::vector<DigitCounts> count(unsigned digit, std::span<const std::uint64_t> prefixes) override {
    if (digit == 0) return {first_digit()};
    std::vector<DigitCounts> counts;
    for (std::size_t begin = 0; begin < prefixes.size(); begin += kTrailingSlots) {
      const auto some = prefixes.subspan(begin, std::min(kTrailingSlots, prefixes.size() - begin));
      for (DigitCounts& digits : second_digit(some)) counts.push_back(std::move(digits));
    }
    return counts;
  }

 private:
  DigitCounts first_digit() {
    DigitCounts counts(kDigits, 0);
    for (const auto& [dtype, tensors] : by_dtype_) {
      const Sketch sketch = to_sketch(dtype, count_leading(tensors, context_));
      for (const Sketch::Bin& bin : sketch.bins()) {
        const std::uint64_t elements = bin.positive + bin.negative;
        if (dtype == DType::kF32) {
          counts[bin.key] += elements;
        } else {
          const std::uint64_t rank = space_.to_rank(dtype, bin.key);
          counts[rank >> 16] += elements;
          exact_[rank] += elements;
        }
      }
    }
    return counts;
  }

  std::vector<DigitCounts> second_digit(std::span<const std::uint64_t> prefixes) {
    std::vector<DigitCounts> counts(prefixes.size(), DigitCounts(kDigits, 0));
    if (const auto f32 = by_dtype_.find(DType::kF32); f32 != by_dtype_.end()) {
      std::vector<std::uint8_t> slot_of(kernels::kLeadingBins, 0);
      for (std::size_t slot = 0; slot < prefixes.size(); ++slot)  // either sign
        slot_of[prefixes[slot]] = slot_of[prefixes[slot] | 0x8000U] = static_cast<std::uint8_t>(slot + 1);
      const std::vector<std::uint64_t> flat = count_trailing(f32->second, slot_of, prefixes.size(), context_);
      for (std::size_t slot = 0; slot < prefixes.size(); ++slot)
        std::copy_n(flat.begin() + static_cast<std::ptrdiff_t>(slot * kDigits), kDigits, counts[slot].begin());
    }
    for (std::size_t slot = 0; slot < prefixes.size(); ++slot) {
      const std::uint64_t first = prefixes[slot] << 16;
      for (auto it = exact_.lower_bound(first); it != exact_.end() && it->first < first + kDigits; ++it)
        counts[slot][it->first & 0xffffU] += it->second;
    }
    return counts;
  }

  const RankSpace& space_;
  Context context_;
  std::map<DType, std::vector<TensorView>> by_dtype_;
  std::map<std::uint64_t, std::uint64_t> exact_;  ///< elements by rank, of types narrower than F32
};

/// F64 rank keys, element by element, in four passes.
class WideCounter final : public KeyCounter {
 public:
  WideCounter(const RankSpace& space, std::span<const TensorView> tensors, const Context& context)
      : space_(space), tensors_(tensors), context_(context) {}

  std::vector<DigitCounts> count(unsigned digit, std::span<const std::uint64_t> prefixes) override {
    const std::vector<Piece> pieces = own_pieces(tensors_, context_);
    const unsigned shift = 48 - 16 * digit;
    std::vector<std::vector<DigitCounts>> by_worker(base::thread_count(context_));
    base::parallel_for(pieces.size(), context_, [&](std::size_t item, unsigned worker) {
      if (by_worker[worker].empty()) by_worker[worker].assign(prefixes.size(), DigitCounts(kDigits, 0));
      count_piece(pieces[item], shift, digit == 0, prefixes, by_worker[worker]);
    });
    std::vector<DigitCounts> total(prefixes.size(), DigitCounts(kDigits, 0));
    for (const std::vector<DigitCounts>& counts : by_worker)
      for (std::size_t slot = 0; slot < counts.size(); ++slot)
        for (std::size_t i = 0; i < kDigits; ++i) total[slot][i] += counts[slot][i];
    return total;
  }

 private:
  void count_piece(const Piece& piece, unsigned shift, bool first, std::span<const std::uint64_t> prefixes,
                   std::vector<DigitCounts>& counts) const {
    const TensorView& tensor = tensors_[piece.tensor];
    const FloatFormat& format = float_format(tensor.dtype);
    const checkpoint::TensorPiece data(tensor.bytes, piece.begin * format.size(), piece.count * format.size());
    for (std::uint64_t i = 0; i < piece.count; ++i) {
      const std::uint64_t key = load_pattern(format, data.data(), i) & ~format.sign_bit();
      const std::uint64_t rank = space_.to_rank(tensor.dtype, key);
      const std::uint64_t prefix = first ? 0 : rank >> (shift + 16);
      const auto found = std::lower_bound(prefixes.begin(), prefixes.end(), prefix);
      if (found == prefixes.end() || *found != prefix) continue;
      ++counts[static_cast<std::size_t>(found - prefixes.begin())][(rank >> shift) & 0xffffU];
    }
  }

  const RankSpace& space_;
  std::span<const TensorView> tensors_;
  Context context_;
};

}  // namespace

std::unique_ptr<KeyCounter> make_rank_counter(const RankSpace& space, std::span<const TensorView> tensors,
                                              const Context& context) {
  if (space.is_wide()) return std::make_unique<WideCounter>(space, tensors, context);
  return std::make_unique<NarrowCounter>(space, tensors, context);
}

}  // namespace pare::stats
