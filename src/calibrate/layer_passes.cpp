#include "calibrate/layer_passes.h"

#include <utility>

namespace pare::calibrate {
namespace {

/// Most that is kept between the stages of a layer. What does not fit is computed again when it is needed.
constexpr std::size_t kKeptBytes = std::size_t{1} << 30;

}  // namespace

LayerPasses::LayerPasses(const Runner& runner, const CalibrationText& text)
    : runner_(runner),
      both_(dynamic_cast<const EncoderDecoderRunner*>(&runner)),
      text_(text),
      encoder_layers_(both_ != nullptr ? both_->encoder_layers() : 0),
      decoder_layers_(both_ != nullptr ? both_->decoder_layers() : runner.layer_count()),
      states_(text.batches.size()),
      encoded_(both_ != nullptr ? text.batches.size() : 0) {}

bool LayerPasses::holds(std::size_t layer, const Parameter& parameter) const {
  if (both_ == nullptr) return parameter.layer == static_cast<int>(layer);
  const bool encoder = layer < encoder_layers_;
  return parameter.stack == (encoder ? "encoder" : "decoder") &&
         parameter.layer == static_cast<int>(encoder ? layer : layer - encoder_layers_);
}

Matrix LayerPasses::states_after(std::size_t layer, std::size_t batch, Matrix states, const Context& context) const {
  if (both_ == nullptr) return runner_.run_layers(text_.batches[batch], std::move(states), layer, layer + 1, context);
  if (layer < encoder_layers_)
    return both_->run_encoder(text_.batches[batch], std::move(states), layer, layer + 1, context);
  layer -= encoder_layers_;
  return both_->run_decoder(text_.targets[batch], std::move(states), text_.batches[batch], encoded_[batch], layer,
                            layer + 1, context);
}

Matrix LayerPasses::last_states(std::size_t layer, std::size_t batch, const Context& context) const {
  if (both_ == nullptr) return runner_.run_layers(text_.batches[batch], states_[batch], layer, layers(), context);
  const TokenBatch &sources = text_.batches[batch], &targets = text_.targets[batch];
  if (layer >= encoder_layers_)
    return both_->run_decoder(targets, states_[batch], sources, encoded_[batch], layer - encoder_layers_,
                              decoder_layers_, context);
  const Matrix encoded = both_->run_encoder(sources, states_[batch], layer, encoder_layers_, context);
  return both_->run_decoder(targets, {}, sources, encoded, 0, decoder_layers_, context);
}

void LayerPasses::run(std::size_t layer, std::size_t batch, bool keep, const Context& context) {
  if (!keep) {
    states_after(layer, batch, states_[batch], context);
    return;
  }
  keep_states(layer, batch, states_after(layer, batch, std::move(states_[batch]), context));
}

void LayerPasses::keep_states(std::size_t layer, std::size_t batch, Matrix after) {
  if (both_ != nullptr && layer + 1 == encoder_layers_)
    encoded_[batch] = std::move(after);
  else
    states_[batch] = std::move(after);
}

void LayerPasses::start(std::size_t layer, const Context& context) {
  layer_ = layer;
  kept_bytes_ = 0;
  staged_.clear();
  for (std::size_t i = 0; i < batches(); ++i) {
    const TokenBatch& batch = text_.batches[i];
    Matrix states = std::move(states_[i]);
    if (both_ == nullptr)
      staged_.push_back(runner_.start_layer(batch, std::move(states), layer, context));
    else if (layer < encoder_layers_)
      staged_.push_back(both_->start_encoder_layer(batch, std::move(states), layer, context));
    else
      staged_.push_back(both_->start_decoder_layer(text_.targets[i], std::move(states), batch, encoded_[i],
                                                   layer - encoder_layers_, context));
  }
}

void LayerPasses::show(std::size_t stage, std::size_t batch, const LinearObserver& observer, const Context& context) {
  LayerStages& staged = *staged_[batch];
  kept_bytes_ -= staged.kept_bytes();
  staged.show(stage, observer, context);
  if (kept_bytes_ + staged.kept_bytes() > kKeptBytes) staged.forget();
  kept_bytes_ += staged.kept_bytes();
}

void LayerPasses::finish(std::size_t batch, const Context& context) {
  keep_states(layer_, batch, staged_[batch]->finish(context));
  staged_[batch].reset();
}

}  // namespace pare::calibrate
