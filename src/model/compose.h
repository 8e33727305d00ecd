// Composes two models, given as ENCODER+DECODER.
#pragma once

#include <cstdint>
#include <string>

#include "pare/model.h"

namespace pare::model {

/// Opens both and composes them; title, source and side files are left to the caller.
Model compose(const std::string& encoder_source, const std::string& decoder_source, std::uint64_t seed,
              const Context& context);

}  // namespace pare::model
