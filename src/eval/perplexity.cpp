// Perplexity of a decoder-only model on one text, by sliding windows.
#include <fmt/format.h>

#include <cmath>

#include "eval/statistics.h"
#include "eval/text_data.h"
#include "eval/windows.h"
#include "pare/error.h"

namespace pare::eval {
namespace {

std::vector<TokenId> tokens_of(const Subject& subject, const std::string& text, const EvalOptions& options) {
  std::vector<TokenId> tokens = subject.tokenizer->encode(text, false);
  if (tokens.size() < 2) throw Error(options.data, "is too short: a perplexity needs two tokens at least");
  return tokens;
}

}  // namespace

Evaluation perplexity(const Subject& subject, const EvalOptions& options) {
  const std::string text = read_text(options.data);
  const std::vector<TokenId> tokens = tokens_of(subject, text, options);
  const std::size_t context = context_of(subject, options), stride = stride_of(options, context);
  std::vector<Window> windows = sliding_windows(tokens.size(), context, stride);
  const bool whole = options.limit == 0 || options.limit >= windows.size();
  if (!whole) windows.resize(options.limit);
  const Course course(options, windows.size());
  Mean loss;
  for (const TokenScore& score :
       score_windows(*subject.runner, tokens, windows, options.threads, [&](std::size_t done) { course.tell(done); }))
    loss.add(-score.log_probability);
  Evaluation result;
  result.items = windows.size();
  result.tokens = loss.count();
  result.scores = {perplexity_score("token_perplexity", loss)};
  if (whole) {
    const auto words = static_cast<double>(count_words(text)), bytes = static_cast<double>(text.size());
    result.scores.push_back({"word_perplexity", std::exp(loss.sum() / words)});
    result.scores.push_back({"byte_perplexity", std::exp(loss.sum() / bytes)});
    result.scores.push_back({"bits_per_byte", loss.sum() / bytes / std::log(2.0)});
  }
  if (tokens.size() < context)
    result.notes.push_back(
        fmt::format("The text has {} tokens, fewer than the context of {}: one window.", tokens.size(), context));
  return result;
}

}  // namespace pare::eval
