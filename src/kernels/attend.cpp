#include "kernels/attend.h"

#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attend.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
// Highway's per-target headers come after foreach_target.h.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

constexpr std::size_t kQueries = 4;  // rows of queries that are processed together

/// c[r][0 .. width) = sum_i a[r][i] * b[i][0 .. width) for kRows rows; width is a multiple of the
/// vector's length, or b and c have room up to the next one.
template <std::size_t kRows>
HWY_INLINE void block_product(const float* a, std::size_t a_stride, const float* b, std::size_t b_stride,
                              std::size_t depth, std::size_t width, float* c, std::size_t c_stride) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t column = 0;
  for (; column + 2 * lanes <= width; column += 2 * lanes) {
    V sum[kRows][2];
    for (auto& row : sum) row[0] = row[1] = hn::Zero(d);
    for (std::size_t i = 0; i < depth; ++i) {
      const V b0 = hn::LoadU(d, b + i * b_stride + column), b1 = hn::LoadU(d, b + i * b_stride + column + lanes);
      for (std::size_t r = 0; r < kRows; ++r) {
        const V factor = hn::Set(d, a[r * a_stride + i]);
        sum[r][0] = hn::MulAdd(factor, b0, sum[r][0]);
        sum[r][1] = hn::MulAdd(factor, b1, sum[r][1]);
      }
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      hn::StoreU(sum[r][0], d, c + r * c_stride + column);
      hn::StoreU(sum[r][1], d, c + r * c_stride + column + lanes);
    }
  }
  for (; column < width; column += lanes) {
    V sum[kRows];
    for (V& row : sum) row = hn::Zero(d);
    for (std::size_t i = 0; i < depth; ++i) {
      const V b0 = hn::LoadU(d, b + i * b_stride + column);
      for (std::size_t r = 0; r < kRows; ++r) sum[r] = hn::MulAdd(hn::Set(d, a[r * a_stride + i]), b0, sum[r]);
    }
    for (std::size_t r = 0; r < kRows; ++r) hn::StoreU(sum[r], d, c + r * c_stride + column);
  }
}

HWY_INLINE std::size_t round_up(std::size_t n) {
  const std::size_t lanes = hn::Lanes(D());
  return (n + lanes - 1) / lanes * lanes;
}

/// The keys that a query sees: begin to end, exclusive.
struct Keys {
  std::size_t begin, end;
};

HWY_INLINE Keys keys_of(const Attention& head, std::size_t query) {
  const std::size_t place = query + head.visible;
  const std::size_t begin = place >= head.window ? place + 1 - head.window : 0;
  const std::size_t ahead = head.causal ? 1 : head.window;
  return {begin, ahead < head.keys ? std::min(head.keys, place + ahead) : head.keys};
}

/// row[j] = cap * tanh(row[j] / cap).
HWY_INLINE void cap_row(float* row, std::size_t padded, float cap) {
  const D d;
  const V factor = hn::Set(d, 1.0F / cap), scale = hn::Set(d, cap);
  for (std::size_t j = 0; j < padded; j += hn::Lanes(d))
    hn::StoreU(hn::Mul(hn::Tanh(d, hn::Mul(hn::LoadU(d, row + j), factor)), scale), d, row + j);
}

/// Turns a row of products into probabilities over the keys that are seen; zeros elsewhere. Index 0 of `row` and
/// `relative` is key 0 for `seen`.
HWY_INLINE void softmax_row(const Attention& head, float* row, Keys seen, std::size_t padded, const float* relative) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  float highest = -std::numeric_limits<float>::infinity();
  for (std::size_t j = seen.begin; j < seen.end; ++j) row[j] *= head.scale;
  if (head.cap != 0) cap_row(row, padded, head.cap);
  for (std::size_t j = seen.begin; j < seen.end; ++j) {
    row[j] += relative == nullptr ? 0 : relative[j];
    highest = std::max(highest, row[j]);
  }
  std::fill(row, row + seen.begin, -std::numeric_limits<float>::infinity());
  std::fill(row + seen.end, row + padded, -std::numeric_limits<float>::infinity());
  const V top = hn::Set(d, highest);
  V sum = hn::Zero(d);
  for (std::size_t j = 0; j < padded; j += lanes) {
    // Highway's Exp must not get -inf. With the arguments in this order, a NaN stays a NaN.
    const V power = hn::Exp(d, hn::Max(hn::Set(d, -100.0F), hn::Sub(hn::LoadU(d, row + j), top)));
    sum = hn::Add(sum, power);
    hn::StoreU(power, d, row + j);
  }
  const V factor = hn::Set(d, 1.0F / hn::GetLane(hn::SumOfLanes(d, sum)));
  for (std::size_t j = 0; j < padded; j += lanes) hn::StoreU(hn::Mul(hn::LoadU(d, row + j), factor), d, row + j);
  std::fill(row, row + seen.begin, 0.0F);
  std::fill(row + seen.end, row + padded, 0.0F);
}

/// Buffers of one call, parts of the scratch memory.
struct Buffers {
  float* keys;    ///< transposed: width x padded keys
  float* values;  ///< keys x padded width
  float* scores;  ///< kQueries x padded keys
  float* result;  ///< kQueries x padded width
};

template <std::size_t kRows>
HWY_INLINE void attend_rows(const Attention& head, const Buffers& buffers, std::size_t first, float* out,
                            std::size_t out_stride) {
  const std::size_t padded_keys = round_up(head.keys), padded_width = round_up(head.width);
  // Keys that no row of the block sees need no product.
  const std::size_t least = keys_of(head, first).begin / hn::Lanes(D()) * hn::Lanes(D());
  const std::size_t most = keys_of(head, first + kRows - 1).end;
  const std::size_t padded = round_up(most) - least;
  block_product<kRows>(head.q.data + first * head.q.stride, head.q.stride, buffers.keys + least, padded_keys,
                       head.width, padded, buffers.scores, padded_keys);
  for (std::size_t r = 0; r < kRows; ++r) {
    const std::size_t query = first + r;
    const Keys seen = keys_of(head, query);
    softmax_row(head, buffers.scores + r * padded_keys, {seen.begin - least, seen.end - least}, padded,
                head.relative == nullptr ? nullptr : head.relative + least - query);
  }
  block_product<kRows>(buffers.scores, padded_keys, buffers.values + least * padded_width, padded_width, most - least,
                       padded_width, buffers.result, padded_width);
  for (std::size_t r = 0; r < kRows; ++r)
    std::copy_n(buffers.result + r * padded_width, head.width, out + (first + r) * out_stride);
}

HWY_INLINE float dot_product(const float* a, const float* b, std::size_t n) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V sum = hn::Zero(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) sum = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), sum);
  float total = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < n; ++i) total += a[i] * b[i];
  return total;
}

/// Attention of a single query. Keys and values are read in place, because copying them would cost more than it saves.
HWY_INLINE void attend_one(const Attention& head, std::size_t query, float* out, std::vector<float>& scratch) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const Keys seen = keys_of(head, query);
  const std::size_t count = seen.end - seen.begin, padded = round_up(count);
  scratch.resize(padded);
  const float* q = head.q.data + query * head.q.stride;
  for (std::size_t j = 0; j < count; ++j)
    scratch[j] = dot_product(q, head.k.data + (seen.begin + j) * head.k.stride, head.width);
  softmax_row(head, scratch.data(), {0, count}, padded,
              head.relative == nullptr ? nullptr : head.relative + seen.begin - query);
  std::fill_n(out, head.width, 0.0F);
  for (std::size_t j = 0; j < count; ++j) {
    const float* v = head.v.data + (seen.begin + j) * head.v.stride;
    const V factor = hn::Set(d, scratch[j]);
    std::size_t i = 0;
    for (; i + lanes <= head.width; i += lanes)
      hn::StoreU(hn::MulAdd(factor, hn::LoadU(d, v + i), hn::LoadU(d, out + i)), d, out + i);
    for (; i < head.width; ++i) out[i] += scratch[j] * v[i];
  }
}

void AttendTarget(const Attention& head, float* out, std::size_t out_stride, std::vector<float>& scratch) {
  if (head.queries < kQueries) {
    for (std::size_t query = 0; query < head.queries; ++query)
      attend_one(head, query, out + query * out_stride, scratch);
    return;
  }
  const std::size_t padded_keys = round_up(head.keys), padded_width = round_up(head.width);
  scratch.resize(head.width * padded_keys + head.keys * padded_width + kQueries * (padded_keys + padded_width));
  Buffers buffers{};
  buffers.keys = scratch.data();
  buffers.values = buffers.keys + head.width * padded_keys;
  buffers.scores = buffers.values + head.keys * padded_width;
  buffers.result = buffers.scores + kQueries * padded_keys;
  for (std::size_t i = 0; i < head.width; ++i) {
    float* row = buffers.keys + i * padded_keys;
    for (std::size_t j = 0; j < head.keys; ++j) row[j] = head.k.data[j * head.k.stride + i];
    std::fill(row + head.keys, row + padded_keys, 0.0F);
  }
  for (std::size_t j = 0; j < head.keys; ++j) {
    float* row = buffers.values + j * padded_width;
    std::copy_n(head.v.data + j * head.v.stride, head.width, row);
    std::fill(row + head.width, row + padded_width, 0.0F);
  }
  std::size_t first = 0;
  for (; first + kQueries <= head.queries; first += kQueries)
    attend_rows<kQueries>(head, buffers, first, out, out_stride);
  for (; first < head.queries; ++first) attend_rows<1>(head, buffers, first, out, out_stride);
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(AttendTarget);
}  // namespace

void attend(const Attention& head, float* out, std::size_t out_stride, std::vector<float>& scratch) {
  PARE_DISPATCH(AttendTarget)(head, out, out_stride, scratch);
}

}  // namespace pare::kernels
#endif
