// What a pass has to multiply: which layers, with how many tokens, and by which kernels.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "pare/bench.h"

namespace pare::bench {

enum class ModelKind : std::uint8_t { kCausal, kEncoder, kEncoderDecoder };
ModelKind kind_of(const Runner& runner);

/// What a linear layer belongs to, as far as the two timed passes differ.
enum class LayerPart : std::uint8_t {
  kBody,     ///< of a decoder-only model or an encoder: multiplied with every token
  kSources,  ///< keys and values of cross-attention: with every token of the source, once
  kDecoder,  ///< the rest of a decoder: with each new token
  kHead,     ///< of a decoder: with the tokens that something is predicted from
  kOther,    ///< poolers and heads of encoders, which the timed passes leave out
};
/// By the names that Runner::layers() gives.
LayerPart part_of(ModelKind kind, std::string_view layer);

/// Layers of a pass, and what they have to do.
struct PassLayers {
  std::vector<LayerUse> layers;
  Work work;
};
PassLayers many_layers(const Runner& runner, std::size_t sequences, std::size_t length);
/// Of one token of one sequence; none for an encoder.
PassLayers step_layers(const Runner& runner);

}  // namespace pare::bench
