#include "run/attention.h"

#include <algorithm>

#include "base/parallel.h"
#include "kernels/sparse/sparse.h"

namespace pare::run {
namespace {

using kernels::HeadRows;
using kernels::KeyBlock;

/// What a tile attends to.
struct Source {
  std::span<const KeyBlock> blocks;
  std::size_t keys = 0;
  std::size_t before = 0;  ///< keys before the tile's first token
};

void append_rows(std::vector<float>& kept, HeadRows rows, std::size_t count, std::size_t width) {
  const std::size_t old = kept.size();
  if (rows.element != 1) {
    kept.resize(old + count * width);
    kernels::from_panel(rows.data, rows.element, count, width, nullptr, kept.data() + old, width);
    return;
  }
  for (std::size_t i = 0; i < count; ++i)
    kept.insert(kept.end(), rows.data + i * rows.token, rows.data + i * rows.token + width);
}

Matrix copy_rows(const Matrix& from, std::size_t begin, std::size_t count) {
  Matrix rows = Matrix::unset(count, from.columns);
  std::copy_n(from.row(begin), count * from.columns, rows.values.data());
  return rows;
}

/// One head of one tile.
kernels::Attention one_head(const Heads& heads, const TileViews& views, const Source& source, std::size_t head) {
  kernels::Attention one{};
  one.q = views.q;
  one.q.data += head * heads.width * views.q.element;
  one.blocks = source.blocks;
  one.kv_first = head / (heads.count / heads.kv_count) * heads.width;
  one.queries = views.tile.count;
  one.keys = source.keys;
  one.width = heads.width;
  one.scale = heads.scale;
  one.cap = heads.cap;
  one.causal = heads.causal;
  one.visible = source.before;
  one.window = heads.window;
  if (heads.biases != nullptr) one.relative = heads.biases->by_head[head].data() + heads.biases->center - source.before;
  return one;
}

void attend(const Heads& heads, std::span<const TileViews> tiles, const std::vector<Source>& sources,
            const Context& context) {
  std::size_t products = 0;
  for (std::size_t i = 0; i < tiles.size(); ++i) products += tiles[i].tile.count * sources[i].keys;
  const unsigned threads = base::worthwhile_threads(context, 2 * products * heads.count * heads.width);
  std::vector<std::vector<float>> scratch(threads);
  base::parallel_for(tiles.size() * heads.count, context.with_threads(threads), [&](std::size_t item, unsigned worker) {
    const TileViews& views = tiles[item / heads.count];
    if (views.tile.count == 0) return;
    const std::size_t head = item % heads.count;
    kernels::HeadResult out = views.mixed;
    out.data += head * heads.width * out.element;
    kernels::attend(one_head(heads, views, sources[item / heads.count], head), out, scratch[worker]);
  });
}

/// Appends the keys and values of the tiles; returns one block for each sequence.
std::vector<KeyBlock> append(const Heads& heads, std::span<const TileViews> tiles, KvCache& cache, std::size_t layer) {
  const std::size_t width = heads.kv_count * heads.width;
  for (const TileViews& views : tiles) {
    LayerCache& kept = cache[views.tile.sequence].layers[layer];
    append_rows(kept.keys, views.k, views.tile.count, width);
    append_rows(kept.values, views.v, views.tile.count, width);
  }
  std::vector<KeyBlock> blocks(cache.size());
  for (std::size_t s = 0; s < blocks.size(); ++s) {
    const LayerCache& kept = cache[s].layers[layer];
    blocks[s] = {{kept.keys.data(), width}, {kept.values.data(), width}, width == 0 ? 0 : kept.keys.size() / width};
  }
  return blocks;
}

}  // namespace

void attend_self(const Heads& heads, std::span<const TileViews> tiles, KvCache* cache, std::size_t layer,
                 const Context& context) {
  std::vector<Source> sources(tiles.size());
  std::vector<KeyBlock> blocks;
  if (cache != nullptr) {
    blocks = append(heads, tiles, *cache, layer);
    for (std::size_t i = 0; i < tiles.size(); ++i) {
      const Tile& tile = tiles[i].tile;
      sources[i] = {
          {&blocks[tile.sequence], 1}, blocks[tile.sequence].count, (*cache)[tile.sequence].length + tile.first};
    }
    return attend(heads, tiles, sources, context);
  }
  for (const TileViews& views : tiles) blocks.push_back({views.k, views.v, views.tile.count});
  for (std::size_t begin = 0, end = 0; begin < tiles.size(); begin = end) {  // the tiles of a sequence
    std::size_t keys = 0;
    for (end = begin; end < tiles.size() && tiles[end].tile.sequence == tiles[begin].tile.sequence; ++end)
      keys += tiles[end].tile.count;
    for (std::size_t i = begin; i < end; ++i)
      sources[i] = {{blocks.data() + begin, end - begin}, keys, tiles[i].tile.first};
  }
  attend(heads, tiles, sources, context);
}

void attend_cross(const Heads& heads, std::span<const TileViews> tiles, KvCache& cache, std::size_t layer,
                  const Context& context) {
  std::vector<KeyBlock> blocks(tiles.size());
  std::vector<Source> sources(tiles.size());
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    const LayerCache& kept = cache[tiles[i].tile.sequence].layers[layer];
    const Matrix &keys = *kept.cross_keys, &values = *kept.cross_values;
    blocks[i] = {{keys.values.data(), keys.columns}, {values.values.data(), values.columns}, keys.rows};
    sources[i] = {{&blocks[i], 1}, keys.rows, 0};
  }
  attend(heads, tiles, sources, context);
}

void remember_cross(KvCache& cache, std::size_t layer, const TokenBatch& sources, const Matrix& keys,
                    const Matrix& values) {
  for (std::size_t s = 0; s < sources.sequences(); ++s) {
    LayerCache& kept = cache[s].layers[layer];
    kept.cross_keys = std::make_shared<const Matrix>(copy_rows(keys, sources.begin(s), sources.length(s)));
    kept.cross_values = std::make_shared<const Matrix>(copy_rows(values, sources.begin(s), sources.length(s)));
  }
}

}  // namespace pare::run
