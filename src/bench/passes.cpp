#include "bench/passes.h"

#include <algorithm>
#include <chrono>

namespace pare::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// Ids are below this, because the vocabularies of an encoder and its decoder may differ.
constexpr std::size_t kIds = 500;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

TokenBatch batch_of(const Runner& runner, std::size_t sequences, std::size_t length, std::size_t seed) {
  TokenBatch batch;
  std::vector<TokenId> ids(length);
  const std::size_t vocabulary = std::min(runner.vocabulary(), kIds);
  for (std::size_t s = 0; s < sequences; ++s) {
    for (std::size_t i = 0; i < length; ++i)
      ids[i] = static_cast<TokenId>(((seed + s) * 1'000'003 + i * 7919) % vocabulary);
    batch.add(ids);
  }
  return batch;
}

Matrix last_rows(const Matrix& hidden, const TokenBatch& batch) {
  Matrix last(batch.sequences(), hidden.columns);
  for (std::size_t s = 0; s < last.rows; ++s)
    std::copy_n(hidden.row(batch.begin(s) + batch.length(s) - 1), hidden.columns, last.row(s));
  return last;
}

}  // namespace

std::size_t fitting(const Runner& runner, std::size_t length) { return std::min(length, runner.positions()); }

std::size_t fitting_context(const Runner& runner, std::size_t context, std::size_t steps) {
  const std::size_t positions = runner.positions();
  return std::max<std::size_t>(1, std::min(context, positions - std::min(steps, positions - 1)));
}

double time_prefill(const Runner& runner, std::size_t sequences, std::size_t length, const Context& context) {
  const TokenBatch batch = batch_of(runner, sequences, length, 1);
  const auto begin = Clock::now();
  if (const auto* pair = dynamic_cast<const EncoderDecoderRunner*>(&runner)) {
    const auto state = pair->start(batch, context);
    return seconds_since(begin);
  }
  const Matrix hidden = runner.hidden_states(batch, context);
  if (dynamic_cast<const CausalRunner*>(&runner) != nullptr) runner.logits(last_rows(hidden, batch), context);
  return seconds_since(begin);
}

std::vector<double> time_decode(const Runner& runner, std::size_t before, std::size_t steps, const Context& context) {
  const auto* causal = dynamic_cast<const CausalRunner*>(&runner);
  const auto* pair = dynamic_cast<const EncoderDecoderRunner*>(&runner);
  std::vector<double> seconds;
  if ((causal == nullptr && pair == nullptr) || steps == 0) return seconds;
  const TokenBatch first = batch_of(runner, 1, before, 2);
  const auto state = causal != nullptr ? causal->start(1) : pair->start(first, context);
  if (causal != nullptr) causal->hidden_states(first, *state, context);
  for (std::size_t i = 0; i < steps && state->length(0) < runner.positions(); ++i) {
    const TokenBatch next = batch_of(runner, 1, 1, 3 + i);
    const auto begin = Clock::now();
    runner.logits(
        causal != nullptr ? causal->hidden_states(next, *state, context) : pair->decode(next, *state, context),
        context);
    seconds.push_back(seconds_since(begin));
  }
  return seconds;
}

}  // namespace pare::bench
