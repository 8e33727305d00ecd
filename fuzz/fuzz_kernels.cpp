// Compares the results of all instruction sets of the machine: they must have the same bits where the headers in
// src/kernels promise it, and elsewhere agree within the rounding of a sum. The input selects the kernel, the number of
// elements and their alignment, and gives their bits, which include NaN, infinities, -0 and subnormal numbers.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "fuzz/kernel_bits.h"
#include "fuzz/kernel_input.h"
#include "fuzz/quant_cases.h"
#include "kernels/attend.h"
#include "kernels/block_scan.h"
#include "kernels/elementwise.h"
#include "kernels/float_convert.h"
#include "kernels/magnitude.h"
#include "kernels/matvec.h"
#include "kernels/moments.h"
#include "kernels/nonzero.h"
#include "kernels/panel_dense.h"
#include "kernels/panel_rows.h"
#include "kernels/peak.h"
#include "kernels/quants/scaled_bytes.h"
#include "kernels/sparse/sparse.h"
#include "kernels/targets.h"

namespace {

using namespace pare::kernels;
using namespace pare::fuzz;

void counts(Input& input) {
  const Width width = static_cast<Width>(1U << input.below(4));
  const std::size_t size = static_cast<std::size_t>(width), offset = input.below(64), n = 1 + input.below(600);
  const std::uint64_t limit = (size == 8 ? 0 : std::uint64_t{1} << (8 * size)) - 1;
  const std::uint64_t pattern = input.number(8) & limit, key = pattern & limit >> 1;
  Unaligned data(input, n * size, offset);
  compare("magnitude", -1, [&] {
    Result result;
    const KeyRange range = key_range(width, data.data(), n, key);
    for (const std::uint64_t value : {range.max_unsigned, range.max_positive, range.min_key, range.above, range.inside,
                                      range.negative, std::uint64_t{range.any_positive}})
      append_bits(result, value);
    const SideCount sides = count_sides(width, data.data(), n, key);
    const RankCount rank = count_rank(width, data.data(), n, key);
    for (const std::uint64_t value :
         {sides.above, sides.inside, rank.below, rank.equal, count_pattern(width, data.data(), n, pattern)})
      append_bits(result, value);
    std::vector<std::byte> copy(n * size);
    copy_from_key(width, data.data(), copy.data(), n, key);
    for (const std::byte byte : copy) result.push_back(std::to_integer<int>(byte));
    return result;
  });
}

void nonzeros(Input& input) {
  const Width width = static_cast<Width>(1U << input.below(4));
  const std::size_t size = static_cast<std::size_t>(width), offset = input.below(64), n = input.below(600);
  Unaligned data(input, n * size, offset);
  compare("nonzero", -1, [&] {
    std::vector<std::uint8_t> bits((n + 7) / 8);
    nonzero_bits(width, data.data(), n, bits.data());
    std::vector<std::byte> values(n * size + kCompressSlack);
    const std::size_t count = compress(width, data.data(), n, bits.data(), values.data());
    std::vector<std::byte> packed(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(count * size));
    std::vector<std::byte> back(n * size);
    require(expand(width, bits.data(), n, packed.data(), back.data()) == count, "expand takes every value");
    require(std::equal(back.begin(), back.end(), data.data()), "expand undoes compress");
    Result result{static_cast<double>(count)};
    append(result, bits);
    for (const std::byte byte : packed) result.push_back(std::to_integer<int>(byte));
    return result;
  });
}

void moments(Input& input) {
  const FloatType type = static_cast<FloatType>(input.below(4));
  const std::size_t size = type == FloatType::kF64 ? 8 : type == FloatType::kF32 ? 4 : 2;
  const std::size_t offset = input.below(64), n = input.below(600);
  Unaligned data(input, n * size, offset);
  compare("moments", -1, [&] {
    MomentLanes lanes;
    add_moments(type, data.data(), n, true, lanes);
    Result result(lanes.sum, lanes.sum + MomentLanes::kLanes);
    append(result, lanes.squares);
    MomentLanes same_lanes;
    if (n != 0) append_bits(result, scan_block(type, data.data(), n, 0x3dcc, same_lanes).range.above);
    append(result, same_lanes.sum);
    return result;
  });
  std::vector<double> table(256);
  for (std::size_t i = 0; const float value : floats(input, table.size(), input.below(4) == 0)) table[i++] = value;
  const bool finite = std::all_of(table.begin(), table.end(), [](double value) { return std::isfinite(value); });
  const std::size_t bytes = n * size;
  compare("add_moments_by_table", -1, [&] {
    MomentLanes lanes;
    add_moments_by_table(table.data(), data.data(), bytes, !finite, lanes);
    Result result(lanes.sum, lanes.sum + MomentLanes::kLanes);
    append(result, lanes.squares);
    return result;
  });
  compare("scale_bytes", -1, [&] {
    std::vector<float> out(n);
    const auto byte_type = static_cast<ByteType>(offset % 3);
    const ByteScale by{offset % 2 == 0 ? 0.0F : 3.0F, 0.37F, 1.0F};
    scale_bytes(byte_type, data.data(), n, by, out.data());
    std::vector<std::byte> direct(2 * n), rounded(2 * n);
    scale_bytes_to_bf16(byte_type, data.data(), n, by, direct.data());
    to_bf16(out.data(), n, rounded.data());
    require(direct == rounded, "scaling and rounding can be done at once");
    return Result(out.begin(), out.end());
  });
  compare("float_convert", -1, [&] {
    std::vector<float> out(n);
    to_f32(type, data.data(), n, out.data());
    return Result(out.begin(), out.end());
  });
}

/// A result for each lane, since their number differs.
void registers(Input& input) {
  const std::size_t rounds = input.below(2000);
  compare("multiply_in_registers", 1e-4, [&] {
    float sum = 0;
    const std::size_t count = multiply_in_registers(rounds, &sum);
    require(count == 10 * lanes(), "multiply_in_registers counts its products");
    return Result{static_cast<double>(sum) / static_cast<double>(count)};
  });
}

/// Largest difference allowed between sums of `terms` products of numbers up to 2.
double sum_tolerance(std::size_t terms) { return 1e-6 * 4 * static_cast<double>(terms + 1); }

void few_rows(Input& input) {
  const std::size_t rows = 1 + input.below(kFewRows), in = input.below(70), out = 1 + input.below(70);
  const std::size_t begin = input.below(out), end = begin + input.below(out - begin + 1);
  const bool has_bias = input.below(2) != 0;
  const std::vector<float> x = floats(input, rows * in, false);
  const Weights w(input, in * out);
  const std::vector<float> bias = floats(input, out, false);
  const auto product = [&](bool out_in, const void* data, FloatType type) {
    std::vector<float> y(rows * out, 7.0F);
    const WeightView view(data, type, out_in ? out : in, out_in ? in : out);
    (out_in ? multiply_out_in : multiply_in_out)(x.data(), rows, view, begin, end, has_bias ? bias.data() : nullptr,
                                                 y.data(), out);
    return y;
  };
  for (const bool out_in : {true, false})
    compare(out_in ? "multiply_out_in" : "multiply_in_out", sum_tolerance(in), [&] {
      const std::vector<float> y = product(out_in, w.stored.data(), w.type);
      require_same(y, product(out_in, w.wide.data(), FloatType::kF32), "the type of weights does not matter");
      return Result(y.begin(), y.end());
    });
}

void masked(Input& input) {
  const std::size_t rows = 1 + input.below(kMaskedRows), in = input.below(70);
  const std::size_t outputs = 1 + input.below(kSliceOutputs);
  std::vector<std::uint16_t> masks(in);
  std::size_t weights = 0;
  for (std::uint16_t& mask : masks) {
    mask = static_cast<std::uint16_t>(input.number(2));
    weights += static_cast<std::size_t>(__builtin_popcount(mask));
  }
  const Weights packed(input, weights + kMaskedAhead);
  const std::vector<float> x = floats(input, rows * in, false), bias = floats(input, kSliceOutputs, false);
  const auto product = [&](const void* data, FloatType type) {
    std::vector<float> y(rows * kSliceOutputs, 7.0F);
    const MaskedOutputs block{masks.data(), static_cast<const std::byte*>(data), in, outputs, type};
    multiply_masked(&block, 1, x.data(), rows, in, bias.data(), y.data(), kSliceOutputs);
    return y;
  };
  compare("masked", sum_tolerance(in), [&] {
    const std::vector<float> y = product(packed.stored.data(), packed.type);
    require_same(y, product(packed.wide.data(), FloatType::kF32), "the type of weights does not matter");
    return Result(y.begin(), y.end());
  });
}

void panels(Input& input) {
  const std::size_t tokens = input.below(41), in = input.below(71), extra = input.below(5);
  const std::vector<float> x = floats(input, tokens * (in + extra), true), bias = floats(input, in, true);
  compare("panels", -1, [&] {
    const std::size_t vector = lanes(), width = (tokens + vector - 1) / vector * vector;
    std::vector<float> panel(in * width, 7.0F), y(tokens * in, 7.0F);
    to_panel(x.data(), in + extra, tokens, in, panel.data(), width);
    for (std::size_t k = 0; k < in; ++k)
      for (std::size_t t = tokens; t < width; ++t) require(panel[k * width + t] == 0, "a panel is filled up with 0");
    from_panel(panel.data(), width, tokens, in, bias.data(), y.data(), in);
    return Result(y.begin(), y.end());
  });
}

/// Everything that is computed for panels, of at most one vector of tokens on any target.
void panel_rows(Input& input) {
  const std::size_t in = 1 + input.below(40), out = 1 + input.below(60);
  const std::vector<float> x = floats(input, in, false), weight = floats(input, in, false),
                           bias = floats(input, in, false);
  const Weights w(input, in * out);
  compare("panel_rows", sum_tolerance(10 * in), [&] {
    const std::size_t width = lanes();
    std::vector<float> panel(in * width), y(out * width, 7.0F), wide(out * width, 7.0F), norms(in * width);
    to_panel(x.data(), in, 1, in, panel.data(), width);
    multiply_dense_panel({w.stored.data(), w.type, out, in}, true, 0, out, panel.data(), width, y.data());
    multiply_dense_panel({w.wide.data(), FloatType::kF32, out, in}, true, 0, out, panel.data(), width, wide.data());
    require_same(y, wide, "the type of weights does not matter");
    add_to_rows(panel.data(), width, in, bias.data());
    layer_norm_panel(panel.data(), width, in, weight.data(), bias.data(), 1e-2F, norms.data());
    rms_norm_panel(norms.data(), width, in, weight.data(), 1e-2F, norms.data());
    Result result;
    for (std::size_t i = 0; i < out; ++i) result.push_back(y[i * width]);
    for (std::size_t i = 0; i < in; ++i) result.push_back(norms[i * width]);
    return result;
  });
}

void slices(Input& input) {
  const std::size_t in = 1 + input.below(70), vectors = 1 + input.below(kMostVectors);
  const auto steps = static_cast<std::uint16_t>(input.below(20));
  const bool add = input.below(2) != 0;
  std::vector<std::uint16_t> inputs(steps * kSliceOutputs);
  for (std::uint16_t& one : inputs) one = static_cast<std::uint16_t>(input.below(in));
  const Weights weights(input, inputs.size());
  const std::vector<float> x = floats(input, in, false);
  const std::vector<Line> stored = slice(inputs, weights.stored.data(), weights.type),
                          wide = slice(inputs, weights.wide.data(), FloatType::kF32);
  const auto product = [&](const std::vector<Line>& lines, FloatType type) {
    // Every token is the same, so that results do not depend on the number of lanes.
    const Slices all{&steps, 1, reinterpret_cast<const std::byte*>(lines.data()), type};
    const std::size_t width = vectors * lanes();
    std::vector<float> panel(in * width), tile((kTileOutputs + 1) * width, 1.0F), y(kTileOutputs + 1, 1.0F);
    for (std::size_t k = 0; k < in; ++k)
      std::fill_n(panel.begin() + static_cast<std::ptrdiff_t>(k * width), width, x[k]);
    multiply_slices(all, panel.data(), width, add, tile.data());
    multiply_slices_once(all, x.data(), y.data());
    for (std::size_t o = 0; o < kSliceOutputs; ++o) {
      const float* row = tile.data() + o * width;
      require(std::all_of(row, row + width, [&](float v) { return v == row[0]; }), "equal tokens give equal sums");
      y.push_back(row[0]);
    }
    return y;
  };
  compare("slices", sum_tolerance(steps), [&] {
    const std::vector<float> y = product(stored, weights.type);
    require_same(y, product(wide, FloatType::kF32), "the type of weights does not matter");
    return Result(y.begin(), y.end());
  });
}

void attention(Input& input) {
  Attention head{};
  head.queries = 1 + input.below(12);
  head.keys = 1 + input.below(40);
  head.width = 1 + input.below(40);
  head.causal = input.below(2) != 0;
  head.visible = input.below(8);
  head.scale = 0.25F;
  const std::vector<float> q = floats(input, head.queries * head.width, false),
                           k = floats(input, head.keys * head.width, false),
                           v = floats(input, head.keys * head.width, false);
  const std::vector<float> relative = floats(input, head.queries + head.keys, false);
  if (input.below(2) != 0) head.relative = relative.data() + head.queries;
  head.q = {q.data(), head.width};
  const KeyBlock all{{k.data(), head.width}, {v.data(), head.width}, head.keys};
  head.blocks = {&all, 1};
  compare("attention", 1e-3, [&] {
    std::vector<float> out(head.queries * head.width), scratch;
    attend(head, {out.data(), head.width}, scratch);
    return Result(out.begin(), out.end());
  });
}

void activations(Input& input) {
  const auto f = static_cast<Activation>(input.below(10));
  const std::size_t n = input.below(100);
  const std::vector<float> x = floats(input, n, false), gate = floats(input, n, false), raw = floats(input, n, true);
  compare("activate", 1e-5, [&] {
    std::vector<float> a = x, b = x;
    activate(f, a.data(), n);
    activate_gated(f, b.data(), gate.data(), n);
    Result result(a.begin(), a.end());
    append(result, b);
    return result;
  });
  compare("add", -1, [&] {
    std::vector<float> sum = raw;
    add(sum.data(), x.data(), n);
    Result result(sum.begin(), sum.end());
    result.push_back(has_nan(raw.data(), n) ? 1 : 0);
    return result;
  });
  require(has_nan(raw.data(), n) == std::any_of(raw.begin(), raw.end(), [](float v) { return std::isnan(v); }),
          "has_nan finds every NaN");
}

void norms(Input& input) {
  const std::size_t rows = 1 + input.below(3), n = 1 + input.below(100);
  const std::vector<float> x = floats(input, rows * n, false), weight = floats(input, n, false),
                           bias = floats(input, n, false);
  compare("norms", 1e-3, [&] {
    std::vector<float> a(rows * n), b(rows * n);
    layer_norm(x.data(), rows, n, weight.data(), bias.data(), 1e-2F, a.data());
    rms_norm(x.data(), rows, n, weight.data(), 1e-2F, b.data());
    Result result(a.begin(), a.end());
    append(result, b);
    result.push_back(log_sum_exp(x.data(), rows * n));
    result.push_back(read_all(x.data(), rows * n / 64 * 64));
    return result;
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using Case = void (*)(Input&);
  constexpr Case kCases[] = {counts,    nonzeros,   moments,   leading,     few_rows,      masked,
                             panels,    slices,     attention, activations, norms,         trailing,
                             registers, panel_rows, blocks,    picked,      folded_blocks, folded_codes};
  Input input(data, size);
  kCases[input.number(1) % std::size(kCases)](input);
  return 0;
}
