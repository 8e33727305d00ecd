#include "prune/masks/masked_copy.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/magnitude.h"
#include "prune/cuts.h"
#include "prune/patterns/n_of_m.h"
#include "prune/criteria/random_scores.h"
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

/// Row by stored row, block by block.
void copy_by_block(const stats::FloatFormat& format, const TensorView& tensor, const Mask& mask, std::uint64_t begin,
                   std::uint64_t n, std::byte* target) {
  const Tiling tiling = tiling_of(mask.pattern, mask.orientation, tensor);
  std::memcpy(target, tensor.bytes.data() + begin * format.size(), n * format.size());
  const std::uint64_t end = begin + n;
  for (std::uint64_t row = begin / tiling.columns; row * tiling.columns < end; ++row) {
    const std::uint64_t start = row * tiling.columns, first_block = row / tiling.block_rows * tiling.strips();
    const std::uint64_t from = begin > start ? begin - start : 0, to = std::min(tiling.columns, end - start);
    for (std::uint64_t strip = from / tiling.block_columns; strip * tiling.block_columns < to; ++strip) {
      if (!is_removed(*mask.cut, first_block + strip)) continue;
      const std::uint64_t left = std::max(from, strip * tiling.block_columns);
      const std::uint64_t right = std::min(to, (strip + 1) * tiling.block_columns);
      std::memset(target + (start + left - begin) * format.size(), 0, (right - left) * format.size());
    }
  }
}

}  // namespace

Mask mask_of(const Model& model, const PrunePlan& plan, std::size_t level, std::size_t index,
             std::uint64_t first_position) {
  return {&plan.levels[level].cuts[index],
          plan.options.criterion,
          plan.options.seed,
          first_position,
          plan.options.pattern,
          model.parameters[plan.parameters[index]].orientation};
}

void copy_masked(const TensorView& tensor, const Mask& mask, std::uint64_t begin, std::uint64_t n, std::byte* target) {
  const stats::FloatFormat& format = stats::float_format(tensor.dtype);
  if (mask.cut->pruned == 0) {
    std::memcpy(target, tensor.bytes.data() + begin * format.size(), n * format.size());
  } else if (mask.pattern.kind == Pattern::Kind::kNOfM) {
    copy_n_of_m(tensor, mask.pattern, mask.orientation, begin, n, target);
  } else if (mask.pattern.has_norm()) {
    copy_by_block(format, tensor, mask, begin, n, target);
  } else if (mask.criterion == Criterion::kMagnitude) {
    copy_by_magnitude(format, tensor, *mask.cut, begin, n, target);
  } else {
    copy_by_score(format, tensor, mask, begin, n, target);
  }
}

}  // namespace pare::prune
