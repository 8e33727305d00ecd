#include "linear/layer_weights.h"

#include <numeric>

#include "base/parallel.h"
#include "base/pieces.h"

namespace pare::linear {

std::size_t count_nonzeros(const LayerWeights& weights, const Context& context) {
  if (weights.nonzeros != nullptr)
    return static_cast<std::size_t>(std::count_if(weights.nonzeros->values.begin(), weights.nonzeros->values.end(),
                                                  [](float w) { return w != 0; }));
  const std::size_t all = weights.in * weights.out, pieces = (all + base::kPieceElements - 1) / base::kPieceElements;
  std::vector<std::size_t> counts(pieces);
  base::parallel_for(pieces, base::worthwhile(context, all), [&](std::size_t piece, unsigned) {
    const float* begin = weights.data + piece * base::kPieceElements;
    const float* end = weights.data + std::min<std::size_t>(all, (piece + 1) * base::kPieceElements);
    std::uint32_t count = 0;
    for (const float* w = begin; w != end; ++w) count += *w != 0 ? 1U : 0U;
    counts[piece] = count;
  });
  return std::accumulate(counts.begin(), counts.end(), std::size_t{0});
}

}  // namespace pare::linear
