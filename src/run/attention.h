// Attention of all heads over all sequences of a batch.
#pragma once

#include <cstddef>

#include "kernels/attend.h"
#include "run/kv_cache.h"
#include "run/position_bias.h"
#include "run/spec.h"

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

/// Self-attention of a batch. q has a row for each token of the batch, with the heads one after the other; k and v
/// likewise, with kv_count heads. With `cache`, new keys and values are appended to layer `layer`, and attention goes
/// to all that it holds. Returns [tokens, count * width].
Matrix attend_self(const Heads& heads, const TokenBatch& batch, kernels::HeadRows q, kernels::HeadRows k,
                   kernels::HeadRows v, KvCache* cache, std::size_t layer, const Context& context);

/// Attention to the encoder's keys and values that `cache` holds.
Matrix attend_cross(const Heads& heads, const TokenBatch& batch, kernels::HeadRows q, KvCache& cache, std::size_t layer,
                    const Context& context);

/// Keys and values of the encoder's output for one layer, into every sequence's cache.
void remember_cross(KvCache& cache, std::size_t layer, const TokenBatch& sources, const Matrix& keys,
                    const Matrix& values);

}  // namespace pare::run
