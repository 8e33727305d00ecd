#include "eval/windows.h"

#include <fmt/format.h>

#include <algorithm>

#include "pare/error.h"

namespace pare::eval {
namespace {

constexpr std::size_t kContextWithoutLimit = 1024;

}  // namespace

std::vector<Window> sliding_windows(std::size_t tokens, std::size_t context, std::size_t stride) {
  std::vector<Window> windows;
  std::size_t scored = 1;  // nothing predicts the first token
  for (std::size_t begin = 0; scored < tokens; begin += stride) {
    const std::size_t end = std::min(begin + context, tokens);
    if (const std::size_t first = std::max(scored, begin + 1); first < end) windows.push_back({begin, end, first});
    scored = end;
  }
  return windows;
}

std::size_t context_of(const Subject& subject, const EvalOptions& options) {
  const std::size_t positions = subject.runner->positions();
  if (options.context > positions)
    throw Error(ErrorCode::kArgument, subject.model->source,
                fmt::format("has {} positions, fewer than the context of {}", positions, options.context));
  if (options.context == 1) throw Error(ErrorCode::kArgument, "a context of 1 token predicts nothing");
  return options.context != 0 ? options.context : std::min(positions, kContextWithoutLimit);
}

std::size_t stride_of(const EvalOptions& options, std::size_t context) {
  if (options.stride > context)
    throw Error(
        ErrorCode::kArgument,
        fmt::format("a stride of {} is longer than the context of {} and would skip tokens", options.stride, context));
  return options.stride != 0 ? options.stride : std::max<std::size_t>(1, context / 2);
}

std::size_t end_of_batch(const std::vector<Window>& windows, std::size_t begin) {
  std::size_t tokens = 0;
  do {
    tokens += windows[begin].end - 1 - windows[begin].begin;
  } while (++begin < windows.size() && tokens < kBatchTokens);
  return begin;
}

WindowBatch take_windows(std::span<const TokenId> tokens, const std::vector<Window>& windows, std::size_t& next) {
  WindowBatch batch;
  for (const std::size_t end = end_of_batch(windows, next); next < end; ++next) {
    const Window& window = windows[next];
    const std::size_t row = batch.tokens.tokens();
    // The last token is predicted and predicts nothing.
    batch.tokens.add(tokens.subspan(window.begin, window.end - 1 - window.begin));
    for (std::size_t at = window.first; at < window.end; ++at)
      batch.predictions.push_back({row + (at - window.begin) - 1, tokens[at]});
  }
  return batch;
}

}  // namespace pare::eval
