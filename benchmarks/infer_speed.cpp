// infer_speed MODEL THREADS [TEXT]: runs each line of its input once and prints the seconds that it took as JSON.
// Lines: "hidden SEQUENCES LENGTH", last hidden states (an encoder-decoder's: of its encoder);
//        "logits SEQUENCES LENGTH", logits at every token (an encoder-decoder's: source and target of that length);
//        "decode CONTEXT STEPS", single tokens that follow CONTEXT others, with logits; the context is not timed.
//        "tokenize TIMES 0", the ids of the whole TEXT, TIMES times.
// It waits between lines, so that benchmarks/inference.py can alternate with its peer.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "pare/error.h"
#include "pare/run.h"
#include "pare/tokenizer.h"

namespace {

using pare::CausalRunner;
using pare::Context;
using pare::EncoderDecoderRunner;
using pare::Matrix;
using pare::Runner;
using pare::TokenBatch;
using pare::TokenId;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

TokenBatch batch_of(const Runner& runner, std::size_t sequences, std::size_t length) {
  TokenBatch batch;
  for (std::size_t s = 0; s < sequences; ++s) {
    std::vector<TokenId> ids;
    for (std::size_t i = 0; i < length; ++i)
      ids.push_back(static_cast<TokenId>((s * length + i) * 7919 % runner.vocabulary()));
    batch.add(ids);
  }
  return batch;
}

double time_hidden(const Runner& runner, std::size_t sequences, std::size_t length, const Context& context) {
  const TokenBatch batch = batch_of(runner, sequences, length);
  const auto begin = Clock::now();
  const Matrix hidden = runner.hidden_states(batch, context);
  return seconds_since(begin);
}

double time_logits(const Runner& runner, std::size_t sequences, std::size_t length, const Context& context) {
  const TokenBatch batch = batch_of(runner, sequences, length);
  const auto begin = Clock::now();
  const auto* pair = dynamic_cast<const EncoderDecoderRunner*>(&runner);
  const Matrix logits = runner.logits(pair != nullptr ? pair->decode(batch, *pair->start(batch, context), context)
                                                      : runner.hidden_states(batch, context),
                                      context);
  return seconds_since(begin);
}

double time_decode(const Runner& runner, std::size_t length, std::size_t steps, const Context& context) {
  const TokenBatch before = batch_of(runner, 1, length);
  const auto* pair = dynamic_cast<const EncoderDecoderRunner*>(&runner);
  const auto* causal = dynamic_cast<const CausalRunner*>(&runner);
  if (pair == nullptr && causal == nullptr) throw pare::Error(pare::ErrorCode::kArgument, "this model has no decoder");
  const auto state = pair != nullptr ? pair->start(before, context) : causal->start(1);
  if (causal != nullptr) causal->hidden_states(before, *state, context);
  const auto begin = Clock::now();
  pare::keep_awake(context, [&] {
    for (std::size_t i = 0; i < steps; ++i) {
      const TokenBatch next = batch_of(runner, 1, 1);
      runner.logits(
          pair != nullptr ? pair->decode(next, *state, context) : causal->hidden_states(next, *state, context),
          context);
    }
  });
  return seconds_since(begin);
}

double time_tokenizer(const std::string& model, const std::string& text, std::size_t times) {
  const auto tokenizer = pare::Tokenizer::open(model);
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < times; ++i) tokenizer->encode(text, true);
  return seconds_since(begin);
}

double time_task(const Runner& runner, const std::string& task, std::size_t first, std::size_t second,
                 const Context& context) {
  if (task == "hidden") return time_hidden(runner, first, second, context);
  if (task == "logits") return time_logits(runner, first, second, context);
  if (task == "decode") return time_decode(runner, first, second, context);
  throw pare::Error(pare::ErrorCode::kArgument, "no such task: " + task);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3 && argc != 4) throw pare::Error(pare::ErrorCode::kArgument, "usage: infer_speed MODEL THREADS [TEXT]");
  const pare::Model model = pare::open_model(argv[1]);
  const Context context(static_cast<unsigned>(std::atoi(argv[2])));
  const auto runner = pare::open_runner(model, {}, context);
  std::string task, text;
  if (argc == 4) text.assign(std::istreambuf_iterator<char>(std::ifstream(argv[3]).rdbuf()), {});
  std::size_t first = 0, second = 0;
  while (std::cin >> task >> first >> second) {
    const double seconds =
        task == "tokenize" ? time_tokenizer(argv[1], text, first) : time_task(*runner, task, first, second, context);
    std::printf("{\"seconds\": %.6f}\n", seconds);
    std::fflush(stdout);
  }
} catch (const std::exception& failure) {
  std::fprintf(stderr, "infer_speed: %s\n", failure.what());
  return 1;
}
