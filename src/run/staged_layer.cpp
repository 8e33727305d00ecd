#include "run/staged_layer.h"

#include <fmt/format.h>

#include "base/parallel.h"
#include "pare/error.h"
#include "run/threaded.h"

namespace pare::run {

StagedLayer::StagedLayer(const Stack& stack, std::size_t index, const TokenBatch& batch, Matrix x,
                         const std::optional<Encoded>& encoded, const Context& context)
    : stack_(stack), index_(index), batch_(batch), encoded_(encoded) {
  if (index >= stack.layers()) throw Error(ErrorCode::kArgument, fmt::format("there is no layer {}", index));
  const std::unique_ptr<KvCache> cache = empty_cache();
  x_ = stack.before_layer(index, batch, std::move(x), cache.get(), context);
  stages_ = {Stage::kProjections, Stage::kOutput};
  if (stack.spec_.cross_attention) stages_.insert(stages_.end(), {Stage::kCrossQuery, Stage::kCrossOutput});
  if (layer().experts) stages_.push_back(Stage::kRouter);
  stages_.insert(stages_.end(), {Stage::kInner, Stage::kDown});
}

std::unique_ptr<KvCache> StagedLayer::empty_cache() const {
  return encoded_ ? std::make_unique<KvCache>(batch_.sequences(), stack_.layers()) : nullptr;
}

void StagedLayer::show(std::size_t stage, const LinearObserver& observer, const Context& context) {
  base::with_team(context, [&] {
    end_before(stage, context);
    Activations own;
    const auto show_one = [&](const std::optional<linear::Linear>& linear, const Matrix& read) {
      if (linear) linear::show(*linear, read, observer);
    };
    switch (stages_[stage]) {
      case Stage::kProjections:
        return show_projections(observer, context);
      case Stage::kOutput:
        return show_one(layer().self.o, mixed(context));
      case Stage::kCrossQuery:
        return show_one(layer().cross.q, read(layer().cross.norm, own, context));
      case Stage::kCrossOutput:
        return show_one(layer().cross.o, cross_mixed(context));
      case Stage::kRouter:
      case Stage::kInner:
      case Stage::kDown:
        return show_feed_forward(stages_[stage], observer, context);
    }
  });
}

Matrix StagedLayer::finish(const Context& context) {
  base::with_team(context, [&] { end_before(stages_.size(), context); });
  Matrix x = std::move(x_);
  return index_ + 1 == stack_.layers() ? stack_.after_layers(std::move(x), context) : x;
}

std::size_t StagedLayer::kept_bytes() const noexcept {
  std::size_t elements = kept_.values.size();
  for (const Activations& one : expert_kept_) elements += one.values.size();
  return elements * sizeof(float);
}

void StagedLayer::forget() noexcept {
  kept_ = {};
  expert_kept_.clear();
}

void StagedLayer::end_before(std::size_t stage, const Context& context) {
  for (; next_ < stage; ++next_) end(stages_[next_], context);
}

void StagedLayer::end(Stage stage, const Context& context) {
  const Stack::Layer& layer = this->layer();
  switch (stage) {
    case Stage::kProjections:
    case Stage::kCrossQuery:
    case Stage::kRouter:
    case Stage::kInner:
      return;  // the stage that follows multiplies
    case Stage::kOutput:
      if (stack_.spec_.parallel)
        attention_ = apply_unbiased(*layer.self.o, mixed(context), context);
      else
        stack_.add_branch(x_, apply_unbiased(*layer.self.o, mixed(context), context), layer.self.post_norm,
                          layer.self.norm, context);
      break;
    case Stage::kCrossOutput:
      stack_.add_branch(x_, apply_unbiased(*layer.cross.o, cross_mixed(context), context), layer.cross.post_norm,
                        layer.cross.norm, context);
      break;
    case Stage::kDown:
      if (layer.experts) {
        const std::vector<Activations>& inner = expert_inner(context);
        add_feed_forward({layer.experts->outer(inner, choices_, x_, context)}, context);
      } else {
        add_feed_forward(layer.feed_forward->outer(inner(context), context), context);
      }
      break;
  }
  forget();
  normalized_ = false;
}

void StagedLayer::add_feed_forward(linear::Unbiased product, const Context& context) {
  const Stack::Layer& layer = this->layer();
  if (stack_.spec_.parallel) {
    add(attention_.product, std::move(product), context);
    add(x_, std::move(attention_), context);
  } else {
    stack_.add_branch(x_, std::move(product), layer.post_norm, layer.norm, context);
  }
  stack_.nan_check_.part(x_, layer.name, 0, batch_.tokens());
}

const Activations& StagedLayer::read(const Norm& norm, Activations& own, const Context& context) {
  if (normalized_) return x_;
  normalized_ = norm && stack_.spec_.residual_from_norm;
  return stack_.before(norm, x_, own, context);
}

const Activations& StagedLayer::mixed(const Context& context) {
  if (!kept_.values.empty()) return kept_;
  const std::unique_ptr<KvCache> cache = empty_cache();
  const Stack::Pass pass = stack_.prepare(batch_, cache.get(), context);
  Activations own;
  Part part{whole_sequences(batch_), {}};
  const Activations& read = this->read(layer().self.norm, own, context);
  stack_.project_part(index_, read, part, pass, context);
  stack_.attend(index_, {&part, 1}, pass);
  kept_ = std::move(part.mixed);
  return kept_;
}

const Activations& StagedLayer::cross_mixed(const Context& context) {
  if (!kept_.values.empty()) return kept_;
  const std::unique_ptr<KvCache> cache = empty_cache();
  stack_.remember(*cache, encoded_->sources, encoded_->states, index_, index_ + 1, context);
  const Stack::Pass pass{batch_, cache.get(), context};
  Activations own;
  const Part part{whole_sequences(batch_), {}};
  kept_ = stack_.attend_to_encoder(index_, read(layer().cross.norm, own, context), part, pass, context);
  return kept_;
}

const Activations& StagedLayer::inner(const Context& context) {
  Activations own;
  if (kept_.values.empty()) kept_ = layer().feed_forward->inner(read(layer().norm, own, context), context);
  return kept_;
}

const std::vector<Activations>& StagedLayer::expert_inner(const Context& context) {
  if (!expert_kept_.empty()) return expert_kept_;
  Activations own;
  const Activations& read = this->read(layer().norm, own, context);
  choices_ = layer().experts->route(read, context);
  expert_kept_ = layer().experts->inner(read, choices_, context);
  return expert_kept_;
}

void StagedLayer::show_projections(const LinearObserver& observer, const Context& context) {
  const Stack::Attention &self = layer().self, &cross = layer().cross;
  for (const auto* linear : {&cross.k, &cross.v})
    if (encoded_ && *linear) linear::show(**linear, encoded_->states, observer);
  Activations own;
  const Activations& read = this->read(self.norm, own, context);
  for (const auto* linear : {&self.qkv, &self.q, &self.k, &self.v})
    if (*linear) linear::show(**linear, read, observer);
}

void StagedLayer::show_feed_forward(Stage stage, const LinearObserver& observer, const Context& context) {
  const Stack::Layer& layer = this->layer();
  if (stage == Stage::kDown) {
    if (layer.experts)
      layer.experts->show_outer(expert_inner(context), observer);
    else
      layer.feed_forward->show_outer(inner(context), observer);
    return;
  }
  Activations own;
  const Activations& read = this->read(layer.norm, own, context);
  if (!layer.experts)
    layer.feed_forward->show_inner(read, observer);
  else if (stage == Stage::kRouter)
    layer.experts->show_router(read, observer);
  else
    layer.experts->show_inner(read, layer.experts->route(read, context), observer);
}

}  // namespace pare::run
