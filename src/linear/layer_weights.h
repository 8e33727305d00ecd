// Weights of a linear layer, all of them or only those that are not 0.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "pare/context.h"

namespace pare::linear {

/// Weights other than 0, row by row; a row is an output of [out, in] weights, an input of [in, out] ones.
struct NonzeroRows {
  std::vector<std::uint64_t> begin;   ///< place of each row's first weight, and the number of all
  std::vector<std::uint32_t> column;  ///< rising within a row
  std::vector<float> values;
};

/// F32, [out, in] or [in, out]. Nothing is owned.
struct LayerWeights {
  const float* data = nullptr;  ///< nullptr: only `nonzeros` are there
  std::size_t in = 0, out = 0;
  bool out_in = true;
  const NonzeroRows* nonzeros = nullptr;
};

/// Calls f(row, column, weight) for the nonzeros of some rows and columns of what lies in memory, in its order.
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

/// Weights other than 0.
std::size_t count_nonzeros(const LayerWeights& weights, const Context& context);

}  // namespace pare::linear
