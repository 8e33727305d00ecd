#include "run/threaded.h"

#include <algorithm>
#include <utility>

#include "base/parallel.h"

namespace pare::run {

using linear::Unbiased;

void in_pieces(std::size_t items, std::size_t values, const Context& context,
               const std::function<void(std::size_t begin, std::size_t count)>& f) {
  constexpr std::size_t kPiece = std::size_t{1} << 14;  // values: 64 KiB
  constexpr std::size_t kMany = std::size_t{1} << 19;   // with fewer, fetching them from the other core costs as much
  const std::size_t piece = std::max<std::size_t>(1, kPiece / std::max<std::size_t>(1, values));
  if (items * values < kMany) return f(0, items);
  base::parallel_for((items + piece - 1) / piece, context,
                     [&](std::size_t i, unsigned) { f(i * piece, std::min(piece, items - i * piece)); });
}

namespace {

/// Calls f(first value, count) for pieces of a product that has its bias.
void in_biased_pieces(Unbiased& x, const Context& context, const std::function<void(std::size_t, std::size_t)>& f) {
  Matrix& y = x.product;
  if (x.bias == nullptr) return in_pieces(y.values.size(), 1, context, f);
  in_pieces(y.rows, y.columns, context, [&](std::size_t begin, std::size_t count) {
    for (std::size_t row = begin; row < begin + count; ++row) kernels::add(y.row(row), x.bias, y.columns);
    f(begin * y.columns, count * y.columns);
  });
}

}  // namespace

void add(Matrix& x, Unbiased y, const Context& context) {
  in_biased_pieces(y, context, [&](std::size_t begin, std::size_t count) {
    kernels::add(x.values.data() + begin, y.product.values.data() + begin, count);
  });
}

void activate(kernels::Activation f, Unbiased& x, const Context& context) {
  in_biased_pieces(x, context, [&](std::size_t begin, std::size_t count) {
    kernels::activate(f, x.product.values.data() + begin, count);
  });
}

linear::Activations finished(Unbiased x, const Context& context) {
  if (x.bias != nullptr) in_biased_pieces(x, context, [](std::size_t, std::size_t) {});
  return std::move(x.product);
}

void activate_gated(kernels::Activation f, Matrix& x, const Matrix& gate, const Context& context) {
  in_pieces(x.values.size(), 1, context, [&](std::size_t begin, std::size_t count) {
    kernels::activate_gated(f, x.values.data() + begin, gate.values.data() + begin, count);
  });
}

}  // namespace pare::run
