// The hidden states of all calibration windows, which go through the model layer by layer.
#pragma once

#include <memory>
#include <vector>

#include "calibrate/calibration_text.h"

namespace pare::calibrate {

/// Layers are counted over both stacks of an encoder-decoder, the encoder's first.
class LayerPasses {
 public:
  /// `runner` and `text` must outlive this.
  LayerPasses(const Runner& runner, const CalibrationText& text);

  std::size_t layers() const noexcept { return encoder_layers_ + decoder_layers_; }
  std::size_t batches() const noexcept { return states_.size(); }
  /// Whether a parameter belongs to a layer.
  bool holds(std::size_t layer, const Parameter& parameter) const;
  /// Runs a layer on the states before it. `keep`: the states after it replace them; to be done for every batch before
  /// the next layer runs.
  void run(std::size_t layer, std::size_t batch, bool keep, const Context& context);

  /// Begins to run a layer stage by stage (see LayerStages) on the states before it, for all batches.
  void start(std::size_t layer, const Context& context);
  /// Number of the stages of the layer that has begun; 0 if there is no batch.
  std::size_t stages() const noexcept { return staged_.empty() ? 0 : staged_[0]->count(); }
  /// Gives `observer` the linears of a stage, for one batch.
  void show(std::size_t stage, std::size_t batch, const LinearObserver& observer, const Context& context);
  /// As run() with `keep`, for the layer that has begun.
  void finish(std::size_t batch, const Context& context);
  /// Ends the layer that has begun, of which no states are needed.
  void stop() { staged_.clear(); }

  /// What this layer and all that follow make of the states before it: the last hidden states (the decoder's). Keeps
  /// nothing.
  Matrix last_states(std::size_t layer, std::size_t batch, const Context& context) const;

 private:
  void keep_states(std::size_t layer, std::size_t batch, Matrix after);
  Matrix states_after(std::size_t layer, std::size_t batch, Matrix states, const Context& context) const;

  const Runner& runner_;
  const EncoderDecoderRunner* both_;
  const CalibrationText& text_;
  std::size_t encoder_layers_ = 0, decoder_layers_ = 0;  ///< all layers of one stack are the decoder's
  std::vector<Matrix> states_, encoded_;
  std::size_t layer_ = 0;  ///< that has begun
  std::vector<std::unique_ptr<LayerStages>> staged_;
  std::size_t kept_bytes_ = 0;  ///< of all of `staged_`
};

}  // namespace pare::calibrate
