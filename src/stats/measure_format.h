// The kind of file that a saved Measurement is; docs/formats.md describes it.
#pragma once

#include "base/sealed.h"

namespace pare::stats {

inline constexpr base::SealedKind kMeasurementFile{"PAREMEAS", 2, "measurement"};

}  // namespace pare::stats
