// Biases on attention scores that depend on the distance between query and key.
#pragma once

#include <cstddef>
#include <vector>

namespace pare::run {

/// by_head[head][center + d] is added to the score of a key at distance d = key - query, for |d| <= center. Empty:
/// none.
struct ScoreBiases {
  std::vector<std::vector<float>> by_head;
  std::size_t center = 0;
};

/// T5's, as T5Attention.compute_bias: `table` is [buckets, heads]. `longest`: most keys of a sequence, at least 1.
ScoreBiases bucket_biases(const float* table, std::size_t buckets, std::size_t heads, std::size_t furthest,
                          bool bidirectional, std::size_t longest);

/// ALiBi's (Press et al. 2022), with the slopes of transformers' build_alibi_tensor.
ScoreBiases alibi_biases(std::size_t heads, std::size_t longest);

}  // namespace pare::run
