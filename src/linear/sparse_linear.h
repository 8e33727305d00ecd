// A linear layer with some zero weights. Layouts that are faster than the dense one are made when they are first
// needed.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "base/once.h"
#include "linear/activations.h"
#include "linear/sparse_matrix.h"
#include "linear/weight_source.h"
#include "pare/linear.h"
#include "pare/tune.h"

namespace pare::linear {

/// Data that all linear layers of a model share.
struct SharedByLayers {
  std::uint64_t dense_bytes = 0;  ///< bytes of dense weights of all layers
  LayoutMemory layouts;
};

class SparseLinear {
 public:
  SparseLinear(std::unique_ptr<const WeightSource> weights, std::size_t nonzeros,
               std::shared_ptr<const KernelCosts> costs, std::shared_ptr<SharedByLayers> model, KernelChoice choice)
      : weights_(std::move(weights)),
        nonzeros_(nonzeros),
        costs_(std::move(costs)),
        model_(std::move(model)),
        choice_(choice) {}

  /// Computes y = x W + b and returns true if a sparse kernel is faster; otherwise returns false and leaves y
  /// unchanged.
  bool apply(const Matrix& x, const float* bias, Matrix& y, const Context& context) const;
  /// The same for more than kernels::kFewRows rows of any memory.
  bool apply_rows(const float* x, std::size_t rows, const float* bias, float* y, const Context& context) const;
  /// The same for at most kernels::kFewRows rows in at most `pieces` pieces; none if the dense kernel is faster.
  std::optional<Work> work(const Matrix& x, const float* bias, Matrix& y, std::size_t pieces,
                           const Context& context) const;

  /// The same for panels, if the kernel for them is the sliced one; otherwise returns false.
  bool apply_panel(const Activations& x, const float* bias, Activations& y, const Context& context) const;

  Kernel kernel_for(std::size_t tokens) const;
  /// Makes the layout for this many tokens, unless it is there already.
  void prepare(std::size_t tokens, const Context& context) const;
  /// All weights, for the dense kernels. Throws Error for packed ones that cannot be decoded.
  WeightView dense() const { return weights_->dense(); }

 private:
  const SlicedMatrix& sliced(std::size_t tokens, const Context& context) const;
  const MaskedMatrix& masked(const Context& context) const;

  std::unique_ptr<const WeightSource> weights_;
  std::size_t nonzeros_;
  std::shared_ptr<const KernelCosts> costs_;
  std::shared_ptr<SharedByLayers> model_;
  KernelChoice choice_;
  mutable base::Once few_once_, many_once_, masked_once_;
  mutable std::unique_ptr<const SlicedMatrix> few_, many_;  ///< for few and for many tokens, if their blocks differ
  mutable std::unique_ptr<const MaskedMatrix> masked_;
};

}  // namespace pare::linear
