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

/// Safe to use from any thread.
class WeightSource {
 public:
  /// Weights in memory, which must outlive this.
  explicit WeightSource(const LayerWeights& weights) : weights_(weights) {}
  /// A tensor that is packed without its zeros. It is decoded only if a dense kernel needs it. The checkpoint of
  /// `tensor` must outlive this.
  WeightSource(TensorView tensor, const LayerWeights& shape) : weights_(shape), tensor_(std::move(tensor)) {}

  /// Shape and orientation.
  const LayerWeights& shape() const noexcept { return weights_; }
  /// All weights. Throws Error for a packed tensor that cannot be decoded.
  const float* dense() const;
  /// Calls make(LayerWeights), which makes a layout of the nonzeros. Throws Error likewise.
  template <class Make>
  auto with_nonzeros(Make make) const {
    if (weights_.data != nullptr) return make(weights_);
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
  mutable const float* dense_ = nullptr;
};

}  // namespace pare::linear
