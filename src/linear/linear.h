// Linear layers: each product uses the fastest method for its number of rows.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "linear/activations.h"
#include "linear/sparse_linear.h"
#include "pare/linear.h"

namespace pare::linear {

/// Which linear of a model this is, and what is done with its products.
struct Identity {
  LayerUse use;  ///< by the dense kernel
  LinearObserver observer;
  bool round_inputs = false;
};

/// y = x W + b. Weights and bias are not owned.
struct Linear {
  WeightView weight;            ///< if it has no data, `sparse` has the weights
  const float* bias = nullptr;  ///< may be null
  std::size_t in = 0, out = 0;
  bool out_in = true;                          ///< weight is [out, in] as torch.nn.Linear's, else [in, out] as Conv1D's
  std::shared_ptr<const SparseLinear> sparse;  ///< if enough of the weights are 0
  std::shared_ptr<const Identity> identity;    ///< null for a product that belongs to no model

  Linear() = default;
  explicit Linear(const LayerWeights& weights, const float* added = nullptr)
      : weight(weights.view), bias(added), in(weights.in()), out(weights.out()), out_in(weights.out_in) {}

  /// How it is multiplied for this many tokens. Only for a linear with an identity.
  LayerUse use(std::size_t tokens) const;
  /// Whether so many tokens may come as panels: an observer wants rows, and so do products with rounded inputs.
  bool allows_panels(std::size_t tokens) const;
  /// Whether panels of so many tokens are multiplied by the kernel that reads and writes panels anyway.
  bool prefers_panels(std::size_t tokens) const;
  /// Makes what products of so many tokens need. To be called before products on several threads at once.
  void prepare(std::size_t tokens, const Context& context) const;
};

/// Gives `observer` the linear and what it reads, as the observer of InferOptions gets them before a product. Nothing
/// for a linear without an identity.
void show(const Linear& linear, const Matrix& x, const LinearObserver& observer);

/// x: rows x in. A few rows are multiplied by pare's own kernels (memory-bound), many by oneDNN's sgemm.
Matrix apply(const Linear& linear, const Matrix& x, const Context& context);

/// apply() of each of `linears` to the same inputs, into `results`, one for each. A few rows take one parallel loop
/// for all of them: a loop takes some microseconds, as long as reading a small matrix.
void apply_each(std::span<const Linear* const> linears, const Matrix& x, std::span<Matrix> results,
                const Context& context);

/// The same for rows or panels, which stay what they are.
Activations apply(const Linear& linear, const Activations& x, const Context& context);
void apply_each(std::span<const Linear* const> linears, const Activations& x, std::span<Activations> results,
                const Context& context);

/// A product to which `bias` is still to be added, if it is not null: in rows, by the operation that reads them next.
struct Unbiased {
  Activations product;
  const float* bias = nullptr;
};
Unbiased apply_unbiased(const Linear& linear, const Activations& x, const Context& context);

/// The same for linears known at compile time: auto [q, k, v] = apply_all(x, context, q_proj, k_proj, v_proj).
template <class X, class... Linears>
std::array<X, sizeof...(Linears)> apply_all(const X& x, const Context& context, const Linears&... linears) {
  std::array<X, sizeof...(Linears)> results;
  apply_each(std::array<const Linear*, sizeof...(Linears)>{&linears...}, x, std::span<X>(results), context);
  return results;
}

}  // namespace pare::linear
