// What a pass has to multiply: which layers, with how many tokens, and by which kernels.
#pragma once

#include <cstddef>
#include <vector>

#include "pare/bench.h"

namespace pare::bench {

/// What a linear layer belongs to, as far as the two timed passes differ.
enum class LayerPart : std::uint8_t {
  kBody,     ///< of a decoder-only model or an encoder: multiplied with every token
  kSources,  ///< keys and values of cross-attention: with every token of the source, once
  kDecoder,  ///< the rest of a decoder: with each new token
  kHead,     ///< of a decoder: with the tokens that something is predicted from
  kOther,    ///< poolers and heads of encoders, which the timed passes leave out
};
/// By the group, stack and layer of its parameter; nothing depends on names.
LayerPart part_of(ModelKind kind, const LayerUse& linear);

/// Layers of a pass, and what they have to do.
struct PassLayers {
  std::vector<LayerUse> layers;
  Work work;
};
PassLayers prefill_layers(const Runner& runner, std::size_t sequences, std::size_t length);
/// Of one token of one sequence; none for an encoder.
PassLayers decode_layers(const Runner& runner);

}  // namespace pare::bench
