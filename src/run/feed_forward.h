// The feed-forward part of a layer: one for all tokens, or a mixture of experts.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "run/spec.h"
#include "run/stack_weights.h"

namespace pare::run {

/// down(f(up(x))), or with a gate down(f(gate(x)) * up(x)) (Shazeer 2020).
class FeedForward {
 public:
  /// `place` tells the layer, and the expert if it is one.
  FeedForward(StackWeights& weights, Place place, std::size_t width, std::size_t inner, kernels::Activation activation);
  /// x: [tokens, width], and so is the result, in rows or in panels.
  linear::Unbiased run(const linear::Activations& x, const Context& context) const {
    return outer(inner(x, context), context);
  }
  /// The two halves of run(): what `down` reads, [tokens, inner], and its product.
  linear::Activations inner(const linear::Activations& x, const Context& context) const;
  linear::Unbiased outer(const linear::Activations& inner, const Context& context) const {
    return apply_unbiased(*down_, inner, context);
  }
  /// Gives `observer` the linears of either half, and what they read.
  void show_inner(const Matrix& x, const LinearObserver& observer) const;
  void show_outer(const Matrix& inner, const LinearObserver& observer) const { show(*down_, inner, observer); }
  void for_linears(const std::function<void(const linear::Linear&)>& f) const;

 private:
  kernels::Activation activation_;
  std::size_t inner_;
  std::optional<linear::Linear> up_, gate_, gate_up_, down_;
};

/// A mixture (Shazeer et al. 2017; Jiang et al. 2024): for each token, the router chooses some experts, whose outputs
/// are added with the softmax of the router's logits as weights.
class ExpertMixture {
 public:
  ExpertMixture(StackWeights& weights, int layer, const StackSpec& spec);
  /// x: rows.
  Matrix run(const Matrix& x, const Context& context) const;

  struct Choice {
    std::size_t token;
    float weight;
  };
  using Choices = std::vector<std::vector<Choice>>;  ///< for each expert the tokens that chose it, in ascending order

  /// The steps of run(). For each expert that was chosen, its inner() of its tokens; the others' are empty.
  Choices route(const Matrix& x, const Context& context) const;
  std::vector<linear::Activations> inner(const Matrix& x, const Choices& choices, const Context& context) const;
  Matrix outer(const std::vector<linear::Activations>& inner, const Choices& choices, const Matrix& x,
               const Context& context) const;
  /// Gives `observer` the linears of each step, and what they read.
  void show_router(const Matrix& x, const LinearObserver& observer) const { show(router_, x, observer); }
  void show_inner(const Matrix& x, const Choices& choices, const LinearObserver& observer) const;
  void show_outer(const std::vector<linear::Activations>& inner, const LinearObserver& observer) const;

 private:
  /// sum[token] += weight * out, for the tokens of an expert.
  static void add_expert(const std::vector<Choice>& choices, const Matrix& out, Matrix& sum);

  ExpertSpec spec_;
  linear::Linear router_;
  std::vector<FeedForward> experts_;
};

}  // namespace pare::run
