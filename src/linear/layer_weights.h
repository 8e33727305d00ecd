// Weights of a linear layer: all of them, or only the nonzeros.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "pare/context.h"

namespace pare::linear {

/// Nonzero weights by rows. A row is an output of [out, in] weights, an input of [in, out] weights.
struct NonzeroRows {
  std::vector<std::uint64_t> begin;   ///< index of each row's first weight, then the number of weights
  std::vector<std::uint32_t> column;  ///< rising within a row
  std::vector<float> values;
};

/// F32, [out, in] or [in, out]. Nothing is owned.
struct LayerWeights {
  const float* data = nullptr;  ///< if nullptr, there are only `nonzeros`
  std::size_t in = 0, out = 0;
  bool out_in = true;
  const NonzeroRows* nonzeros = nullptr;
};

/// Calls f(row, column, weight) for the nonzeros of some rows and columns of the stored matrix, in order of memory.
template <class F>
void for_stored_nonzeros(const LayerWeights& weights, std::size_t row, std::size_t row_end, std::size_t column,
                         std::size_t column_end, F f) {
  if (weights.nonzeros == nullptr) {
    const std::size_t width = weights.out_in ? weights.in : weights.out;
    for (; row < row_end; ++row)
      for (std::size_t c = column; c < column_end; ++c)
        if (const float w = weights.data[row * width + c]; w != 0) f(row, c, w);
    return;
  }
  const NonzeroRows& rows = *weights.nonzeros;
  for (; row < row_end; ++row) {
    const auto first = rows.column.begin() + static_cast<std::ptrdiff_t>(rows.begin[row]);
    const auto last = rows.column.begin() + static_cast<std::ptrdiff_t>(rows.begin[row + 1]);
    for (auto c = column == 0 ? first : std::lower_bound(first, last, column); c != last && *c < column_end; ++c)
      if (const float w = rows.values[static_cast<std::size_t>(c - rows.column.begin())]; w != 0) f(row, *c, w);
  }
}

/// Calls f(output, input, weight) for the nonzeros of some outputs and inputs, in the order of memory.
template <class F>
void for_nonzeros(const LayerWeights& weights, std::size_t output, std::size_t output_end, std::size_t input,
                  std::size_t input_end, F f) {
  if (weights.out_in) {
    for_stored_nonzeros(weights, output, output_end, input, input_end, f);
  } else {
    for_stored_nonzeros(weights, input, input_end, output, output_end,
                        [&](std::size_t k, std::size_t o, float w) { f(o, k, w); });
  }
}

/// Number of nonzero weights.
std::size_t count_nonzeros(const LayerWeights& weights, const Context& context);

}  // namespace pare::linear
