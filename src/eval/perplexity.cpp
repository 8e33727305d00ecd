// Perplexity of a decoder-only model on one text, by sliding windows.
#include <fmt/format.h>

#include <cmath>

#include "base/text_data.h"
#include "eval/mean.h"
#include "eval/windows.h"
#include "pare/error.h"

namespace pare::eval {
namespace {

std::vector<TokenId> tokens_of(const Subject& subject, const std::string& text, const EvalOptions& options) {
  std::vector<TokenId> tokens = subject.tokenizer->encode(text, false);
  if (tokens.size() < 2)
    throw Error(ErrorCode::kUnsupported, options.data, "is too short: a perplexity needs two tokens at least");
  return tokens;
}

struct PreparedText {
  std::vector<TokenId> tokens;
  std::vector<Window> windows;
  bool whole;  ///< the windows cover the text
  std::size_t context;
  double words, bytes;
};

Evaluation score_text(const Subject& subject, const PreparedText& text) {
  const Course course(subject.context, text.windows.size());
  Mean loss;
  std::size_t batches = 0;
  for (const TokenScore& score :
       score_windows(subject, batches, text.tokens, text.windows, [&](std::size_t done) { course.tell(done); }))
    loss.add(-score.log_probability);
  Evaluation result;
  result.items = text.windows.size();
  result.tokens = loss.count();
  result.scores = {perplexity_score("token_perplexity", loss)};
  if (text.whole) {
    result.scores.push_back({"word_perplexity", std::exp(loss.sum() / text.words)});
    result.scores.push_back({"byte_perplexity", std::exp(loss.sum() / text.bytes)});
    result.scores.push_back({"bits_per_byte", loss.sum() / text.bytes / std::log(2.0)});
  }
  if (text.tokens.size() < text.context)
    result.notes.push_back(fmt::format("The text has {} tokens, fewer than the context of {}: one window.",
                                       text.tokens.size(), text.context));
  return result;
}

}  // namespace

Scoring prepare_perplexity(const Subject& subject, const EvalOptions& options) {
  const std::string text = base::read_text(options.data);
  const std::vector<TokenId> tokens = tokens_of(subject, text, options);
  const std::size_t context = context_of(subject, options), stride = stride_of(options, context);
  std::vector<Window> windows = sliding_windows(tokens.size(), context, stride);
  const bool whole = options.limit == 0 || options.limit >= windows.size();
  if (!whole) windows.resize(options.limit);
  const auto words = static_cast<double>(base::count_words(text)), bytes = static_cast<double>(text.size());
  return [prepared = PreparedText{tokens, windows, whole, context, words, bytes}](const Subject& scored) {
    return score_text(scored, prepared);
  };
}

}  // namespace pare::eval
