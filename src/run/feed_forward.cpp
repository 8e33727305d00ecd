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

/// The rows of x that chose an expert.
Activations rows_of(const Matrix& x, const std::vector<ExpertMixture::Choice>& choices) {
  Matrix rows = Matrix::unset(choices.size(), x.columns);
  for (std::size_t i = 0; i < choices.size(); ++i) std::copy_n(x.row(choices[i].token), x.columns, rows.row(i));
  return rows;
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

void FeedForward::show_inner(const Matrix& x, const LinearObserver& observer) const {
  for (const auto* linear : {&gate_up_, &gate_, &up_})
    if (*linear) show(**linear, x, observer);
}

Activations FeedForward::inner(const Activations& x, const Context& context) const {
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
  return inner;
}

ExpertMixture::ExpertMixture(StackWeights& weights, int layer, const StackSpec& spec)
    : spec_(spec.experts), router_(weights.linear({Slot::kRouter, layer}, spec.width, spec.experts.count)) {
  for (std::size_t expert = 0; expert < spec_.count; ++expert)
    experts_.emplace_back(weights, Place{Slot::kNone, layer, false, static_cast<int>(expert)}, spec.width, spec_.inner,
                          spec.activation);
}

ExpertMixture::Choices ExpertMixture::route(const Matrix& x, const Context& context) const {
  const Matrix logits = apply(router_, x, context);
  Choices chosen(spec_.count);
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

void ExpertMixture::add_expert(const std::vector<Choice>& choices, const Matrix& out, Matrix& sum) {
  for (std::size_t i = 0; i < choices.size(); ++i) {
    float* to = sum.row(choices[i].token);
    for (std::size_t c = 0; c < sum.columns; ++c) to[c] += choices[i].weight * out.row(i)[c];
  }
}

Matrix ExpertMixture::run(const Matrix& x, const Context& context) const {
  Matrix sum(x.rows, x.columns);
  const Choices chosen = route(x, context);
  for (std::size_t expert = 0; expert < spec_.count; ++expert)
    if (!chosen[expert].empty())
      add_expert(chosen[expert], finished(experts_[expert].run(rows_of(x, chosen[expert]), context), context), sum);
  return sum;
}

std::vector<Activations> ExpertMixture::inner(const Matrix& x, const Choices& choices, const Context& context) const {
  std::vector<Activations> inner(spec_.count);
  for (std::size_t expert = 0; expert < spec_.count; ++expert)
    if (!choices[expert].empty()) inner[expert] = experts_[expert].inner(rows_of(x, choices[expert]), context);
  return inner;
}

Matrix ExpertMixture::outer(const std::vector<Activations>& inner, const Choices& choices, const Matrix& x,
                            const Context& context) const {
  Matrix sum(x.rows, x.columns);
  for (std::size_t expert = 0; expert < spec_.count; ++expert)
    if (!choices[expert].empty())
      add_expert(choices[expert], finished(experts_[expert].outer(inner[expert], context), context), sum);
  return sum;
}

void ExpertMixture::show_inner(const Matrix& x, const Choices& choices, const LinearObserver& observer) const {
  for (std::size_t expert = 0; expert < spec_.count; ++expert)
    if (!choices[expert].empty()) experts_[expert].show_inner(rows_of(x, choices[expert]), observer);
}

void ExpertMixture::show_outer(const std::vector<Activations>& inner, const LinearObserver& observer) const {
  for (std::size_t expert = 0; expert < spec_.count; ++expert)
    if (inner[expert].rows != 0) experts_[expert].show_outer(inner[expert], observer);
}

}  // namespace pare::run
