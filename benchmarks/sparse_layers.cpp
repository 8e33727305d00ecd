// sparse_layers [THREADS [TOKENS...]]: linear layers of GPT-2, BERT-base and T5-small with zeros, each kernel compared
// with oneDNN in the same run. As many matrices as a model has are used in turn, so that they do not all fit a cache.
#include <dnnl.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <vector>

#include "base/parallel.h"
#include "linear/linear.h"

extern "C" void omp_set_num_threads(int);

namespace {

using pare::Context;
using pare::Matrix;
using pare::linear::block_inputs;
using pare::linear::count_nonzeros;
using pare::linear::LayerWeights;
using pare::linear::Linear;
using pare::linear::MaskedMatrix;
using pare::linear::SlicedMatrix;

struct Shape {
  const char* name;
  std::size_t in, out;
};
constexpr Shape kShapes[] = {{"GPT-2 attn.c_attn", 768, 2304}, {"GPT-2/BERT attention", 768, 768},
                             {"GPT-2/BERT up", 768, 3072},     {"GPT-2/BERT down", 3072, 768},
                             {"T5-small attention", 512, 512}, {"T5-small wi", 512, 2048},
                             {"T5-small wo", 2048, 512}};

std::vector<float> draw(std::size_t n, double zeros, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values(n);
  for (float& value : values) {
    const double uniform = static_cast<double>(random()) / 4294967296.0;
    value = uniform < zeros ? 0.0F : static_cast<float>(uniform - 0.5);
  }
  return values;
}

void library(const std::vector<float>& weights, const Shape& shape, const Matrix& x, Matrix& y,
             const Context& context) {
  const std::size_t piece = (shape.out / context.threads() + 63) / 64 * 64, pieces = (shape.out + piece - 1) / piece;
  pare::base::parallel_for(pieces, context, [&](std::size_t item, unsigned) {
    const std::size_t begin = item * piece, width = std::min(piece, shape.out - begin);
    const auto size = [](std::size_t n) { return static_cast<dnnl_dim_t>(n); };
    omp_set_num_threads(1);
    dnnl_sgemm('N', 'T', size(x.rows), size(width), size(shape.in), 1.0F, x.values.data(), size(shape.in),
               weights.data() + begin * shape.in, size(shape.in), 0.0F, y.values.data() + begin, size(shape.out));
  });
}

/// Times call(i) for i < count. call(count) runs first and is not timed, because in a model other layers have run
/// before.
template <class F>
double round_seconds(std::size_t count, F call) {
  call(count);
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < count; ++i) call(i);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / static_cast<double>(count);
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

void measure(const Shape& shape, double zeros, std::size_t tokens, const Context& context) {
  const std::size_t size = shape.in * shape.out, count = std::max<std::size_t>(2, (std::size_t{1} << 26) / size);
  std::vector<std::vector<float>> weights;
  pare::linear::LayoutMemory memory;  // as for the layers of a model
  std::vector<SlicedMatrix> sliced;
  std::vector<MaskedMatrix> masked;
  for (std::size_t i = 0; i < count; ++i) {
    weights.push_back(draw(size, zeros, static_cast<unsigned>(i)));
    const LayerWeights dense{{weights.back().data(), shape.out, shape.in}};
    sliced.emplace_back(dense, block_inputs(dense, count_nonzeros(dense, context), tokens), memory, context);
    if (tokens <= pare::kernels::kMaskedRows) masked.emplace_back(dense, memory, context);
  }
  Matrix x(tokens, shape.in), y(tokens, shape.out);
  const std::vector<float> drawn = draw(x.values.size(), 0, 7);
  x.values.assign(drawn.begin(), drawn.end());
  std::vector<double> seconds[4];
  const std::size_t each = tokens > 16 ? std::min<std::size_t>(count - 1, 8) : count - 1;
  // Threads stay awake between pare's products, as in a forward pass, and between oneDNN's by OpenMP's own means.
  const auto time_pare = [&](std::vector<double>& times, const std::function<void(std::size_t)>& multiply) {
    pare::base::with_team(context, [&] { times.push_back(round_seconds(each, multiply)); });
  };
  for (int round = 0; round < 7; ++round) {  // kernels alternate
    seconds[0].push_back(round_seconds(each, [&](std::size_t i) { library(weights[i], shape, x, y, context); }));
    time_pare(seconds[1], [&](std::size_t i) {
      pare::linear::apply(Linear({{weights[i].data(), shape.out, shape.in}}), x, context);
    });
    time_pare(seconds[2], [&](std::size_t i) { sliced[i].multiply(x, nullptr, y, context); });
    if (!masked.empty()) time_pare(seconds[3], [&](std::size_t i) { masked[i].multiply(x, nullptr, y, context); });
  }
  const double peer = median(seconds[0]);
  std::printf("| %s | %zu x %zu | %.0f %% | %zu | %.1f us | %.2f | %.2f |", shape.name, shape.in, shape.out,
              100 * zeros, tokens, peer * 1e6, peer / median(seconds[1]), peer / median(seconds[2]));
  if (!masked.empty()) std::printf(" %.2f", peer / median(seconds[3]));
  std::printf(" |\n");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const Context context(pare::base::thread_count(argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 0));
  std::vector<std::size_t> tokens{1, 128};
  if (argc > 2) tokens.clear();
  for (int i = 2; i < argc; ++i) tokens.push_back(static_cast<std::size_t>(std::atoi(argv[i])));
  std::printf("%u threads; times faster than oneDNN\n\n", context.threads());
  std::printf(
      "| layer | in x out | zeros | tokens | oneDNN | dense | sliced | masked |\n|---|---|--:|--:|--:|--:|--:|--:|\n");
  for (const std::size_t count : tokens)
    for (const double zeros : {0.5, 0.9, 0.95, 0.99})
      for (const Shape& shape : kShapes) measure(shape, zeros, count, context);
}
