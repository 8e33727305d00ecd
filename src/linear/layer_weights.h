// Weights of a linear layer: all of them, or only the nonzeros.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/weight_view.h"
#include "pare/context.h"

namespace pare::linear {

using kernels::FloatType;
using kernels::WeightView;

/// Nonzero weights by rows. A row is an output of [out, in] weights, an input of [in, out] weights.
struct NonzeroRows {
  std::vector<std::uint64_t> begin;   ///< index of each row's first weight, then the number of weights
  std::vector<std::uint32_t> column;  ///< rising within a row
  std::vector<std::byte> values;      ///< in the type of the LayerWeights
};

/// Weights [out, in] or [in, out]. Nothing is owned.
struct LayerWeights {
  WeightView view;  ///< has shape and type, but no data if there are only `nonzeros`
  bool out_in = true;
  const NonzeroRows* nonzeros = nullptr;

  std::size_t in() const { return out_in ? view.columns : view.rows; }
  std::size_t out() const { return out_in ? view.rows : view.columns; }
};

inline bool is_nonzero(float weight) { return weight != 0; }
/// Of the bits of an F16 or BF16; -0 is zero.
inline bool is_nonzero(std::uint16_t weight) { return (weight & 0x7FFF) != 0; }

/// What for_stored_nonzeros() does, for weights that are stored as T.
template <class T, class F>
void for_nonzeros_of(const LayerWeights& weights, std::size_t row, std::size_t row_end, std::size_t column,
                     std::size_t column_end, F f) {
  if (weights.nonzeros == nullptr) {
    for (; row < row_end; ++row) {
      const T* stored = reinterpret_cast<const T*>(weights.view.at(row));
      for (std::size_t c = column; c < column_end; ++c)
        if (const T w = stored[c]; is_nonzero(w)) f(row, c, w);
    }
    return;
  }
  const NonzeroRows& rows = *weights.nonzeros;
  const T* values = reinterpret_cast<const T*>(rows.values.data());
  for (; row < row_end; ++row) {
    const auto first = rows.column.begin() + static_cast<std::ptrdiff_t>(rows.begin[row]);
    const auto last = rows.column.begin() + static_cast<std::ptrdiff_t>(rows.begin[row + 1]);
    for (auto c = column == 0 ? first : std::lower_bound(first, last, column); c != last && *c < column_end; ++c)
      if (const T w = values[c - rows.column.begin()]; is_nonzero(w)) f(row, *c, w);
  }
}

/// Calls f(row, column, weight) for the nonzeros of some rows and columns of the stored matrix, in order of memory.
/// `weight` is a float, or a std::uint16_t with the bits of an F16 or BF16.
template <class F>
void for_stored_nonzeros(const LayerWeights& weights, std::size_t row, std::size_t row_end, std::size_t column,
                         std::size_t column_end, F f) {
  if (weights.view.type == FloatType::kF32)
    for_nonzeros_of<float>(weights, row, row_end, column, column_end, f);
  else
    for_nonzeros_of<std::uint16_t>(weights, row, row_end, column, column_end, f);
}

/// Calls f(output, input, weight) for the nonzeros of some outputs and inputs, in the order of memory.
template <class F>
void for_nonzeros(const LayerWeights& weights, std::size_t output, std::size_t output_end, std::size_t input,
                  std::size_t input_end, F f) {
  if (weights.out_in) {
    for_stored_nonzeros(weights, output, output_end, input, input_end, f);
  } else {
    for_stored_nonzeros(weights, input, input_end, output, output_end,
                        [&](std::size_t k, std::size_t o, auto w) { f(o, k, w); });
  }
}

/// Number of nonzero weights.
std::size_t count_nonzeros(const LayerWeights& weights, const Context& context);

}  // namespace pare::linear
