// Products of BF16 weights with inputs rounded to BF16, by oneDNN.
#include <algorithm>
#include <cstring>
#include <dnnl.hpp>
#include <string>
#include <unordered_map>

#include "base/aligned_buffer.h"
#include "base/parallel.h"
#include "linear/dense_product.h"
#include "linear/one_openmp_thread.h"
#include "pare/error.h"

namespace pare::linear {
namespace {

using Type = dnnl::memory::data_type;

dnnl::engine& cpu_engine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl_dim_t dim(std::size_t n) { return static_cast<dnnl_dim_t>(n); }

/// A matrix of `rows` x `columns`, with these distances between rows and between columns.
dnnl::memory::desc matrix(std::size_t rows, std::size_t columns, Type type, std::size_t row, std::size_t column) {
  return {{dim(rows), dim(columns)}, type, dnnl::memory::dims{dim(row), dim(column)}};
}

/// Rounds to nearest even; a NaN stays one.
std::uint16_t rounded(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const std::uint32_t up = bits + 0x7FFF + (bits >> 16 & 1);
  return static_cast<std::uint16_t>((bits & 0x7FFFFFFF) > 0x7F800000 ? bits >> 16 | 0x40 : up >> 16);
}

/// Columns [begin, end) of y.
void multiply_some(const LayerWeights& weights, const std::uint16_t* x, const float* bias, Matrix& y, std::size_t begin,
                   std::size_t end) {
  const std::size_t in = weights.in(), width = end - begin, stride = weights.view.stride;
  const std::byte* part = weights.out_in ? weights.view.at(begin) : weights.view.at(0, begin);
  const dnnl::memory::desc inputs = matrix(y.rows, in, Type::bf16, in, 1),
                           stored = weights.out_in ? matrix(in, width, Type::bf16, 1, stride)
                                                   : matrix(in, width, Type::bf16, stride, 1),
                           added = matrix(1, width, Type::f32, width, 1),
                           outputs = matrix(y.rows, width, Type::f32, y.columns, 1);
  const OneOpenMpThread one_thread;
  dnnl::engine& engine = cpu_engine();
  const auto operation = bias == nullptr ? dnnl::matmul::desc(inputs, stored, outputs)
                                         : dnnl::matmul::desc(inputs, stored, added, outputs);
  const dnnl::matmul product(dnnl::matmul::primitive_desc(operation, engine));
  const auto memory = [&](const dnnl::memory::desc& desc, const void* data) {
    return dnnl::memory(desc, engine, const_cast<void*>(data));
  };
  std::unordered_map<int, dnnl::memory> arguments{{DNNL_ARG_SRC, memory(inputs, x)},
                                                  {DNNL_ARG_WEIGHTS, memory(stored, part)},
                                                  {DNNL_ARG_DST, memory(outputs, y.values.data() + begin)}};
  if (bias != nullptr) arguments.insert({DNNL_ARG_BIAS, memory(added, bias + begin)});
  dnnl::stream stream(engine);
  product.execute(stream, arguments);
  stream.wait();
}

}  // namespace

bool can_multiply_rounded() {
  static const bool can = [] {
    const dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    return (isa & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
  }();
  return can;
}

void multiply_rounded(const LayerWeights& weights, const Matrix& x, const float* bias, Matrix& y,
                      const Context& context) {
  base::AlignedBuffer<std::uint16_t> inputs(x.values.size());
  base::parallel_for(x.rows, base::worthwhile(context, x.values.size()), [&](std::size_t row, unsigned) {
    std::transform(x.row(row), x.row(row) + x.columns, inputs.data() + row * x.columns, rounded);
  });
  const std::size_t out = weights.out(), count = base::thread_count(context);
  const std::size_t piece = ((out + count - 1) / count + 63) / 64 * 64;
  try {
    base::parallel_for((out + piece - 1) / piece, context, [&](std::size_t item, unsigned) {
      multiply_some(weights, inputs.data(), bias, y, item * piece, std::min(out, (item + 1) * piece));
    });
  } catch (const dnnl::error& error) {
    throw Error(ErrorCode::kUnavailable, std::string("oneDNN cannot multiply BF16 matrices here: ") + error.what());
  }
}

}  // namespace pare::linear
