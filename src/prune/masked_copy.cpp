#include "prune/masked_copy.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/magnitude.h"
#include "prune/random_scores.h"
#include "stats/float_format.h"

namespace pare::prune {
namespace {

void copy_by_magnitude(const stats::FloatFormat& format, const TensorView& tensor, const TensorCut& cut,
                       std::uint64_t begin, std::uint64_t n, std::byte* target) {
  const std::byte* source = tensor.bytes.data() + begin * format.size();
  // Up to tie_end ties go too: there the first key to keep is one higher.
  const std::uint64_t with_ties = cut.tie_end <= begin ? 0 : std::min(n, cut.tie_end - begin);
  kernels::copy_from_key(format.width, source, target, with_ties, cut.key + 1);
  kernels::copy_from_key(format.width, source + with_ties * format.size(), target + with_ties * format.size(),
                         n - with_ties, cut.key);
}

void copy_by_score(const stats::FloatFormat& format, const TensorView& tensor, const Mask& mask, std::uint64_t begin,
                   std::uint64_t n, std::byte* target) {
  std::array<std::uint32_t, 4096> scores;
  std::memcpy(target, tensor.bytes.data() + begin * format.size(), n * format.size());
  for (std::uint64_t block = 0; block < n; block += scores.size()) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(scores.size(), n - block));
    fill_scores(mask.seed, mask.first_position + begin + block, count, scores.data());
    for (std::size_t i = 0; i < count; ++i) {
      const bool tied = scores[i] == mask.cut->key && begin + block + i < mask.cut->tie_end;
      if (scores[i] < mask.cut->key || tied) std::memset(target + (block + i) * format.size(), 0, format.size());
    }
  }
}

}  // namespace

void copy_masked(const TensorView& tensor, const Mask& mask, std::uint64_t begin, std::uint64_t n, std::byte* target) {
  const stats::FloatFormat& format = stats::float_format(tensor.dtype);
  if (mask.cut->pruned == 0) {
    std::memcpy(target, tensor.bytes.data() + begin * format.size(), n * format.size());
  } else if (mask.criterion == Criterion::kMagnitude) {
    copy_by_magnitude(format, tensor, *mask.cut, begin, n, target);
  } else {
    copy_by_score(format, tensor, mask, begin, n, target);
  }
}

}  // namespace pare::prune
