#include "stats/rank.h"

#include <bit>

#include "stats/float_format.h"
#include "stats/rank_digits.h"

namespace pare::stats {

RankSpace::RankSpace(std::span<const TensorView> tensors) : type_(DType::kF32) {
  for (const TensorView& tensor : tensors)
    if (tensor.dtype == DType::kF64) type_ = DType::kF64;
}

std::uint64_t RankSpace::to_rank(DType dtype, std::uint64_t key) const {
  if (dtype == type_) return key;
  const FloatFormat& from = float_format(dtype);
  const FloatFormat& to = float_format(type_);
  if (from.is_nan(key)) {
    if (from.infinity == 0) return to.infinity + 1;
    return to.infinity + ((key - from.infinity) << (to.mantissa_bits - from.mantissa_bits));
  }
  const double magnitude = key_value(from, key);
  if (is_wide()) return std::bit_cast<std::uint64_t>(magnitude);
  return std::bit_cast<std::uint32_t>(static_cast<float>(magnitude));
}

std::uint64_t RankSpace::first_key(DType dtype, std::uint64_t rank) const {
  if (dtype == type_) return rank;
  std::uint64_t low = 0, high = float_format(dtype).sign_bit();  // one past the largest key
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (to_rank(dtype, middle) < rank) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

double RankSpace::value(std::uint64_t rank) const { return key_value(float_format(type_), rank); }

std::vector<std::uint64_t> select_ranks(const RankSpace& space, std::span<const TensorView> tensors,
                                        std::span<const std::uint64_t> positions, const Context& context) {
  std::uint64_t elements = 0;
  for (const TensorView& tensor : tensors) elements += tensor.elements();
  const std::unique_ptr<KeyCounter> counter = make_rank_counter(space, tensors, context);
  std::vector<std::uint64_t> ranks;
  for (const SelectedKey& selected : select_keys(*counter, space.is_wide() ? 4 : 2, elements, positions, context))
    ranks.push_back(selected.key);
  return ranks;
}

}  // namespace pare::stats
