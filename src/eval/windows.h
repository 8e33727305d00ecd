// A long text in windows that a model can see.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "eval/batch_share.h"
#include "eval/subject.h"
#include "eval/token_scores.h"

namespace pare::eval {

/// Tokens [first, end) are to be predicted by those from `begin` on; begin < first < end.
struct Window {
  std::size_t begin, end, first;
};

/// The windows of Hugging Face's "Perplexity of fixed-length models": every token but the first is predicted once
/// (with stride = context, where windows share nothing, the first of each is not).
std::vector<Window> sliding_windows(std::size_t tokens, std::size_t context, std::size_t stride);

/// The context that `options` asks for. Throws Error where the model has fewer positions.
std::size_t context_of(const Subject& subject, const EvalOptions& options);
/// The stride, likewise; at most the context.
std::size_t stride_of(const EvalOptions& options, std::size_t context);

/// Windows that go through the model together, and what is to be predicted in each.
struct WindowBatch {
  TokenBatch tokens;
  std::vector<Prediction> predictions;
};

/// The batch of windows from `next` on, which is moved behind them.
WindowBatch take_windows(std::span<const TokenId> tokens, const std::vector<Window>& windows, std::size_t& next);

/// The window behind those that take_windows() takes from `begin` on.
std::size_t end_of_batch(const std::vector<Window>& windows, std::size_t begin);

/// Adds the log-probabilities of what the windows predict to `share`, a list for each batch; `done(next)` is told how
/// many windows are through. `number` is that of the first batch, and then that of the batch after the last.
template <class Done>
void score_windows(const Subject& subject, std::size_t& number, std::span<const TokenId> tokens,
                   const std::vector<Window>& windows, BatchShare& share, const Done& done) {
  for (std::size_t next = 0; next < windows.size(); done(next), ++number) {
    if (!share.takes_next()) {
      next = end_of_batch(windows, next);
      continue;
    }
    const WindowBatch batch = take_windows(tokens, windows, next);
    std::vector<double> logs;
    for (const TokenScore& score :
         score_tokens(*subject.runner, subject.hidden_states(number, batch.tokens), batch.predictions, subject.context))
      logs.push_back(score.log_probability);
    share.add(std::move(logs));
  }
}

}  // namespace pare::eval
