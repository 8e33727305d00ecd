// Passes of a model over arbitrary token ids, because the time depends on their number only.
#pragma once

#include <cstddef>
#include <vector>

#include "pare/run.h"

namespace pare::bench {

/// Longest sequence, at most `length`, that the runner accepts.
std::size_t fitting(const Runner& runner, std::size_t length);
/// The same for a context before `steps` more tokens; at least 1.
std::size_t fitting_context(const Runner& runner, std::size_t context, std::size_t steps);

/// Seconds of a pass over sequences x length tokens, up to the point where the first token can be predicted. It
/// computes the logits at the last tokens of a decoder-only model, or an encoder's hidden states and the decoder's KV
/// cache of them.
double time_prefill(const Runner& runner, std::size_t sequences, std::size_t length, const Context& context);

/// Seconds of each of `steps` single tokens after `before` others; empty for an encoder.
std::vector<double> time_decode(const Runner& runner, std::size_t before, std::size_t steps, const Context& context);

}  // namespace pare::bench
