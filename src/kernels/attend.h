// Scaled dot-product attention of one head over one sequence (Vaswani et al. 2017).
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace pare::kernels {

/// Vectors of tokens: element i of token t is data[t * token + i * element]. Either token by token (element is 1), or
/// element by element, as in a panel (token is 1).
struct HeadRows {
  const float* data;
  std::size_t token;  ///< in floats
  std::size_t element = 1;
};

/// Where results go, likewise.
struct HeadResult {
  float* data;
  std::size_t token;
  std::size_t element = 1;
};

/// Keys and values of tokens that follow each other, of all heads.
struct KeyBlock {
  HeadRows k, v;
  std::size_t count;
};

struct Attention {
  HeadRows q;                        ///< queries x width; a panel has at most most_queries() of them
  std::span<const KeyBlock> blocks;  ///< in order
  std::size_t kv_first = 0;          ///< element of the blocks' tokens where this head's begin
  std::size_t queries;
  std::size_t keys;   ///< of all blocks
  std::size_t width;  ///< width of the head
  float scale = 1;    ///< factor on the products
  float cap = 0;      ///< if not 0, products become cap * tanh(product / cap) after the scale (Gemma 2)
  /// Query i sees key j only if j <= i + visible; for decoders the number of keys before query 0.
  bool causal = false;
  std::size_t visible = 0;
  /// Query i, at place i + visible, sees only keys at a distance below this (Beltagy et al. 2020). At least 1.
  std::size_t window = std::numeric_limits<std::size_t>::max();
  /// Added to the products of query i and key j: relative[j - i], for all i < queries, j < keys. May be null.
  const float* relative = nullptr;
};

/// Result i = softmax_j(scale * q_i . k_j + relative[j - i]) v_j, over the keys that query i sees. If q is a panel, so
/// is `out`, and the results of its unused lanes are finite if q is. What one query gives does not depend on the
/// others. `scratch` is resized as needed and can be used again.
void attend(const Attention& head, HeadResult out, std::vector<float>& scratch);

}  // namespace pare::kernels
