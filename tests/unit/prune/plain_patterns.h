// The elements that patterns remove, by simple loops that follow the definition.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "pare/prune.h"
#include "pare/stats.h"
#include "support/tensors.h"

namespace pare::test {

/// A matrix as the layer uses it, independent of its orientation.
struct Matrix {
  OwnedTensor owner;
  std::uint64_t rows, columns;  ///< as stored
  Orientation orientation;

  bool turned() const { return orientation == Orientation::kInOut; }
  std::uint64_t outputs() const { return turned() ? columns : rows; }
  std::uint64_t inputs() const { return turned() ? rows : columns; }
  std::uint64_t at(std::uint64_t output, std::uint64_t input) const {
    return turned() ? input * columns + output : output * columns + input;
  }
};

inline Matrix make_matrix(DType dtype, std::uint64_t rows, std::uint64_t columns, Orientation orientation,
                          std::uint64_t seed, bool wild, const std::string& name) {
  return {random_tensor(dtype, rows * columns, seed, wild, name), rows, columns, orientation};
}

inline Model model_of(const std::vector<Matrix>& matrices) {
  std::vector<TensorView> views;
  CheckpointFile file;
  file.output_name = "model.safetensors";
  for (const Matrix& matrix : matrices) {
    file.tensors.push_back(views.size());
    views.push_back(matrix.owner.view());
    views.back().shape = {matrix.rows, matrix.columns};
  }
  Model model{"small", "small", "Small", "", Checkpoint::from_tensors(views, {file}, ".", nullptr), {}, {},
              {},      {},      {},      {}};
  for (std::size_t i = 0; i < views.size(); ++i) {
    Parameter parameter;
    parameter.name = views[i].name;
    parameter.tensor = i;
    parameter.prunable = true;
    parameter.orientation = matrices[i].orientation;
    model.parameters.push_back(parameter);
  }
  return model;
}

using Removed = std::vector<std::vector<bool>>;  ///< by matrix and flat index

/// True if a ranks before b: NaN is the largest, -0 is 0.
inline bool less(double a, double b) { return std::isnan(b) ? !std::isnan(a) : a < b; }

/// Magnitudes as integers: NaNs are ordered by their bit patterns, as in unstructured pruning.
inline std::vector<std::uint64_t> keys_of(const TensorView& tensor) {
  const unsigned bits = dtype_bits(tensor.dtype);
  std::vector<std::uint64_t> keys(tensor.elements());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    std::memcpy(&keys[i], tensor.bytes.data() + i * bits / 8, bits / 8);
    keys[i] &= ~(1ULL << (bits - 1));
  }
  return keys;
}

inline Removed nothing(const std::vector<Matrix>& matrices) {
  Removed removed;
  for (const Matrix& matrix : matrices) removed.emplace_back(matrix.rows * matrix.columns);
  return removed;
}

inline Removed by_n_of_m(const std::vector<Matrix>& matrices, const Pattern& pattern) {
  Removed removed = nothing(matrices);
  for (std::size_t t = 0; t < matrices.size(); ++t) {
    const Matrix& matrix = matrices[t];
    const std::vector<std::uint64_t> keys = keys_of(matrix.owner.view());
    for (std::uint64_t output = 0; output < matrix.outputs(); ++output)
      for (std::uint64_t begin = 0; begin < matrix.inputs(); begin += pattern.m) {
        std::vector<std::uint64_t> group;
        for (std::uint64_t i = begin; i < std::min(begin + pattern.m, matrix.inputs()); ++i)
          group.push_back(matrix.at(output, i));
        const auto kept = static_cast<std::size_t>(
            std::ceil(static_cast<double>(pattern.n * group.size()) / static_cast<double>(pattern.m)));
        std::stable_sort(group.begin(), group.end(),
                         [&](std::uint64_t a, std::uint64_t b) { return keys[a] < keys[b]; });
        for (std::size_t i = 0; i + kept < group.size(); ++i) removed[t][group[i]] = true;
      }
  }
  return removed;
}

struct Block {
  std::size_t matrix;
  std::vector<std::vector<std::uint64_t>> rows;  ///< flat indices by stored row
  double score = 0;
};

/// Blocks of sizes as stored, in C order.
inline std::vector<Block> blocks_of(std::size_t index, const Matrix& matrix, std::uint64_t height,
                                    std::uint64_t width) {
  std::vector<Block> blocks;
  for (std::uint64_t row = 0; row < matrix.rows; row += height)
    for (std::uint64_t column = 0; column < matrix.columns; column += width) {
      Block& block = blocks.emplace_back();
      block.matrix = index;
      for (std::uint64_t r = row; r < std::min(row + height, matrix.rows); ++r) {
        block.rows.emplace_back();
        for (std::uint64_t c = column; c < std::min(column + width, matrix.columns); ++c)
          block.rows.back().push_back(r * matrix.columns + c);
      }
    }
  return blocks;
}

/// The sums as pare/prune.h defines them.
inline double score_of(const Block& block, const std::vector<double>& values, Norm norm, double whole) {
  double total = 0, elements = 0;
  for (const std::vector<std::uint64_t>& row : block.rows) {
    std::vector<double> lanes(8);
    for (std::size_t i = 0; i < row.size(); ++i) {
      const double w = std::abs(values[row[i]]);
      double& lane = lanes[i % 8];
      if (norm == Norm::kLInf)
        lane = less(lane, w) ? w : lane;
      else
        lane += norm == Norm::kL1 ? w : w * w;
    }
    double of_row = 0;
    for (const double lane : lanes) of_row = norm == Norm::kLInf ? (less(of_row, lane) ? lane : of_row) : of_row + lane;
    total = norm == Norm::kLInf ? (less(total, of_row) ? of_row : total) : total + of_row;
    elements += static_cast<double>(row.size());
  }
  return norm == Norm::kLInf || elements == whole ? total : total / elements * whole;
}

inline Removed by_blocks(const std::vector<Matrix>& matrices, const PruneOptions& options, const Amount& amount) {
  Removed removed = nothing(matrices);
  std::vector<std::vector<Block>> sets;
  for (std::size_t t = 0; t < matrices.size(); ++t) {
    const Matrix& matrix = matrices[t];
    std::uint64_t outputs = options.pattern.n, inputs = options.pattern.m;
    if (options.pattern.kind == Pattern::Kind::kRows) outputs = 1, inputs = matrix.inputs();
    if (options.pattern.kind == Pattern::Kind::kColumns) outputs = matrix.outputs(), inputs = 1;
    const std::vector<double> values = values_of(matrix.owner.view());
    std::vector<Block> blocks =
        blocks_of(t, matrix, matrix.turned() ? inputs : outputs, matrix.turned() ? outputs : inputs);
    for (Block& block : blocks)
      block.score = score_of(block, values, options.norm, static_cast<double>(outputs * inputs));
    const bool together = options.scope == Scope::kGlobal && options.pattern.kind == Pattern::Kind::kBlocks;
    if (sets.empty() || !together) sets.emplace_back();
    sets.back().insert(sets.back().end(), blocks.begin(), blocks.end());
  }
  for (std::vector<Block>& set : sets) {
    std::stable_sort(set.begin(), set.end(), [](const Block& a, const Block& b) { return less(a.score, b.score); });
    for (std::uint64_t i = 0; i < amount.of(set.size()); ++i)
      for (const auto& row : set[i].rows)
        for (const std::uint64_t index : row) removed[set[i].matrix][index] = true;
  }
  return removed;
}

}  // namespace pare::test
