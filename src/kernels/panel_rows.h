// The operations between the products of a transformer for panels: element i of token t is panel[i * width + t], and
// `width` is a multiple of lanes(). What a token gives does not depend on the others.
#pragma once

#include <cstddef>

namespace pare::kernels {

/// panel[i][t] += added[i] for all tokens.
void add_to_rows(float* panel, std::size_t width, std::size_t rows, const float* added);

/// layer_norm() and rms_norm() of elementwise.h for each token's n elements. out may be the panel.
void layer_norm_panel(const float* panel, std::size_t width, std::size_t n, const float* weight, const float* bias,
                      float epsilon, float* out);
void rms_norm_panel(const float* panel, std::size_t width, std::size_t n, const float* weight, float epsilon,
                    float* out);

/// Rotates n pairs of numbers: low = low * cosine - high * sine, high = high * cosine + low * sine. n is a multiple of
/// lanes().
void rotate_pairs(float* low, float* high, const float* cosines, const float* sines, std::size_t n);

}  // namespace pare::kernels
