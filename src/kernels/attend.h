// Scaled dot-product attention of one head over one sequence (Vaswani et al. 2017).
#pragma once

#include <cstddef>
#include <limits>
#include <vector>

namespace pare::kernels {

/// Rows of a head inside a wider buffer: row i begins at data + i * stride.
struct HeadRows {
  const float* data;
  std::size_t stride;  ///< in floats
};

struct Attention {
  HeadRows q;           ///< queries x width
  HeadRows k, v;        ///< keys x width
  std::size_t queries;  ///< number of rows of q and of the result
  std::size_t keys;
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

/// out row i = softmax_j(scale * q_i . k_j + relative[j - i]) v_j, over the keys that it sees. `scratch` is resized as
/// needed and can be used again.
void attend(const Attention& head, float* out, std::size_t out_stride, std::vector<float>& scratch);

}  // namespace pare::kernels
