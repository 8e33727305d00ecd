// The operations between the matrix products of a transformer: activations, normalization, softmax. F32; sums are kept
// in the vector's lanes, so that results differ in the last bits between instruction sets.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pare::kernels {

enum class Activation : std::uint8_t {
  kRelu,
  kGelu,     ///< x * Phi(x), by erf; transformers' "gelu"
  kGeluNew,  ///< its approximation by tanh (Hendrycks and Gimpel 2016); "gelu_new", "gelu_pytorch_tanh"
  kSilu,
  kTanh,
  kQuickGelu,  ///< x * sigmoid(1.702 x)
  kRelu2,      ///< the square of kRelu
  kSigmoid,
  kMish,  ///< x * tanh(log(1 + exp(x)))
  kLinear,
};

/// x[i] = f(x[i]).
void activate(Activation f, float* x, std::size_t n);

/// x[i] = f(x[i]) * gate[i]: gated feed-forward (Shazeer 2020).
void activate_gated(Activation f, float* x, const float* gate, std::size_t n);

/// x[i] += y[i].
void add(float* x, const float* y, std::size_t n);

/// Each of `rows` rows of n: out = (x - mean) / sqrt(var + epsilon) * weight + bias, as
/// torch.nn.functional.layer_norm (Ba et al. 2016). out may be x.
void layer_norm(const float* x, std::size_t rows, std::size_t n, const float* weight, const float* bias, float epsilon,
                float* out);

/// Each row: out = x / sqrt(mean(x^2) + epsilon) * weight, as T5LayerNorm (Zhang and Sennrich 2019). out may be x.
void rms_norm(const float* x, std::size_t rows, std::size_t n, const float* weight, float epsilon, float* out);

/// Whether any x is NaN.
bool has_nan(const float* x, std::size_t n);

/// Natural logarithm of the softmax's denominator of one row: log(sum(exp(x))), without overflow.
/// -inf for n = 0; NaN if any x is.
double log_sum_exp(const float* x, std::size_t n);

}  // namespace pare::kernels
