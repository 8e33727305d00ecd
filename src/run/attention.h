// Attention of all heads over all sequences of a batch.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/attend.h"
#include "run/kv_cache.h"
#include "run/position_bias.h"
#include "run/spec.h"
#include "run/tiles.h"

namespace pare::run {

struct Heads {
  std::size_t count = 0;
  std::size_t kv_count = 0;  ///< a divisor of count: so many heads share their queries' keys and values
  std::size_t width = 0;
  float scale = 1;  ///< on the products of queries and keys
  float cap = 0;    ///< StackSpec::attention_cap
  bool causal = false;
  std::size_t window = kUnlimited;  ///< LayerSpec::window
  const ScoreBiases* biases = nullptr;
};

/// Attention of a tile: its queries, keys and values, and where its results go. An element of all of them is that of a
/// head after those of the heads before: queries and results have count * width elements, keys and values
/// kv_count * width.
struct TileViews {
  Tile tile;
  kernels::HeadRows q = {}, k = {}, v = {};
  kernels::HeadResult mixed = {};
};

/// Self-attention. `tiles` are those of the whole batch, in order. With `cache`, new keys and values are appended to
/// layer `layer`, and attention goes to all that it holds.
void attend_self(const Heads& heads, std::span<const TileViews> tiles, KvCache* cache, std::size_t layer,
                 const Context& context);

/// Attention to the encoder's keys and values that `cache` holds, for tiles of any sequences.
void attend_cross(const Heads& heads, std::span<const TileViews> tiles, KvCache& cache, std::size_t layer,
                  const Context& context);

/// Keys and values of the encoder's output for one layer, into every sequence's cache.
void remember_cross(KvCache& cache, std::size_t layer, const TokenBatch& sources, const Matrix& keys,
                    const Matrix& values);

}  // namespace pare::run
