// Passes of a model over token ids that mean nothing: the time depends on their number alone.
#pragma once

#include <cstddef>
#include <vector>

#include "pare/run.h"

namespace pare::bench {

/// Longest sequence up to `length` that the runner takes.
std::size_t fitting(const Runner& runner, std::size_t length);
/// The same for a context that `steps` tokens are to follow; at least 1.
std::size_t fitting_context(const Runner& runner, std::size_t context, std::size_t steps);

/// Seconds of a pass over sequences x length tokens, up to what the first token can be predicted from: the logits at
/// the last tokens of a decoder-only model, an encoder's hidden states, and what a decoder keeps of them.
double time_prefill(const Runner& runner, std::size_t sequences, std::size_t length, const Context& context);

/// Seconds of each of `steps` single tokens after `before` others; none for an encoder.
std::vector<double> time_decode(const Runner& runner, std::size_t before, std::size_t steps, const Context& context);

}  // namespace pare::bench
