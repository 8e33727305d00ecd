// What a change of one layer's weights does to what the model predicts.
#pragma once

#include <memory>
#include <vector>

#include "calibrate/layer_passes.h"

namespace pare::calibrate {

constexpr double kTemperature = 2;

/// Follows the layers of a model, and compares its predictions with those that it made at the beginning.
class LayerProbe {
 public:
  /// The first windows of `text` are used. `model` reads its weights where they may be changed; its predictions now are
  /// what later ones are compared with.
  LayerProbe(const Model& model, const CalibrationText& text, const Context& context);

  /// Goes on to the next layer; the weights of this one must be as they were at the beginning.
  void advance(const Context& context);
  /// How much the predictions have changed, where only weights of this layer have: the mean over tokens of half the
  /// variance of the change of the logits z, weighted by softmax(z / kTemperature). With a temperature of 1 that would
  /// be the divergence (Kullback-Leibler) for small changes, which is next to nothing where a model is sure of a token,
  /// whatever happens; a higher one lets other tokens count. Of a model without a language-model head, the mean of
  /// |h - h0|^2 / |h0|^2 over the last hidden states.
  double change(const Context& context) const;

 private:
  /// One batch of the text.
  struct Reference {
    std::vector<std::size_t> rows;  ///< of hidden states, which are compared
    Matrix expected;                ///< [rows, vocabulary]: logits; or hidden states
    Matrix shares;                  ///< [rows, vocabulary]: their weights, which add up to 1
  };

  Reference reference_of(std::size_t batch, const Context& context) const;
  double distance(std::size_t batch, const Context& context) const;
  Matrix compared(std::size_t batch, const Reference& reference, const Context& context) const;

  std::unique_ptr<Runner> runner_;
  CalibrationText text_;
  LayerPasses passes_;
  bool head_;
  std::size_t rows_at_most_, layer_ = 0;
  std::vector<Reference> references_;
};

}  // namespace pare::calibrate
