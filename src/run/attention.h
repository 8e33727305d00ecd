// Attention of all heads over all sequences of a batch.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/attend.h"
#include "linear/linear.h"
#include "run/kv_cache.h"

namespace pare::run {

/// One sequence: where its queries, keys and values are, all heads side by side.
struct SequenceRows {
  kernels::HeadRows q, k, v;
  std::size_t queries = 0, keys = 0;
  std::size_t before = 0;  ///< keys before the first query, for causal attention
  float* out = nullptr;
};

struct Heads {
  std::size_t count = 0, width = 0;  ///< out rows are count * width long
  float scale = 1;
  bool causal = false;
  /// Relative bias by head: biases[head][center + j - i - before]; empty if there is none.
  std::vector<std::vector<float>> biases = {};
  std::size_t center = 0;
};

void attend(const Heads& heads, const std::vector<SequenceRows>& sequences, const Context& context);

/// Rows of a batch's sequence in a matrix that holds them from column `column` on.
inline kernels::HeadRows rows_of(const Matrix& matrix, const TokenBatch& batch, std::size_t sequence,
                                 std::size_t column = 0) {
  return {matrix.row(batch.begin(sequence)) + column, matrix.columns};
}

/// Self-attention of a batch whose queries, keys and values lie in columns of matrices. With `cache`,
/// new keys and values are appended to layer `layer` and all that it holds is attended to.
Matrix attend_self(const Heads& heads, const TokenBatch& batch, const Matrix& q, const Matrix& k, const Matrix& v,
                   std::size_t q_column, std::size_t k_column, std::size_t v_column, KvCache* cache, std::size_t layer,
                   const Context& context);

/// Attention to the encoder's keys and values that `cache` holds.
Matrix attend_cross(const Heads& heads, const TokenBatch& batch, const Matrix& q, KvCache& cache, std::size_t layer,
                    const Context& context);

/// Keys and values of the encoder's output for one layer, into every sequence's cache.
void remember_cross(KvCache& cache, std::size_t layer, const TokenBatch& sources, const Matrix& keys,
                    const Matrix& values);

}  // namespace pare::run
