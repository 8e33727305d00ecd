#include "kernels/attend.h"

#include "kernels/one_to_four.h"
#include "kernels/sparse/sparse.h"
#include "kernels/targets.h"

#ifndef PARE_KERNELS_TOGETHER
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attend.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
#endif
// Highway's per-target headers come after foreach_target.h.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "kernels/row_products-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
using Di = hn::RebindToSigned<D>;

constexpr std::size_t kMostLanes = kMostVectors * hn::MaxLanes(D());
constexpr float kLowest = std::numeric_limits<float>::lowest(),
                kMinusInfinity = -std::numeric_limits<float>::infinity();

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

/// Part of a block of keys and values: those from `first` on, which is key `key` of all.
struct Part {
  const KeyBlock* block;
  std::size_t first, count, key;
};

/// Calls f(Part) for the keys [begin, end).
template <class F>
HWY_INLINE void for_parts(const Attention& head, Keys seen, F f) {
  std::size_t key = 0;
  for (const KeyBlock& block : head.blocks) {
    const std::size_t begin = std::max(seen.begin, key), end = std::min(seen.end, key + block.count);
    if (begin < end) f(Part{&block, begin - key, end - begin, begin});
    key += block.count;
  }
}

// ---- many queries: each has a lane, so that no sum runs across lanes ----

/// Some queries from `first` on, one for each lane; those beyond the last query are its copies.
struct Lanes {
  std::size_t first, count;
  HWY_ALIGN_MAX std::int32_t begin[kMostLanes], end[kMostLanes];  ///< the keys that each sees
  Keys any, all;                                                  ///< that some or all of them see
};

HWY_INLINE void find_keys(const Attention& head, std::size_t width, Lanes& lanes) {
  lanes.any = lanes.all = keys_of(head, lanes.first);
  for (std::size_t lane = 0; lane < width; ++lane) {
    const Keys seen = keys_of(head, lanes.first + std::min(lane, lanes.count - 1));
    lanes.begin[lane] = static_cast<std::int32_t>(seen.begin);
    lanes.end[lane] = static_cast<std::int32_t>(seen.end);
    lanes.any = {std::min(lanes.any.begin, seen.begin), std::max(lanes.any.end, seen.end)};
    lanes.all = {std::max(lanes.all.begin, seen.begin), std::min(lanes.all.end, seen.end)};
  }
}

/// Which of a vector of queries see a key.
HWY_INLINE hn::Mask<D> seen_by(const Lanes& lanes, std::size_t vector, std::size_t key) {
  const Di di;
  const std::size_t at = vector * hn::Lanes(di);
  const auto place = hn::Set(di, static_cast<std::int32_t>(key));
  const auto early = hn::Lt(place, hn::Load(di, lanes.begin + at)), seen = hn::Lt(place, hn::Load(di, lanes.end + at));
  return hn::RebindMask(D(), hn::AndNot(early, seen));
}

/// relative[key - query] for a vector of queries.
HWY_INLINE V relative_of(const Attention& head, const Lanes& lanes, std::size_t vector, std::size_t key) {
  const D d;
  const std::size_t count = hn::Lanes(d), query = lanes.first + vector * count;
  const float* at = head.relative + static_cast<std::ptrdiff_t>(key) - static_cast<std::ptrdiff_t>(query);
  if ((vector + 1) * count <= lanes.count) return hn::Reverse(d, hn::LoadU(d, at - (count - 1)));
  HWY_ALIGN float some[HWY_MAX_BYTES / sizeof(float)] = {};
  for (std::size_t lane = 0; vector * count + lane < lanes.count; ++lane)
    some[lane] = at[-static_cast<std::ptrdiff_t>(lane)];
  return hn::Load(d, some);
}

/// Turns the products with one key into scores; -inf where a query does not see it.
HWY_INLINE V score_of(const Attention& head, const Lanes& lanes, std::size_t vector, std::size_t key, bool all,
                      V product) {
  const D d;
  V score = hn::Mul(product, hn::Set(d, head.scale));
  if (head.cap != 0) score = hn::Mul(hn::Tanh(d, hn::Mul(score, hn::Set(d, 1.0F / head.cap))), hn::Set(d, head.cap));
  if (head.relative != nullptr) score = hn::Add(score, relative_of(head, lanes, vector, key));
  return all ? score : hn::IfThenElse(seen_by(lanes, vector, key), score, hn::Set(d, kMinusInfinity));
}

/// Turns products, a row for each key, into exp(score - highest); returns the inverses of their sums.
template <std::size_t kVectors>
HWY_INLINE void exponentials(const Attention& head, const Lanes& queries, float* rows, V (&inverse)[kVectors]) {
  const D d;
  const std::size_t lanes = hn::Lanes(d), width = kVectors * lanes;
  const auto all_see = [&](std::size_t key) { return key >= queries.all.begin && key < queries.all.end; };
  V top[kVectors], sum[kVectors];
  for (std::size_t v = 0; v < kVectors; ++v) {
    top[v] = hn::Set(d, kLowest);
    sum[v] = hn::Zero(d);
  }
  float* row = rows;
  for (std::size_t key = queries.any.begin; key < queries.any.end; ++key, row += width)
    for (std::size_t v = 0; v < kVectors; ++v) {
      const V score = score_of(head, queries, v, key, all_see(key), hn::LoadU(d, row + v * lanes));
      top[v] = hn::Max(score, top[v]);
      hn::StoreU(score, d, row + v * lanes);
    }
  row = rows;
  for (std::size_t key = queries.any.begin; key < queries.any.end; ++key, row += width)
    for (std::size_t v = 0; v < kVectors; ++v) {
      // Highway's Exp must not get -inf. With the arguments in this order, a NaN stays a NaN.
      V power = hn::Exp(d, hn::Max(hn::Set(d, -100.0F), hn::Sub(hn::LoadU(d, row + v * lanes), top[v])));
      if (!all_see(key)) power = hn::IfThenElseZero(seen_by(queries, v, key), power);
      sum[v] = hn::Add(sum[v], power);
      hn::StoreU(power, d, row + v * lanes);
    }
  for (std::size_t v = 0; v < kVectors; ++v) inverse[v] = hn::Div(hn::Set(d, 1.0F), sum[v]);
}

/// q and result: panels of head.width rows. `rows`: room for a row for each key that is seen.
template <std::size_t kVectors>
void attend_lanes(const Attention& head, const Lanes& queries, const float* q, float* rows, float* result) {
  const D d;
  const std::size_t lanes = hn::Lanes(d), width = kVectors * lanes;
  for_parts(head, queries.any, [&](Part part) HWY_ATTR {
    const HeadRows& k = part.block->k;
    all_rows<kVectors>({k.data + head.kv_first * k.element + part.first * k.token, k.token, k.element}, part.count, q,
                       head.width, false, rows + (part.key - queries.any.begin) * width);
  });
  V inverse[kVectors];
  exponentials<kVectors>(head, queries, rows, inverse);
  bool add = false;
  for_parts(head, queries.any, [&](Part part) HWY_ATTR {
    const HeadRows& v = part.block->v;
    all_rows<kVectors>({v.data + head.kv_first * v.element + part.first * v.token, v.element, v.token}, head.width,
                       rows + (part.key - queries.any.begin) * width, part.count, add, result);
    add = true;
  });
  for (std::size_t i = 0; i < head.width; ++i)
    for (std::size_t v = 0; v < kVectors; ++v) {
      float* at = result + i * width + v * lanes;
      hn::StoreU(hn::Mul(hn::LoadU(d, at), inverse[v]), d, at);
    }
}

HWY_INLINE void attend_vectors(const Attention& head, const Lanes& queries, std::size_t width, const float* q,
                               float* rows, float* result) {
  with_constant(width / hn::Lanes(D()), [&](auto vectors) { attend_lanes<vectors()>(head, queries, q, rows, result); });
}

void attend_many(const Attention& head, HeadResult out, std::vector<float>& scratch) {
  constexpr std::size_t kLine = 16;  // floats
  const std::size_t most = kMostVectors * hn::Lanes(D());
  const bool panel = head.q.token == 1 && head.q.element != 1;
  for (std::size_t first = 0; first < head.queries; first += most) {
    Lanes queries;
    queries.first = first;
    queries.count = std::min(most, head.queries - first);
    const std::size_t width = round_up(queries.count);
    find_keys(head, width, queries);
    scratch.resize((2 * head.width + queries.any.end - queries.any.begin) * width + kLine);
    void* aligned = scratch.data();
    std::size_t room = scratch.size() * sizeof(float);
    float* q = static_cast<float*>(std::align(kLine * sizeof(float), sizeof(float), aligned, room));
    float *result = q + head.width * width, *rows = result + head.width * width;
    if (panel) {
      attend_vectors(head, queries, width, head.q.data, rows, out.data);
    } else {
      to_panel(head.q.data + first * head.q.token, head.q.token, queries.count, head.width, q, width);
      attend_vectors(head, queries, width, q, rows, result);
      from_panel(result, width, queries.count, head.width, nullptr, out.data + first * out.token, out.token);
    }
  }
}

// ---- a single query: keys and values are read in place, because copying them would cost more than it saves ----

/// The products of q with kKeys keys, whose sums do not wait for each other.
template <std::size_t kKeys>
HWY_INLINE void key_products(const float* q, const float* keys, std::size_t stride, std::size_t n, float* products) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V sums[kKeys];
  for (std::size_t key = 0; key < kKeys; ++key) sums[key] = hn::Zero(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const V factor = hn::LoadU(d, q + i);
    for (std::size_t key = 0; key < kKeys; ++key)
      sums[key] = hn::MulAdd(factor, hn::LoadU(d, keys + key * stride + i), sums[key]);
  }
  for (std::size_t key = 0; key < kKeys; ++key) {
    products[key] = hn::GetLane(hn::SumOfLanes(d, sums[key]));
    for (std::size_t rest = i; rest < n; ++rest) products[key] += q[rest] * keys[key * stride + rest];
  }
}

/// Adds weight j times row j of `rows` to the elements [0, kVectors * lanes) of `out`.
template <std::size_t kVectors>
HWY_INLINE void add_weighted_rows(const float* weights, const float* rows, std::size_t stride, std::size_t count,
                                  float* out) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V sums[kVectors];
  for (std::size_t v = 0; v < kVectors; ++v) sums[v] = hn::LoadU(d, out + v * lanes);
  for (std::size_t j = 0; j < count; ++j, rows += stride) {
    const V weight = hn::Set(d, weights[j]);
    for (std::size_t v = 0; v < kVectors; ++v) sums[v] = hn::MulAdd(weight, hn::LoadU(d, rows + v * lanes), sums[v]);
  }
  for (std::size_t v = 0; v < kVectors; ++v) hn::StoreU(sums[v], d, out + v * lanes);
}

/// The same for `width` elements.
HWY_INLINE void add_weighted(const float* weights, const float* rows, std::size_t stride, std::size_t count,
                             std::size_t width, float* out) {
  const std::size_t lanes = hn::Lanes(D());
  std::size_t i = 0;
  for (; i + 4 * lanes <= width; i += 4 * lanes) add_weighted_rows<4>(weights, rows + i, stride, count, out + i);
  for (; i + lanes <= width; i += lanes) add_weighted_rows<1>(weights, rows + i, stride, count, out + i);
  for (; i < width; ++i)
    for (std::size_t j = 0; j < count; ++j) out[i] += weights[j] * rows[j * stride + i];
}

/// row[j] = cap * tanh(row[j] / cap).
HWY_INLINE void cap_row(float* row, std::size_t padded, float cap) {
  const D d;
  const V factor = hn::Set(d, 1.0F / cap), scale = hn::Set(d, cap);
  for (std::size_t j = 0; j < padded; j += hn::Lanes(d))
    hn::StoreU(hn::Mul(hn::Tanh(d, hn::Mul(hn::LoadU(d, row + j), factor)), scale), d, row + j);
}

/// Turns a row of products into probabilities, with zeros up to `padded`. relative[0] is key 0's of the row.
HWY_INLINE void softmax_row(const Attention& head, float* row, std::size_t count, std::size_t padded,
                            const float* relative) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  float highest = kMinusInfinity;
  for (std::size_t j = 0; j < count; ++j) row[j] *= head.scale;
  if (head.cap != 0) cap_row(row, padded, head.cap);
  for (std::size_t j = 0; j < count; ++j) {
    row[j] += relative == nullptr ? 0 : relative[j];
    highest = std::max(highest, row[j]);
  }
  std::fill(row + count, row + padded, kMinusInfinity);
  const V top = hn::Set(d, highest);
  V sum = hn::Zero(d);
  for (std::size_t j = 0; j < padded; j += lanes) {
    // As in exponentials().
    const V power = hn::Exp(d, hn::Max(hn::Set(d, -100.0F), hn::Sub(hn::LoadU(d, row + j), top)));
    sum = hn::Add(sum, power);
    hn::StoreU(power, d, row + j);
  }
  const V factor = hn::Set(d, 1.0F / hn::GetLane(hn::SumOfLanes(d, sum)));
  for (std::size_t j = 0; j < padded; j += lanes) hn::StoreU(hn::Mul(hn::LoadU(d, row + j), factor), d, row + j);
}

void attend_one(const Attention& head, std::size_t query, float* out, std::vector<float>& scratch) {
  const Keys seen = keys_of(head, query);
  const std::size_t count = seen.end - seen.begin, padded = round_up(count);
  scratch.resize(padded);
  const float* q = head.q.data + query * head.q.token;
  for_parts(head, seen, [&](Part part) HWY_ATTR {
    const HeadRows& k = part.block->k;
    const float* row = k.data + part.first * k.token + head.kv_first;
    float* products = scratch.data() + (part.key - seen.begin);
    std::size_t j = 0;
    for (; j + 4 <= part.count; j += 4) key_products<4>(q, row + j * k.token, k.token, head.width, products + j);
    for (; j < part.count; ++j) key_products<1>(q, row + j * k.token, k.token, head.width, products + j);
  });
  softmax_row(head, scratch.data(), count, padded,
              head.relative == nullptr ? nullptr : head.relative + seen.begin - query);
  std::fill_n(out, head.width, 0.0F);
  for_parts(head, seen, [&](Part part) HWY_ATTR {
    const HeadRows& v = part.block->v;
    add_weighted(scratch.data() + (part.key - seen.begin), v.data + part.first * v.token + head.kv_first, v.token,
                 part.count, head.width, out);
  });
}

void AttendTarget(const Attention& head, HeadResult out, std::vector<float>& scratch) {
  constexpr std::size_t kFewQueries = 3;
  const bool by_token = std::all_of(head.blocks.begin(), head.blocks.end(),
                                    [](const KeyBlock& block) { return block.k.element == 1 && block.v.element == 1; });
  if (head.queries > kFewQueries || head.q.element != 1 || !by_token) return attend_many(head, out, scratch);
  for (std::size_t query = 0; query < head.queries; ++query)
    attend_one(head, query, out.data + query * out.token, scratch);
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(AttendTarget);
}  // namespace

void attend(const Attention& head, HeadResult out, std::vector<float>& scratch) {
  PARE_DISPATCH(AttendTarget)(head, out, scratch);
}

}  // namespace pare::kernels
#endif
