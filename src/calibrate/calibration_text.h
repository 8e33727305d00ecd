// The tokens on which a model is calibrated.
#pragma once

#include <vector>

#include "pare/calibrate.h"
#include "pare/run.h"

namespace pare::calibrate {

struct CalibrationText {
  std::vector<TokenBatch> batches;  ///< windows that go through the model together; an encoder-decoder's sources
  std::vector<TokenBatch> targets;  ///< of each batch, for an encoder-decoder
  CalibrationRecord record;
  std::vector<std::string> notes;
};

/// Draws the windows. Those of an encoder stand between its special tokens. An encoder-decoder reads the first half of
/// each and predicts the second, or has the columns "source" and "target" of a .tsv file. Throws Error for data that
/// cannot be read or has fewer than two tokens, and for options that ask for nothing.
CalibrationText read_calibration_text(const Model& model, const Runner& runner, const CalibrationOptions& options);

/// Leaves this rank of a group its share of the batches. Throws Error (kMismatch) on rank 0 if another rank has read
/// other data. To be called by every rank.
void keep_own_batches(CalibrationText& text, const CalibrationOptions& options, const Context& context);

}  // namespace pare::calibrate
