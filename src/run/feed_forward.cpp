#include "run/feed_forward.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "run/threaded.h"

namespace pare::run {

using linear::Activations;

namespace {

Place at(Place place, Slot slot) {
  place.slot = slot;
  return place;
}

}  // namespace

FeedForward::FeedForward(StackWeights& weights, Place place, std::size_t width, std::size_t inner,
                         kernels::Activation activation)
    : activation_(activation), inner_(inner) {
  const bool expert = place.expert >= 0;
  gate_up_ = weights.optional_linear(at(place, expert ? Slot::kExpertsGateUp : Slot::kGateUp), width, 2 * inner);
  if (!gate_up_) {
    gate_ = weights.optional_linear(at(place, expert ? Slot::kExpertsGate : Slot::kGate), width, inner);
    up_ = weights.linear(at(place, expert ? Slot::kExpertsUp : Slot::kUp), width, inner);
  }
  down_ = weights.linear(at(place, expert ? Slot::kExpertsDown : Slot::kDown), inner, width);
}

void FeedForward::for_linears(const std::function<void(const linear::Linear&)>& f) const {
  for (const auto* linear : {&up_, &gate_, &gate_up_, &down_})
    if (*linear) f(**linear);
}

linear::Unbiased FeedForward::run(const Activations& x, const Context& context) const {
  Activations inner;
  if (gate_up_) {
    const Activations both = apply(*gate_up_, x, context);
    inner = Activations(x, inner_);
    const std::size_t rows = x.is_panel() ? 1 : x.rows, half = inner.values.size() / std::max<std::size_t>(1, rows);
    in_pieces(rows, half, context, [&](std::size_t begin, std::size_t count) {
      for (std::size_t i = begin; i < begin + count; ++i) {
        const float* row = both.values.data() + i * 2 * half;
        float* to = inner.values.data() + i * half;
        std::copy_n(row, half, to);
        kernels::activate_gated(activation_, to, row + half, half);
      }
    });
  } else if (gate_) {
    auto [gate, up] = linear::apply_all(x, context, *gate_, *up_);
    inner = std::move(gate);
    activate_gated(activation_, inner, up, context);
  } else {
    linear::Unbiased up = apply_unbiased(*up_, x, context);
    activate(activation_, up, context);
    inner = std::move(up.product);
  }
  return apply_unbiased(*down_, inner, context);
}

ExpertMixture::ExpertMixture(StackWeights& weights, int layer, const StackSpec& spec)
    : spec_(spec.experts), router_(weights.linear({Slot::kRouter, layer}, spec.width, spec.experts.count)) {
  for (std::size_t expert = 0; expert < spec_.count; ++expert)
    experts_.emplace_back(weights, Place{Slot::kNone, layer, false, static_cast<int>(expert)}, spec.width, spec_.inner,
                          spec.activation);
}

std::vector<std::vector<ExpertMixture::Choice>> ExpertMixture::route(const Matrix& x, const Context& context) const {
  const Matrix logits = apply(router_, x, context);
  std::vector<std::vector<Choice>> chosen(spec_.count);
  std::vector<std::size_t> order(spec_.count);
  for (std::size_t token = 0; token < x.rows; ++token) {
    const float* row = logits.row(token);
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto last = order.begin() + static_cast<std::ptrdiff_t>(spec_.chosen);
    std::partial_sort(order.begin(), last, order.end(),
                      [row](std::size_t a, std::size_t b) { return row[a] != row[b] ? row[a] > row[b] : a < b; });
    const auto normalizer = static_cast<float>(kernels::log_sum_exp(row, spec_.count));
    std::vector<float> weights;
    for (auto expert = order.begin(); expert != last; ++expert) weights.push_back(std::exp(row[*expert] - normalizer));
    const float sum = spec_.normalized ? std::accumulate(weights.begin(), weights.end(), 0.0F) : 1;
    for (std::size_t i = 0; i < weights.size(); ++i) chosen[order[i]].push_back({token, weights[i] / sum});
  }
  return chosen;
}

Matrix ExpertMixture::run(const Matrix& x, const Context& context) const {
  Matrix sum(x.rows, x.columns);
  const std::vector<std::vector<Choice>> chosen = route(x, context);
  for (std::size_t expert = 0; expert < spec_.count; ++expert) {
    const std::vector<Choice>& choices = chosen[expert];
    if (choices.empty()) continue;
    Matrix own = Matrix::unset(choices.size(), x.columns);
    for (std::size_t i = 0; i < choices.size(); ++i) std::copy_n(x.row(choices[i].token), x.columns, own.row(i));
    const Matrix out = finished(experts_[expert].run(std::move(own), context), context);
    for (std::size_t i = 0; i < choices.size(); ++i) {
      float* to = sum.row(choices[i].token);
      for (std::size_t c = 0; c < x.columns; ++c) to[c] += choices[i].weight * out.row(i)[c];
    }
  }
  return sum;
}

}  // namespace pare::run
