#include "kernels/elementwise.h"

#include "kernels/targets.h"

#ifndef PARE_KERNELS_TOGETHER
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
#endif
// Highway's per-target headers come after foreach_target.h.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

/// f over a row: whole vectors, then the rest padded with zeros.
template <class F>
HWY_INLINE void for_vectors(std::size_t n, const float* x, float* out, F f) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(hn::LoadU(d, x + i), i), d, out + i);
  if (i == n) return;
  HWY_ALIGN float rest[HWY_MAX_BYTES / sizeof(float)] = {};
  std::memcpy(rest, x + i, (n - i) * sizeof(float));
  hn::Store(f(hn::Load(d, rest), i), d, rest);
  std::memcpy(out + i, rest, (n - i) * sizeof(float));
}

/// A vector of row `x` from i, zeros after its end.
HWY_INLINE V load_row(const float* x, std::size_t i, std::size_t n) {
  const D d;
  if (i + hn::Lanes(d) <= n) return hn::LoadU(d, x + i);
  HWY_ALIGN float rest[HWY_MAX_BYTES / sizeof(float)] = {};
  std::memcpy(rest, x + i, (n - i) * sizeof(float));
  return hn::Load(d, rest);
}

/// erf by Abramowitz and Stegun 7.1.26: within 1.5e-7.
HWY_INLINE V erf(V x) {
  const D d;
  const V magnitude = hn::Abs(x);
  const V t = hn::Div(hn::Set(d, 1.0F), hn::MulAdd(hn::Set(d, 0.3275911F), magnitude, hn::Set(d, 1.0F)));
  V sum = hn::Set(d, 1.061405429F);
  for (const float coefficient : {-1.453152027F, 1.421413741F, -0.284496736F, 0.254829592F})
    sum = hn::MulAdd(sum, t, hn::Set(d, coefficient));
  const V tail = hn::Mul(hn::Mul(sum, t), hn::Exp(d, hn::Neg(hn::Mul(magnitude, magnitude))));
  return hn::CopySign(hn::Sub(hn::Set(d, 1.0F), tail), x);
}

struct Relu {
  HWY_INLINE V operator()(V x) const {
    // Not Max: a NaN must stay one.
    return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(D())), x);
  }
};
struct Gelu {
  HWY_INLINE V operator()(V x) const {
    const D d;
    const V half = hn::Mul(hn::Set(d, 0.5F), x);
    return hn::MulAdd(half, erf(hn::Mul(x, hn::Set(d, 0.70710678118654752F))), half);
  }
};
/// x / (1 + exp(y)), where Highway's Exp must not overflow. In this order a NaN stays one.
HWY_INLINE V damped(V x, V y) {
  const D d;
  return hn::Div(x, hn::Add(hn::Set(d, 1.0F), hn::Exp(d, hn::Min(hn::Set(d, 80.0F), y))));
}

struct Silu {
  HWY_INLINE V operator()(V x) const { return damped(x, hn::Neg(x)); }
};
struct GeluNew {
  HWY_INLINE V operator()(V x) const {
    const D d;
    // 0.5 x (1 + tanh(y)) = x / (1 + exp(-2y)), y = sqrt(2/pi) (x + 0.044715 x^3)
    const V cube = hn::Mul(hn::Mul(x, x), x);
    const V y = hn::Mul(hn::Set(d, 0.79788456080286536F), hn::MulAdd(hn::Set(d, 0.044715F), cube, x));
    return damped(x, hn::Mul(hn::Set(d, -2.0F), y));
  }
};
struct Tanh {
  HWY_INLINE V operator()(V x) const { return hn::Tanh(D(), x); }
};

struct QuickGelu {
  HWY_INLINE V operator()(V x) const { return damped(x, hn::Mul(hn::Set(D(), -1.702F), x)); }
};
struct Relu2 {
  HWY_INLINE V operator()(V x) const {
    const V positive = Relu()(x);
    return hn::Mul(positive, positive);
  }
};
struct Sigmoid {
  HWY_INLINE V operator()(V x) const { return hn::IfThenElse(hn::IsNaN(x), x, damped(hn::Set(D(), 1.0F), hn::Neg(x))); }
};
struct Mish {
  HWY_INLINE V operator()(V x) const {
    const D d;
    // tanh(log(1 + e)) = n / (n + 2), n = e (e + 2); from 20 on it is 1.
    const V e = hn::Exp(d, hn::Min(hn::Set(d, 20.0F), x)), n = hn::Mul(e, hn::Add(e, hn::Set(d, 2.0F)));
    return hn::Mul(x, hn::Div(n, hn::Add(n, hn::Set(d, 2.0F))));
  }
};
struct Linear {
  HWY_INLINE V operator()(V x) const { return x; }
};

template <class F>
auto with_activation(Activation activation, F f) {
  switch (activation) {
    case Activation::kRelu:
      return f(Relu());
    case Activation::kGelu:
      return f(Gelu());
    case Activation::kGeluNew:
      return f(GeluNew());
    case Activation::kSilu:
      return f(Silu());
    case Activation::kQuickGelu:
      return f(QuickGelu());
    case Activation::kRelu2:
      return f(Relu2());
    case Activation::kSigmoid:
      return f(Sigmoid());
    case Activation::kMish:
      return f(Mish());
    case Activation::kLinear:
      return f(Linear());
    case Activation::kTanh:
      break;
  }
  return f(Tanh());
}

void ActivateTarget(Activation activation, float* x, std::size_t n) {
  with_activation(activation, [&](auto f) { for_vectors(n, x, x, [&](V v, std::size_t) HWY_ATTR { return f(v); }); });
}

void ActivateGatedTarget(Activation activation, float* x, const float* gate, std::size_t n) {
  with_activation(activation, [&](auto f) {
    for_vectors(n, x, x, [&](V v, std::size_t i) HWY_ATTR { return hn::Mul(f(v), load_row(gate, i, n)); });
  });
}

void AddTarget(float* x, const float* y, std::size_t n) {
  for_vectors(n, x, x, [&](V v, std::size_t i) HWY_ATTR { return hn::Add(v, load_row(y, i, n)); });
}

HWY_INLINE float sum_of_row(const float* x, std::size_t n) {
  const D d;
  V sum = hn::Zero(d);
  for (std::size_t i = 0; i < n; i += hn::Lanes(d)) sum = hn::Add(sum, load_row(x, i, n));
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

/// Sum of (x - mean)^2 over a row.
HWY_INLINE float sum_of_squares(const float* x, std::size_t n, float mean) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const V center = hn::Set(d, mean);
  V sum = hn::Zero(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const V off = hn::Sub(hn::LoadU(d, x + i), center);
    sum = hn::MulAdd(off, off, sum);
  }
  float total = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < n; ++i) total += (x[i] - mean) * (x[i] - mean);
  return total;
}

void LayerNormTarget(const float* x, std::size_t rows, std::size_t n, const float* weight, const float* bias,
                     float epsilon, float* out) {
  const D d;
  const auto width = static_cast<float>(n);
  for (std::size_t row = 0; row < rows; ++row, x += n, out += n) {
    const float mean = sum_of_row(x, n) / width;
    const float scale = 1.0F / std::sqrt(sum_of_squares(x, n, mean) / width + epsilon);
    const V center = hn::Set(d, mean), factor = hn::Set(d, scale);
    for_vectors(n, x, out, [&](V v, std::size_t i) HWY_ATTR {
      const V normal = hn::Mul(hn::Sub(v, center), factor);
      return hn::MulAdd(normal, load_row(weight, i, n), load_row(bias, i, n));
    });
  }
}

void RmsNormTarget(const float* x, std::size_t rows, std::size_t n, const float* weight, float epsilon, float* out) {
  const D d;
  for (std::size_t row = 0; row < rows; ++row, x += n, out += n) {
    const float scale = 1.0F / std::sqrt(sum_of_squares(x, n, 0) / static_cast<float>(n) + epsilon);
    const V factor = hn::Set(d, scale);
    for_vectors(n, x, out,
                [&](V v, std::size_t i) HWY_ATTR { return hn::Mul(hn::Mul(v, factor), load_row(weight, i, n)); });
  }
}

bool HasNanTarget(const float* x, std::size_t n) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    const V a = hn::LoadU(d, x + i), b = hn::LoadU(d, x + i + lanes), c = hn::LoadU(d, x + i + 2 * lanes),
            e = hn::LoadU(d, x + i + 3 * lanes);
    const auto nan = hn::Or(hn::Or(hn::IsNaN(a), hn::IsNaN(b)), hn::Or(hn::IsNaN(c), hn::IsNaN(e)));
    if (!hn::AllFalse(d, nan)) return true;
  }
  return std::any_of(x + i, x + n, [](float v) { return std::isnan(v); });
}

double LogSumExpTarget(const float* x, std::size_t n) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  if (n == 0) return -std::numeric_limits<double>::infinity();
  const float highest = *std::max_element(x, x + n);
  if (std::isinf(highest)) return highest;
  const V top = hn::Set(d, highest);
  double total = 0;
  std::size_t i = 0;
  while (i + lanes <= n) {  // F32 sums of short runs, added up in F64
    V sum = hn::Zero(d);
    for (std::size_t run = 0; run < 64 && i + lanes <= n; ++run, i += lanes)
      sum = hn::Add(sum, hn::Exp(d, hn::Sub(hn::LoadU(d, x + i), top)));
    total += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sum)));
  }
  for (; i < n; ++i) total += std::exp(static_cast<double>(x[i]) - static_cast<double>(highest));
  return static_cast<double>(highest) + std::log(total);
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(ActivateTarget);
HWY_EXPORT(ActivateGatedTarget);
HWY_EXPORT(AddTarget);
HWY_EXPORT(LayerNormTarget);
HWY_EXPORT(RmsNormTarget);
HWY_EXPORT(HasNanTarget);
HWY_EXPORT(LogSumExpTarget);
}  // namespace

void activate(Activation f, float* x, std::size_t n) { PARE_DISPATCH(ActivateTarget)(f, x, n); }
void activate_gated(Activation f, float* x, const float* gate, std::size_t n) {
  PARE_DISPATCH(ActivateGatedTarget)(f, x, gate, n);
}
void add(float* x, const float* y, std::size_t n) { PARE_DISPATCH(AddTarget)(x, y, n); }
void layer_norm(const float* x, std::size_t rows, std::size_t n, const float* weight, const float* bias, float epsilon,
                float* out) {
  PARE_DISPATCH(LayerNormTarget)(x, rows, n, weight, bias, epsilon, out);
}
void rms_norm(const float* x, std::size_t rows, std::size_t n, const float* weight, float epsilon, float* out) {
  PARE_DISPATCH(RmsNormTarget)(x, rows, n, weight, epsilon, out);
}
bool has_nan(const float* x, std::size_t n) { return PARE_DISPATCH(HasNanTarget)(x, n); }
double log_sum_exp(const float* x, std::size_t n) { return PARE_DISPATCH(LogSumExpTarget)(x, n); }

}  // namespace pare::kernels
#endif
