// Kernels of the forward passes against plain loops in double, for every instruction set.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/attend.h"
#include "kernels/elementwise.h"
#include "kernels/float_convert.h"
#include "kernels/matvec.h"
#include "kernels/panel_dense.h"
#include "kernels/panel_rows.h"
#include "kernels/sparse/sparse.h"
#include "kernels/targets.h"

namespace pare::kernels {
namespace {

std::vector<float> draw(std::size_t n, unsigned seed, float spread = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> values(n);
  for (float& value : values) value = normal(random);
  return values;
}

class Dense : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_TRUE(force_target(GetParam())); }
  void TearDown() override { force_target(""); }
};

double exactly(Activation f, double x) {
  switch (f) {
    case Activation::kRelu:
      return std::max(x, 0.0);
    case Activation::kGelu:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case Activation::kGeluNew:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kQuickGelu:
      return x / (1 + std::exp(-1.702 * x));
    case Activation::kRelu2:
      return x > 0 ? x * x : 0;
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::kMish:
      return x * std::tanh(std::log1p(std::exp(x)));
    case Activation::kLinear:
      return x;
    case Activation::kTanh:
      break;
  }
  return std::tanh(x);
}

TEST_P(Dense, ActivationsFollowTheirFormulas) {
  for (const Activation f :
       {Activation::kRelu, Activation::kGelu, Activation::kGeluNew, Activation::kSilu, Activation::kTanh,
        Activation::kQuickGelu, Activation::kRelu2, Activation::kSigmoid, Activation::kMish, Activation::kLinear}) {
    std::vector<float> x = draw(1003, 1, 3);
    x.insert(x.end(), {0.0F, -0.0F, 40.0F, -40.0F, 90.0F, -90.0F, 1e-20F});
    std::vector<float> gate = draw(x.size(), 2);
    std::vector<float> y = x, gated = x;
    activate(f, y.data(), y.size());
    activate_gated(f, gated.data(), gate.data(), gated.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double expected = exactly(f, static_cast<double>(x[i]));
      EXPECT_NEAR(y[i], expected, 1e-6 * (1 + std::abs(expected))) << static_cast<int>(f) << " of " << x[i];
      EXPECT_FLOAT_EQ(gated[i], y[i] * gate[i]);
    }
  }
}

TEST_P(Dense, NotANumberStaysOne) {
  for (const Activation f :
       {Activation::kRelu, Activation::kGelu, Activation::kGeluNew, Activation::kSilu, Activation::kQuickGelu,
        Activation::kRelu2, Activation::kSigmoid, Activation::kMish, Activation::kLinear}) {
    std::vector<float> x(37, std::numeric_limits<float>::quiet_NaN());
    activate(f, x.data(), x.size());
    for (const float value : x) EXPECT_TRUE(std::isnan(value)) << static_cast<int>(f);
  }
}

TEST_P(Dense, FindsOneNanWhereverItIs) {
  for (const std::size_t n : {1U, 16U, 67U, 257U})
    for (std::size_t at = 0; at < n; ++at) {
      std::vector<float> x(n, std::numeric_limits<float>::infinity());
      EXPECT_FALSE(has_nan(x.data(), n));
      x[at] = std::numeric_limits<float>::quiet_NaN();
      EXPECT_TRUE(has_nan(x.data(), n)) << at << " of " << n;
    }
}

TEST_P(Dense, NormsFollowTheirFormulas) {
  for (const std::size_t n : {1U, 7U, 16U, 96U, 131U, 768U}) {
    const std::size_t rows = 3;
    const std::vector<float> x = draw(rows * n, 3, 2), weight = draw(n, 4), bias = draw(n, 5);
    std::vector<float> layer(x.size()), rms(x.size());
    layer_norm(x.data(), rows, n, weight.data(), bias.data(), 1e-5F, layer.data());
    rms_norm(x.data(), rows, n, weight.data(), 1e-6F, rms.data());
    for (std::size_t row = 0; row < rows; ++row) {
      const float* values = x.data() + row * n;
      double mean = 0, variance = 0, squares = 0;
      for (std::size_t i = 0; i < n; ++i) mean += values[i] / static_cast<double>(n);
      for (std::size_t i = 0; i < n; ++i) {
        variance += (values[i] - mean) * (values[i] - mean) / static_cast<double>(n);
        squares += static_cast<double>(values[i]) * values[i] / static_cast<double>(n);
      }
      for (std::size_t i = 0; i < n; ++i) {
        EXPECT_NEAR(layer[row * n + i], (values[i] - mean) / std::sqrt(variance + 1e-5) * weight[i] + bias[i], 2e-5);
        EXPECT_NEAR(rms[row * n + i], values[i] / std::sqrt(squares + 1e-6) * weight[i], 2e-5);
      }
    }
  }
}

TEST_P(Dense, LogSumExpNeitherOverflowsNorLosesSmallTerms) {
  std::vector<float> x = draw(5003, 6, 4);
  double expected = 0;
  for (const float value : x) expected += std::exp(static_cast<double>(value));
  EXPECT_NEAR(log_sum_exp(x.data(), x.size()), std::log(expected), 1e-6);
  for (float& value : x) value += 500;
  EXPECT_NEAR(log_sum_exp(x.data(), x.size()), std::log(expected) + 500, 1e-4);
  EXPECT_EQ(log_sum_exp(x.data(), 0), -std::numeric_limits<double>::infinity());
}

TEST_P(Dense, FewRowsTimesAMatrix) {
  for (const std::size_t rows : {1U, 2U, 3U, 4U})
    for (const auto& [in, out] : {std::pair<std::size_t, std::size_t>{1, 1}, {5, 3}, {64, 200}, {131, 97}, {96, 300}}) {
      const std::vector<float> x = draw(rows * in, 7), w = draw(in * out, 8), bias = draw(out, 9);
      std::vector<float> a(rows * out, -1), b = a;
      const std::size_t half = out / 2;
      for (const auto& [begin, end] : {std::pair{std::size_t{0}, half}, {half, out}}) {
        multiply_out_in(x.data(), rows, {w.data(), out, in}, begin, end, bias.data(), a.data(), out);
        multiply_in_out(x.data(), rows, {w.data(), in, out}, begin, end, nullptr, b.data(), out);
      }
      for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t o = 0; o < out; ++o) {
          double out_in = bias[o], in_out = 0;
          for (std::size_t i = 0; i < in; ++i) {
            out_in += static_cast<double>(x[r * in + i]) * w[o * in + i];
            in_out += static_cast<double>(x[r * in + i]) * w[i * out + o];
          }
          EXPECT_NEAR(a[r * out + o], out_in, 1e-4);
          EXPECT_NEAR(b[r * out + o], in_out, 1e-4);
        }
    }
}

std::vector<double> plain_attention(const Attention& head) {
  std::vector<double> out(head.queries * head.width, 0);
  for (std::size_t i = 0; i < head.queries; ++i) {
    std::vector<double> p(head.keys);
    double sum = 0;
    for (std::size_t j = 0; j < head.keys; ++j) {
      const std::size_t place = i + head.visible;
      if ((head.causal && j > place) || (j > place ? j - place : place - j) >= head.window) continue;
      double product = 0;
      const float* key = head.blocks[0].k.data + j * head.blocks[0].k.token;
      for (std::size_t c = 0; c < head.width; ++c)
        product += static_cast<double>(head.q.data[i * head.q.token + c]) * key[c];
      const auto offset = static_cast<std::ptrdiff_t>(j) - static_cast<std::ptrdiff_t>(i);
      product *= head.scale;
      if (head.cap != 0) product = head.cap * std::tanh(product / head.cap);
      p[j] = std::exp(product + (head.relative != nullptr ? head.relative[offset] : 0));
      sum += p[j];
    }
    for (std::size_t j = 0; j < head.keys; ++j)
      for (std::size_t c = 0; c < head.width; ++c)
        out[i * head.width + c] += p[j] / sum * head.blocks[0].v.data[j * head.blocks[0].v.token + c];
  }
  return out;
}

TEST_P(Dense, AttentionFollowsItsFormula) {
  struct Shape {
    std::size_t queries, keys, width;
    bool causal;
    std::size_t visible;
    bool relative;
    std::size_t window = std::numeric_limits<std::size_t>::max();
    float cap = 0;
  };
  for (const Shape& shape : {Shape{1, 1, 24, true, 0, false},
                             {5, 5, 24, true, 0, false},
                             {33, 33, 64, true, 0, true},
                             {1, 40, 64, true, 39, true},
                             {3, 43, 20, true, 40, false},
                             {9, 50, 64, true, 41, true},
                             {17, 29, 12, false, 0, false},
                             {2, 300, 64, false, 0, true},
                             {40, 40, 16, true, 0, true, 7},
                             {21, 60, 16, true, 39, false, 20, 0.5F},
                             {2, 60, 16, true, 58, true, 33, 2},
                             {70, 70, 24, false, 0, false, 17},
                             {3, 3, 24, false, 0, false, 1},
                             {40, 40, 16, false, 0, true, 400, 1}}) {
    const std::size_t stride = shape.width + 5;
    const auto q = draw(shape.queries * stride, 10), k = draw(shape.keys * stride, 11),
               v = draw(shape.keys * stride, 12);
    const auto biases = draw(shape.queries + shape.keys, 13);
    Attention head{};
    head.q = {q.data(), stride};
    const KeyBlock all{{k.data(), stride}, {v.data(), stride}, shape.keys};
    head.blocks = {&all, 1};
    head.queries = shape.queries;
    head.keys = shape.keys;
    head.width = shape.width;
    head.scale = 0.3F;
    head.causal = shape.causal;
    head.visible = shape.visible;
    head.window = shape.window;
    head.cap = shape.cap;
    if (shape.relative) head.relative = biases.data() + shape.queries;
    std::vector<float> out(shape.queries * (shape.width + 2), 7), scratch;
    attend(head, {out.data(), shape.width + 2}, scratch);
    const std::vector<double> expected = plain_attention(head);
    for (std::size_t i = 0; i < shape.queries; ++i) {
      for (std::size_t c = 0; c < shape.width; ++c)
        EXPECT_NEAR(out[i * (shape.width + 2) + c], expected[i * shape.width + c], 2e-5);
      EXPECT_EQ(out[i * (shape.width + 2) + shape.width], 7) << "written beyond the head";
    }
  }
}

/// Panels of at most a panel's width of tokens each, one after the other.
std::vector<std::vector<float>> panels_of(const std::vector<float>& rows, std::size_t tokens, std::size_t width) {
  const std::size_t most = kMostVectors * lanes();
  std::vector<std::vector<float>> panels;
  for (std::size_t first = 0; first < tokens; first += most) {
    const std::size_t count = std::min(most, tokens - first), room = (count + lanes() - 1) / lanes() * lanes();
    to_panel(rows.data() + first * width, width, count, width, panels.emplace_back(width * room).data(), room);
  }
  return panels;
}

TEST_P(Dense, AttentionInPanelsIsThatInRows) {
  constexpr std::size_t kTokens = 150, kWidth = 3 * 20, kHead = 20;  // the second of three heads
  const std::size_t most = kMostVectors * lanes();
  const auto q = draw(kTokens * kWidth, 20), k = draw(kTokens * kWidth, 21), v = draw(kTokens * kWidth, 22),
             biases = draw(2 * kTokens, 23);
  const auto queries = panels_of(q, kTokens, kWidth), keys = panels_of(k, kTokens, kWidth),
             values = panels_of(v, kTokens, kWidth);
  const KeyBlock all{{k.data(), kWidth}, {v.data(), kWidth}, kTokens};
  std::vector<KeyBlock> blocks;
  for (std::size_t p = 0; p < keys.size(); ++p) {
    const std::size_t room = keys[p].size() / kWidth;
    blocks.push_back({{keys[p].data(), 1, room}, {values[p].data(), 1, room}, std::min(most, kTokens - p * most)});
  }
  for (const bool causal : {false, true}) {
    Attention head{{q.data() + kHead, kWidth}, {&all, 1}, kHead, kTokens, kTokens, kHead};
    head.causal = causal;
    head.window = 40;
    head.relative = biases.data() + kTokens;
    std::vector<float> expected(kTokens * kHead), scratch;
    attend(head, {expected.data(), kHead}, scratch);
    for (std::size_t p = 0; p < queries.size(); ++p) {
      const std::size_t room = queries[p].size() / kWidth, first = p * most;
      Attention part = head;
      part.q = {queries[p].data() + kHead * room, 1, room};
      part.blocks = blocks;
      part.queries = blocks[p].count;
      part.visible = first;
      part.relative = head.relative - first;
      std::vector<float> out(kHead * room);
      attend(part, {out.data(), 1, room}, scratch);
      for (std::size_t t = 0; t < part.queries; ++t)
        for (std::size_t i = 0; i < kHead; ++i)
          EXPECT_EQ(out[i * room + t], expected[(first + t) * kHead + i]) << first + t << " " << i;
    }
  }
}

TEST_P(Dense, NormsOfPanelsFollowTheirFormulas) {
  const std::size_t width = 2 * lanes(), n = 37;
  const auto x = draw(n * width, 30), weight = draw(n, 31), bias = draw(n, 32);
  std::vector<float> layer(n * width), rms(n * width), sum = x;
  layer_norm_panel(x.data(), width, n, weight.data(), bias.data(), 1e-5F, layer.data());
  rms_norm_panel(x.data(), width, n, weight.data(), 1e-5F, rms.data());
  add_to_rows(sum.data(), width, n, bias.data());
  for (std::size_t t = 0; t < width; ++t) {
    double mean = 0, variance = 0, squares = 0;
    for (std::size_t i = 0; i < n; ++i) mean += x[i * width + t] / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) {
      const double value = x[i * width + t];
      variance += (value - mean) * (value - mean) / static_cast<double>(n);
      squares += value * value / static_cast<double>(n);
    }
    for (std::size_t i = 0; i < n; ++i) {
      const double value = x[i * width + t];
      EXPECT_NEAR(layer[i * width + t], (value - mean) / std::sqrt(variance + 1e-5) * weight[i] + bias[i], 1e-5);
      EXPECT_NEAR(rms[i * width + t], value / std::sqrt(squares + 1e-5) * weight[i], 1e-5);
      EXPECT_EQ(sum[i * width + t], x[i * width + t] + bias[i]);
    }
  }
}

TEST_P(Dense, ProductsOfPanelsAreSumsInRisingOrder) {
  for (const std::size_t in : {std::size_t{0}, std::size_t{5}, std::size_t{300}})
    for (const std::size_t out : {std::size_t{1}, std::size_t{55}})
      for (std::size_t vectors = 1; vectors <= kMostVectors; ++vectors) {
        const std::size_t width = vectors * lanes(), begin = out / 3;
        const auto w = draw(out * in + 1, 40), panel = draw(in * width + 1, 41);
        std::vector<float> turned(in * out + 1), found(out * width), other(out * width);
        for (std::size_t o = 0; o < out; ++o)
          for (std::size_t i = 0; i < in; ++i) turned[i * out + o] = w[o * in + i];
        multiply_dense_panel({w.data(), out, in}, true, begin, out, panel.data(), width, found.data());
        multiply_dense_panel({turned.data(), in, out}, false, begin, out, panel.data(), width, other.data());
        EXPECT_EQ(found, other);
        for (std::size_t o = begin; o < out; ++o)
          for (std::size_t t = 0; t < width; ++t) {
            double sum = 0;
            for (std::size_t i = 0; i < in; ++i) sum += static_cast<double>(w[o * in + i]) * panel[i * width + t];
            EXPECT_NEAR(found[(o - begin) * width + t], sum, 1e-4);
          }
      }
}

TEST_P(Dense, HalvesBecomeTheirValues) {
  const std::vector<std::uint16_t> f16{0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x3555},
      bf16{0x3f80, 0xc000, 0x0001, 0x4049};
  std::vector<float> out(6);
  to_f32(FloatType::kF16, reinterpret_cast<const std::byte*>(f16.data()), 6, out.data());
  EXPECT_EQ(out, (std::vector<float>{1, -2, 5.9604644775390625e-08F, 65504, -0.0F, 0.333251953125F}));
  out.resize(4);
  to_f32(FloatType::kBF16, reinterpret_cast<const std::byte*>(bf16.data()), 4, out.data());
  EXPECT_EQ(out, (std::vector<float>{1, -2, 9.183549615799121e-41F, 3.140625F}));
}

TEST_P(Dense, HalfInfinitiesAndNansStayThemselves) {
  std::vector<std::uint16_t> halves;
  for (int copy = 0; copy < 9; ++copy) halves.insert(halves.end(), {0x7C00, 0xFC00, 0x7E00, 0xFE01, 0x7BFF, 0x0001});
  std::vector<float> found(halves.size());
  const auto* bytes = reinterpret_cast<const std::byte*>(halves.data());
  to_f32(FloatType::kF16, bytes, halves.size(), found.data());
  for (std::size_t i = 0; i < found.size(); i += 6) {
    EXPECT_EQ(found[i], std::numeric_limits<float>::infinity());
    EXPECT_EQ(found[i + 1], -std::numeric_limits<float>::infinity());
    EXPECT_TRUE(std::isnan(found[i + 2]));
    EXPECT_TRUE(std::isnan(found[i + 3]));
    EXPECT_EQ(found[i + 4], 65504.0F);
    EXPECT_EQ(found[i + 5], 0x1p-24F);
  }
  MomentLanes lanes;
  add_moments(FloatType::kF16, bytes, halves.size(), true, lanes);
  EXPECT_EQ(lanes.total_sum(), 9 * (65504.0 + 0x1p-24));
}

INSTANTIATE_TEST_SUITE_P(Machine, Dense, testing::ValuesIn(supported_targets()),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace pare::kernels
