// Source of the weights of a sparse layer, read when a kernel first needs them.
#pragma once

#include <cstddef>
#include <memory>

#include "base/once.h"
#include "linear/layer_weights.h"
#include "pare/checkpoint.h"

namespace pare::linear {

/// All values of a tensor as F32: in place if they are F32 and aligned, else converted into `room`.
const float* floats_of(const TensorView& tensor, std::unique_ptr<float[]>& room);

/// The type in which kernels read the weights of a tensor: its own if it is F32, F16 or BF16, else F32.
FloatType weight_type(DType dtype);

/// A tensor of rows * columns elements as a matrix of weight_type(): in place if it has this type and is aligned, else
/// copied or converted into `room`.
WeightView weights_of(const TensorView& tensor, std::size_t rows, std::size_t columns, std::unique_ptr<float[]>& room);

/// Safe to use from any thread.
class WeightSource {
 public:
  /// Weights in memory, which must outlive this.
  explicit WeightSource(const LayerWeights& weights) : weights_(weights) {}
  /// A tensor that is packed without its zeros. It is decoded only if a dense kernel needs it. The checkpoint of
  /// `tensor` must outlive this. `shape` has its weight_type().
  WeightSource(TensorView tensor, const LayerWeights& shape) : weights_(shape), tensor_(std::move(tensor)) {}

  /// Shape, orientation and type.
  const LayerWeights& shape() const noexcept { return weights_; }
  /// All weights. Throws Error for a packed tensor that cannot be decoded.
  WeightView dense() const;
  /// Calls make(LayerWeights), which makes a layout of the nonzeros. Throws Error likewise.
  template <class Make>
  auto with_nonzeros(Make make) const {
    if (weights_.view.data != nullptr) return make(weights_);
    const NonzeroRows rows = nonzero_rows();
    LayerWeights weights = weights_;
    weights.nonzeros = &rows;
    return make(weights);
  }

 private:
  NonzeroRows nonzero_rows() const;

  LayerWeights weights_;
  TensorView tensor_;
  mutable base::Once once_;
  mutable std::unique_ptr<float[]> room_;
  mutable WeightView dense_;
};

}  // namespace pare::linear
