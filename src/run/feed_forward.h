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
  linear::Unbiased run(const linear::Activations& x, const Context& context) const;
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

 private:
  struct Choice {
    std::size_t token;
    float weight;
  };
  /// For each expert the tokens that chose it, in ascending order.
  std::vector<std::vector<Choice>> route(const Matrix& x, const Context& context) const;

  ExpertSpec spec_;
  linear::Linear router_;
  std::vector<FeedForward> experts_;
};

}  // namespace pare::run
