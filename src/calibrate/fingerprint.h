// Identifies all that the result of a calibrated run depends on.
#pragma once

#include <string>

#include "calibrate/calibration_text.h"
#include "pare/calibrate.h"

namespace pare::calibrate {

/// 32 hexadecimal digits, of the model's files and configuration, the tokens, the options and the instruction set.
/// `text`: what rank 0 of `ranks` processes has of it. `plan`: with options, parameters and, of a given mask, its
/// record.
std::string fingerprint_of(const Model& model, const PrunePlan& plan, const CalibrationOptions& options,
                           const CalibrationText& text, unsigned ranks);

/// 32 hexadecimal digits, of the tokens of all windows, and of the targets.
std::string hash_of_tokens(const CalibrationText& text);

}  // namespace pare::calibrate
