// Matrices, and which kernels multiply a model's linear layers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pare/model.h"
#include "pare/tune.h"

namespace pare {

/// Row-major floats.
struct Matrix {
  std::size_t rows = 0, columns = 0;
  std::vector<float> values;

  Matrix() = default;
  Matrix(std::size_t row_count, std::size_t column_count)
      : rows(row_count), columns(column_count), values(row_count * column_count) {}
  float* row(std::size_t i) noexcept { return values.data() + i * columns; }
  const float* row(std::size_t i) const noexcept { return values.data() + i * columns; }
};

/// Which kernels multiply the layers that have zeros.
enum class KernelChoice : std::uint8_t {
  kFastest,  ///< layer by layer, by number of tokens, as KernelCosts tells
  kDense,
  kSliced,
  kMasked,  ///< for up to 4 tokens, kSliced for more
};

struct InferOptions {
  KernelChoice kernels = KernelChoice::kFastest;
  /// Costs to choose by; without them those kept for this machine, else pare's own.
  std::optional<KernelCosts> costs = {};
};

/// How a linear layer is multiplied for some number of tokens.
struct LayerUse {
  std::string name;  ///< of its weight, as the model's parameter
  std::size_t in = 0, out = 0;
  std::uint64_t nonzeros = 0;
  Kernel kernel = Kernel::kDense;
  std::uint64_t bytes = 0;  ///< of weights and positions that a product reads
  // Of the parameter; a head that is tied to an embedding is of kHead and of no stack or layer.
  Group group = Group::kOther;
  std::string stack = {};
  int layer = -1;
  bool cross_attention = false;
};

/// Chooses the instruction set of all kernels: the one that the environment variable PARE_TARGET names, else the best
/// of this machine. Every call that needs one does this by itself; a program may call it to hear early of a name that
/// is not valid. The first success holds for the process. Throws Error(kArgument) for a name that the machine lacks.
void choose_instruction_set();

}  // namespace pare
