#include "linear/layer_weights.h"

#include <numeric>

#include "base/parallel.h"
#include "base/pieces.h"

namespace pare::linear {
namespace {

template <class T>
std::size_t count(const T* weights, std::size_t n) {
  std::size_t found = 0;
  for (std::size_t i = 0; i < n; ++i) found += is_nonzero(weights[i]) ? 1U : 0U;
  return found;
}

std::size_t count(FloatType type, const std::byte* weights, std::size_t n) {
  return type == FloatType::kF32 ? count(reinterpret_cast<const float*>(weights), n)
                                 : count(reinterpret_cast<const std::uint16_t*>(weights), n);
}

}  // namespace

std::size_t count_nonzeros(const LayerWeights& weights, const Context& context) {
  const WeightView& view = weights.view;
  if (weights.nonzeros != nullptr)
    return count(view.type, weights.nonzeros->values.data(), weights.nonzeros->column.size());
  const std::size_t all = view.rows * view.columns;
  const std::size_t rows = std::clamp<std::size_t>(base::kPieceElements / std::max<std::size_t>(1, view.columns), 1,
                                                   std::max<std::size_t>(1, view.rows));
  std::vector<std::size_t> counts((view.rows + rows - 1) / rows);
  base::parallel_for(counts.size(), base::worthwhile(context, all), [&](std::size_t piece, unsigned) {
    const std::size_t end = std::min(view.rows, (piece + 1) * rows);
    for (std::size_t row = piece * rows; row < end; ++row)
      counts[piece] += count(view.type, view.at(row), view.columns);
  });
  return std::accumulate(counts.begin(), counts.end(), std::size_t{0});
}

}  // namespace pare::linear
