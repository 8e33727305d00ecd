// The multiplications of a pass: the layers, their numbers of tokens, and their kernels.
#pragma once

#include <cstddef>
#include <vector>

#include "pare/bench.h"

namespace pare::bench {

/// The part of a model that a linear layer belongs to, as the two timed passes distinguish it.
enum class LayerPart : std::uint8_t {
  kBody,     ///< of a decoder-only model or an encoder: multiplied with every token
  kSources,  ///< keys and values of cross-attention: multiplied once with every token of the source
  kDecoder,  ///< the rest of a decoder: multiplied with each new token
  kHead,     ///< head of a decoder: multiplied with the tokens that predictions are made from
  kOther,    ///< poolers and heads of encoders, which the timed passes leave out
};
/// Determined by the group, stack and layer of its parameter, never by names.
LayerPart part_of(ModelKind kind, const LayerUse& linear);

/// The layers of a pass and their work.
struct PassLayers {
  std::vector<LayerUse> layers;
  Work work;
};
PassLayers prefill_layers(const Runner& runner, std::size_t sequences, std::size_t length);
/// The work of one token of one sequence; empty for an encoder.
PassLayers decode_layers(const Runner& runner);

}  // namespace pare::bench
