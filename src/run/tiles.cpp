#include "run/tiles.h"

#include <algorithm>

namespace pare::run {

std::vector<Tile> whole_sequences(const TokenBatch& batch) {
  std::vector<Tile> tiles;
  for (std::size_t s = 0; s < batch.sequences(); ++s) tiles.push_back({s, batch.begin(s), 0, batch.length(s)});
  return tiles;
}

std::vector<Tile> panel_tiles(const TokenBatch& batch) {
  const std::size_t most = linear::most_panel_tokens();
  std::vector<Tile> tiles;
  std::size_t room = 0;
  for (std::size_t s = 0; s < batch.sequences(); ++s)
    for (std::size_t first = 0; first < batch.length(s); first += most) {
      const std::size_t count = std::min(most, batch.length(s) - first);
      tiles.push_back({s, batch.begin(s) + first, first, count});
      // A narrow panel takes nearly as long as a wide one: the weights are read all the same.
      room += std::max(linear::panel_width(count), most / 2);
    }
  if (5 * batch.tokens() < 4 * room) tiles.clear();
  return tiles;
}

kernels::HeadResult elements_of(Activations& x, std::size_t element) {
  return {x.values.data() + element * x.element_stride(), x.token_stride(), x.element_stride()};
}

}  // namespace pare::run
