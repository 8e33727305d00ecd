// Calibration on a little of the demo's text.
#pragma once

#include <string>

#include "pare/calibrate.h"

namespace pare::test {

inline const std::string kDemo = std::string(PARE_SOURCE_DIR) + "/demo/";

inline CalibrationOptions few_windows() {
  CalibrationOptions options;
  options.data = kDemo + "heldout/lm.txt";
  options.sequences = 5;
  options.length = 32;
  return options;
}

}  // namespace pare::test
