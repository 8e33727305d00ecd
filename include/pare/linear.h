// Matrices, and which kernels multiply a model's linear layers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pare/model.h"
#include "pare/tune.h"

namespace pare {

/// Allocator of a Matrix: memory that was freed is used again, and new elements are not set.
class MatrixMemory {
 public:
  using value_type = float;
  template <class>
  struct rebind {
    using other = MatrixMemory;
  };

  float* allocate(std::size_t count);  ///< throws std::bad_alloc
  void deallocate(float* memory, std::size_t count) noexcept;
  void construct(float* /*element*/) noexcept {}
  void construct(float* element, float value) noexcept { *element = value; }
  friend bool operator==(MatrixMemory, MatrixMemory) noexcept { return true; }
};

/// Row-major floats.
struct Matrix {
  std::size_t rows = 0, columns = 0;
  std::vector<float, MatrixMemory> values;

  Matrix() = default;
  /// All values are 0.
  Matrix(std::size_t row_count, std::size_t column_count)
      : rows(row_count), columns(column_count), values(row_count * column_count, 0.0F) {}
  /// The values are not set.
  static Matrix unset(std::size_t row_count, std::size_t column_count) {
    Matrix matrix;
    matrix.rows = row_count;
    matrix.columns = column_count;
    matrix.values.resize(row_count * column_count);
    return matrix;
  }
  float* row(std::size_t i) noexcept { return values.data() + i * columns; }
  const float* row(std::size_t i) const noexcept { return values.data() + i * columns; }
};

/// Which kernels multiply the linears that have zeros. Linears without zeros use the dense kernel.
enum class KernelChoice : std::uint8_t {
  kFastest,  ///< chosen by KernelCosts for each linear and number of tokens
  kDense,
  kSliced,
  kMasked,  ///< for up to 4 tokens, kSliced for more
};

/// How a linear layer is multiplied for some number of tokens.
struct LayerUse {
  std::string name;  ///< parameter name of its weight
  std::size_t in = 0, out = 0;
  std::uint64_t nonzeros = 0;  ///< number of nonzero weights; of all weights with KernelChoice::kDense
  Kernel kernel = Kernel::kDense;
  std::uint64_t bytes = 0;  ///< size of the weights, and of the positions of nonzeros, that a product reads
  // As in Parameter. A head that is tied to an embedding has group kHead and no stack or layer.
  Group group = Group::kOther;
  std::string stack = {};
  int layer = -1;
  bool cross_attention = false;
  DType dtype = DType::kF32;   ///< in which the kernels read the weights: F32, F16 or BF16
  bool rounds_inputs = false;  ///< whether inputs are rounded to BF16, see InferOptions::round_inputs
};

/// Receives a linear, as it is multiplied for these inputs, and the inputs, one row per token.
using LinearObserver = std::function<void(const LayerUse& linear, const Matrix& inputs)>;

struct InferOptions {
  KernelChoice kernels = KernelChoice::kFastest;
  /// Costs by which kFastest chooses. If not set: kept_kernel_costs(), else standard_kernel_costs().
  std::optional<KernelCosts> costs = {};
  /// If set, it is called before each product, on the thread that calls the runner.
  LinearObserver observer = {};
  /// Whether products of BF16 weights with more than 4 tokens at once round their inputs to BF16, where the processor
  /// multiplies BF16 (AVX512-BF16, AMX). That is faster and less exact: logits differ by more than 1e-4 of the largest
  /// one. LayerUse::rounds_inputs tells which products do so.
  bool round_inputs = false;
};

/// Chooses the instruction set of all kernels: the one that the environment variable PARE_TARGET names, else the best
/// that this machine has. Functions that run kernels call this themselves. A program can call it first, to find out
/// early whether PARE_TARGET is valid. The first call that succeeds decides for the whole process. Throws Error
/// (kArgument) if PARE_TARGET names an instruction set that this machine does not have.
void choose_instruction_set();

}  // namespace pare
