// Layers that run stage by stage, against the same layers run at once.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "pare/run.h"

namespace pare::test {

/// The inputs of each linear, by the name of its weight.
using InputsByName = std::map<std::string, Matrix>;

class StagedModel {
 public:
  /// For an encoder-decoder, `targets` go to the decoder.
  StagedModel(const Model& model, TokenBatch sources, TokenBatch targets)
      : runner_(open_runner(model, {KernelChoice::kFastest,
                                    {},
                                    [this](const LayerUse& linear, const Matrix& inputs) {
                                      if (observing_) expected_[linear.name] = inputs;
                                    }})),
        pair_(dynamic_cast<const EncoderDecoderRunner*>(runner_.get())),
        sources_(std::move(sources)),
        targets_(std::move(targets)) {}

  /// What differs; empty if nothing does. `forgets`: whether what is kept between stages is freed each time.
  std::string difference(bool forgets) {
    Matrix states, encoded;
    const std::size_t encoder = pair_ != nullptr ? pair_->encoder_layers() : 0,
                      layers = pair_ != nullptr ? encoder + pair_->decoder_layers() : runner_->layer_count();
    for (std::size_t layer = 0; layer < layers; ++layer) {
      if (pair_ != nullptr && layer == encoder) encoded = std::move(states);
      expected_.clear();
      found_.clear();
      observing_ = true;
      const Matrix expected = run(layer, encoder, states, encoded);
      observing_ = false;
      const auto stages = start(layer, encoder, states, encoded);
      for (std::size_t stage = 0; stage < stages->count(); ++stage) {
        bool twice = false;
        stages->show(stage, [&](const LayerUse& linear, const Matrix& inputs) {
          twice |= !found_.emplace(linear.name, inputs).second;
        });
        if (twice) return "a linear is in two stages of layer " + std::to_string(layer);
        if (forgets) stages->forget();
        if (forgets && stages->kept_bytes() != 0) return "something is kept";
      }
      states = stages->finish();
      if (const std::string wrong = wrong_input(layer == 0 || layer + 1 == layers); !wrong.empty()) return wrong;
      if (states.values != expected.values) return "other states after layer " + std::to_string(layer);
    }
    return {};
  }

 private:
  Matrix run(std::size_t layer, std::size_t encoder, const Matrix& states, const Matrix& encoded) const {
    if (pair_ == nullptr) return runner_->run_layers(sources_, states, layer, layer + 1);
    if (layer < encoder) return pair_->run_encoder(sources_, states, layer, layer + 1);
    return pair_->run_decoder(targets_, layer == encoder ? Matrix() : states, sources_, encoded, layer - encoder,
                              layer - encoder + 1);
  }

  std::unique_ptr<LayerStages> start(std::size_t layer, std::size_t encoder, const Matrix& states,
                                     const Matrix& encoded) const {
    if (pair_ == nullptr) return runner_->start_layer(sources_, states, layer);
    if (layer < encoder) return pair_->start_encoder_layer(sources_, states, layer);
    return pair_->start_decoder_layer(targets_, states, sources_, encoded, layer - encoder);
  }

  /// `ends`: for the first layer and the last, which run with a linear before or behind them in some families.
  std::string wrong_input(bool ends) const {
    for (const auto& [name, inputs] : found_) {
      const auto expected = expected_.find(name);
      if (expected == expected_.end() || expected->second.values != inputs.values) return "other inputs of " + name;
    }
    return expected_.size() > found_.size() + (ends ? 1 : 0) ? "a linear is in no stage" : "";
  }

  std::unique_ptr<Runner> runner_;
  const EncoderDecoderRunner* pair_;
  TokenBatch sources_, targets_;
  bool observing_ = false;
  InputsByName expected_, found_;
};

}  // namespace pare::test
