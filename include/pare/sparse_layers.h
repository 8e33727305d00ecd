// Sparse kernels for programs that have linear layers of their own, such as the modules of PyTorch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "pare/linear.h"

namespace pare {

/// Linear layers with zeros among their weights, which belong to one model. Weights and inputs are memory of the
/// caller. Layers are added first; then products may be computed from several threads at once.
class SparseLayers {
 public:
  /// Kernels are chosen as open_runner() (pare/run.h) chooses them, by the costs for context.threads() threads.
  explicit SparseLayers(KernelChoice kernels = KernelChoice::kFastest, const Context& context = {});
  ~SparseLayers();
  SparseLayers(SparseLayers&&) noexcept;
  SparseLayers& operator=(SparseLayers&&) noexcept;

  /// Adds y = x W + b and returns its index. `weights` are [out, in] (Orientation::kOutIn) or [in, out] (kInOut), F32,
  /// F16 or BF16, aligned to an element. They must outlive this object and stay as they are: layouts are made from them
  /// when a kernel first needs one. Throws Error (kUnsupported) for other dtypes and without orientation; Interrupted.
  std::size_t add(const std::byte* weights, DType dtype, std::size_t in, std::size_t out, Orientation orientation,
                  const Context& context = {});
  std::size_t size() const noexcept;
  std::uint64_t nonzeros(std::size_t layer) const;
  /// The kernel that is the fastest for so many rows.
  Kernel kernel(std::size_t layer, std::size_t rows) const;
  /// Computes y, [rows, out], from x, [rows, in], and `bias`, which may be null, and returns true. Returns false and
  /// leaves y as it is if kernel() is kDense: then the caller's own product is the better one. Throws Interrupted.
  bool multiply(std::size_t layer, const float* x, std::size_t rows, const float* bias, float* y,
                const Context& context = {}) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pare
