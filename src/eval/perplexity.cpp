// Perplexity of a decoder-only model on one text, by sliding windows.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "base/hash.h"
#include "base/text_data.h"
#include "eval/mean.h"
#include "eval/windows.h"
#include "pare/error.h"

namespace pare::eval {
namespace {

constexpr std::size_t kSparseGptContext = 2048;

std::vector<TokenId> tokens_of(const Subject& subject, const std::string& text, const EvalOptions& options) {
  std::vector<TokenId> tokens = subject.tokenizer->encode(text, false);
  if (tokens.size() < 2)
    throw Error(ErrorCode::kUnsupported, options.data, "is too short: a perplexity needs two tokens at least");
  return tokens;
}

/// "\n\n".join of the lines of a WikiText file as the dataset has them: with their ends, and empty where they hold only
/// white space.
std::string joined_lines(std::string_view text) {
  std::string joined;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (begin != 0) joined += "\n\n";
    if (!base::stripped(line).empty()) joined.append(line).append(end < text.size() ? "\n" : "");
    begin = end + 1;
  }
  return joined;
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
  BatchShare share(subject.context);
  score_windows(subject, batches, text.tokens, text.windows, share, [&](std::size_t done) { course.tell(done); });
  for (const std::vector<double>& logs : share.all())
    for (const double log : logs) loss.add(-log);
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

/// Perplexity as in the code of SparseGPT (Frantar and Alistarh 2023) and Wanda: the mean over disjoint windows of the
/// mean over their tokens but the first. What is left at the end of the text is not scored.
Scoring prepare_sparsegpt(const Subject& subject, const EvalOptions& options) {
  const std::string text = base::read_text(options.data);
  const std::vector<TokenId> tokens = subject.tokenizer->encode(joined_lines(text), true);
  EvalOptions own = options;
  if (options.context == 0) own.context = std::min(kSparseGptContext, subject.runner->positions());
  const std::size_t context = context_of(subject, own);
  if (options.stride != 0 && options.stride != context)
    throw Error(ErrorCode::kArgument, "the protocol sparsegpt has disjoint windows: a stride cannot be chosen");
  std::vector<Window> windows = sliding_windows(tokens.size() / context * context, context, context);
  if (windows.empty())
    throw Error(ErrorCode::kUnsupported, options.data,
                fmt::format("has {} tokens, fewer than a window of {}", tokens.size(), context));
  if (options.limit != 0 && options.limit < windows.size()) windows.resize(options.limit);
  base::Hash128 hash;
  hash.add(std::as_bytes(std::span(text)));
  const bool bos = tokens.front() == subject.tokenizer->special().bos;
  const std::string note =
      fmt::format("Protocol sparsegpt: {} windows of {} tokens, {}; the data has the xxh3_128 {}.", windows.size(),
                  context, bos ? "the first with a BOS token" : "without a BOS token", hash.hex());
  return [prepared = PreparedText{tokens, windows, false, context, 0, 0}, note](const Subject& scored) {
    Evaluation result = score_text(scored, prepared);
    result.notes.push_back(note);
    return result;
  };
}

}  // namespace

Scoring prepare_perplexity(const Subject& subject, const EvalOptions& options) {
  if (options.protocol == Protocol::kSparseGpt) return prepare_sparsegpt(subject, options);
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
