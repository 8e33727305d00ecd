// Operations on every value, or on every row, spread over threads. Results are the same for any number of them.
#pragma once

#include <cstddef>
#include <functional>

#include "kernels/elementwise.h"
#include "linear/linear.h"

namespace pare::run {

/// Calls f(begin, count) for pieces of [0, items), where an item stands for `values` values; on one thread if there are
/// so few values that a second would not help.
void in_pieces(std::size_t items, std::size_t values, const Context& context,
               const std::function<void(std::size_t begin, std::size_t count)>& f);

/// kernels::add(), activate() and activate_gated() on all values, rows or panels alike, after the bias is added.
void add(Matrix& x, linear::Unbiased y, const Context& context);
void activate(kernels::Activation f, linear::Unbiased& x, const Context& context);
void activate_gated(kernels::Activation f, Matrix& x, const Matrix& gate, const Context& context);

/// The product with its bias.
linear::Activations finished(linear::Unbiased x, const Context& context);

}  // namespace pare::run
