#include "linear/linear.h"

#include <algorithm>
#include <cstdint>
#include <new>
#include <optional>

#include "base/parallel.h"
#include "base/spare_memory.h"
#include "kernels/matvec.h"
#include "kernels/panel_dense.h"
#include "kernels/panel_rows.h"
#include "kernels/targets.h"
#include "linear/dense_product.h"

namespace pare::linear {
namespace {

bool rounds_inputs(const Linear& linear, std::size_t tokens) {
  return linear.identity != nullptr && linear.identity->round_inputs && linear.weight.type == FloatType::kBF16 &&
         tokens > kernels::kFewRows && can_multiply_rounded();
}

LayerWeights dense_weights(const Linear& linear) {
  LayerWeights weights{linear.weight, linear.out_in, nullptr};
  if (weights.view.data == nullptr && linear.sparse != nullptr) weights.view = linear.sparse->dense();
  return weights;
}

void multiply_many(const Linear& linear, const Matrix& x, Matrix& y, const Context& context) {
  if (linear.sparse != nullptr && linear.sparse->apply(x, linear.bias, y, context)) return;
  const auto multiply = rounds_inputs(linear, x.rows) ? multiply_rounded : multiply_dense;
  multiply(dense_weights(linear), x, linear.bias, y, context);
}

/// Number of pieces for all linears together. More pieces than threads balance the load, but those of a small matrix
/// cost more than they gain.
std::size_t pieces_for(std::size_t linears, std::size_t weights, unsigned threads) {
  constexpr std::size_t kPiece = std::size_t{1} << 20;  // weights that a thread reads in some 50 microseconds
  if (threads == 1) return 1;
  if (linears > 1) return 2 * std::size_t{threads};
  return weights < threads * kPiece ? threads : std::max<std::size_t>(2 * std::size_t{threads}, weights / kPiece);
}

/// A product of a few rows in about `pieces` pieces.
Work work_of(const Linear& linear, const Matrix& x, Matrix& y, std::size_t pieces, const Context& context) {
  if (linear.sparse != nullptr)
    if (std::optional<Work> sparse = linear.sparse->work(x, linear.bias, y, pieces, context)) return std::move(*sparse);
  return dense_work(dense_weights(linear), x, linear.bias, y, pieces);
}

void compute(const Work& work, const Context& context) {
  base::parallel_for(work.pieces, base::worthwhile(context, work.multiply_adds),
                     [&](std::size_t piece, unsigned) { work.compute(piece); });
}

void multiply_few(std::span<const Linear* const> linears, const Matrix& x, std::span<Matrix> results,
                  const Context& context) {
  std::size_t weights = 0, multiply_adds = 0;
  for (const Linear* linear : linears) weights += linear->in * linear->out;
  if (weights == 0) weights = 1;
  const std::size_t pieces = pieces_for(linears.size(), weights, base::thread_count(context));
  if (linears.size() == 1) return compute(work_of(*linears[0], x, results[0], pieces, context), context);
  std::vector<Work> work;
  std::vector<std::size_t> ends;  // of each linear's pieces
  for (std::size_t i = 0; i < linears.size(); ++i) {
    const std::size_t size = linears[i]->in * linears[i]->out, share = (pieces * size + weights - 1) / weights;
    work.push_back(work_of(*linears[i], x, results[i], std::max<std::size_t>(1, share), context));
    ends.push_back((ends.empty() ? 0 : ends.back()) + work.back().pieces);
    multiply_adds += work.back().multiply_adds;
  }
  if (work.empty()) return;
  const auto piece_of_all = [&](std::size_t item) {
    const auto which = static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), item) - ends.begin());
    work[which].compute(item - (ends[which] - work[which].pieces));
  };
  compute({ends.back(), multiply_adds, piece_of_all}, context);
}

void multiply_panel(const Linear& linear, const Activations& x, Activations& y, const Context& context) {
  constexpr std::size_t kPiece = 96;  // outputs
  const LayerWeights weights = dense_weights(linear);
  const std::size_t pieces = (linear.out + kPiece - 1) / kPiece;
  base::parallel_for(
      pieces, base::worthwhile(context, x.width * linear.in * linear.out), [&](std::size_t piece, unsigned) {
        const std::size_t begin = piece * kPiece, end = std::min(linear.out, begin + kPiece);
        float* to = y.values.data() + begin * y.width;
        kernels::multiply_dense_panel(weights.view, weights.out_in, begin, end, x.values.data(), x.width, to);
        if (linear.bias != nullptr) kernels::add_to_rows(to, y.width, end - begin, linear.bias + begin);
      });
}

}  // namespace

LayerUse Linear::use(std::size_t tokens) const {
  LayerUse use = identity->use;
  if (sparse != nullptr) use.kernel = sparse->kernel_for(tokens);
  const std::uint64_t size = kernels::weight_bytes(weight.type), all = std::uint64_t{in} * out;
  switch (use.kernel) {
    case Kernel::kDense:
      use.bytes = size * all;
      use.rounds_inputs = rounds_inputs(*this, tokens);
      break;
    case Kernel::kSliced:
      use.bytes = (size + sizeof(std::uint16_t)) * use.nonzeros;
      break;
    case Kernel::kMasked:
      use.bytes = size * use.nonzeros + all / 8;
      break;
  }
  return use;
}

void show(const Linear& linear, const Matrix& x, const LinearObserver& observer) {
  if (linear.identity != nullptr && observer) observer(linear.use(x.rows), x);
}

Matrix apply(const Linear& linear, const Matrix& x, const Context& context) {
  Matrix y;
  const Linear* one = &linear;
  apply_each({&one, 1}, x, {&y, 1}, context);
  return y;
}

void apply_each(std::span<const Linear* const> linears, const Matrix& x, std::span<Matrix> results,
                const Context& context) {
  for (std::size_t i = 0; i < linears.size(); ++i) {
    if (const Identity* identity = linears[i]->identity.get()) show(*linears[i], x, identity->observer);
    results[i] = Matrix::unset(x.rows, linears[i]->out);
  }
  if (x.rows == 0) return;
  if (x.rows <= kernels::kFewRows) return multiply_few(linears, x, results, context);
  for (std::size_t i = 0; i < linears.size(); ++i) multiply_many(*linears[i], x, results[i], context);
}

bool Linear::allows_panels(std::size_t tokens) const {
  return (identity == nullptr || !identity->observer) && !rounds_inputs(*this, tokens);
}

bool Linear::prefers_panels(std::size_t tokens) const {
  return sparse != nullptr && sparse->kernel_for(tokens) == Kernel::kSliced;
}

void Linear::prepare(std::size_t tokens, const Context& context) const {
  if (sparse != nullptr) sparse->prepare(tokens, context);
}

Activations apply(const Linear& linear, const Activations& x, const Context& context) {
  if (!x.is_panel()) return apply(linear, static_cast<const Matrix&>(x), context);
  Activations y(x, linear.out);
  if (linear.sparse != nullptr && linear.sparse->apply_panel(x, linear.bias, y, context)) return y;
  multiply_panel(linear, x, y, context);
  return y;
}

Unbiased apply_unbiased(const Linear& linear, const Activations& x, const Context& context) {
  if (linear.bias == nullptr || x.is_panel() || x.rows <= kernels::kFewRows)
    return {apply(linear, x, context), nullptr};
  Linear unbiased = linear;
  unbiased.bias = nullptr;
  return {apply(unbiased, x, context), linear.bias};
}

void apply_each(std::span<const Linear* const> linears, const Activations& x, std::span<Activations> results,
                const Context& context) {
  if (x.is_panel()) {
    for (std::size_t i = 0; i < linears.size(); ++i) results[i] = apply(*linears[i], x, context);
    return;
  }
  std::vector<Matrix> rows(linears.size());
  apply_each(linears, static_cast<const Matrix&>(x), std::span(rows), context);
  std::move(rows.begin(), rows.end(), results.begin());
}

}  // namespace pare::linear

namespace pare {

float* MatrixMemory::allocate(std::size_t count) {
  if (count > SIZE_MAX / sizeof(float)) throw std::bad_alloc();
  return static_cast<float*>(base::take_memory(count * sizeof(float)));
}

void MatrixMemory::deallocate(float* memory, std::size_t count) noexcept {
  base::give_back_memory(memory, count * sizeof(float));
}

void choose_instruction_set() { kernels::choose_target(); }

}  // namespace pare
