// The last word of a passage, as lm-evaluation-harness' task "lambada_openai" asks for it.
#include <algorithm>
#include <cmath>

#include "base/text_data.h"
#include "eval/batch_share.h"
#include "eval/mean.h"
#include "eval/subject.h"
#include "eval/token_scores.h"
#include "pare/error.h"

namespace pare::eval {
namespace {

struct Passage {
  std::vector<TokenId> tokens;  ///< context and last word
  std::size_t target = 0;       ///< where the last word begins
};

/// Bytes of white space that `text` ends with.
std::size_t trailing_space(std::string_view text) {
  const std::string_view kept = base::stripped(text);
  return kept.empty() ? text.size() : static_cast<std::size_t>(text.data() + text.size() - kept.data()) - kept.size();
}

Passage passage_of(const Subject& subject, const std::string& text) {
  const std::size_t space = text.rfind(' ');
  const std::string before = space == std::string::npos ? "" : text.substr(0, space);
  const std::string word = " " + text.substr(space == std::string::npos ? 0 : space + 1);
  // The harness counts white space at the end of the context to the word.
  const std::string_view context = std::string_view(before).substr(0, before.size() - trailing_space(before));
  Passage passage;
  passage.tokens = subject.tokenizer->encode(before + word, false);
  passage.target = subject.tokenizer->encode(context, false).size();
  if (passage.target != 0) return passage;
  const SpecialTokens& special = subject.tokenizer->special();
  passage.tokens.insert(passage.tokens.begin(), subject.need(special.eos ? special.eos : special.bos, "end-of-text"));
  passage.target = 1;
  return passage;
}

/// Drops tokens from the front so that all but the last fit the model's positions.
void cut_to(Passage& passage, std::size_t positions) {
  if (passage.tokens.size() - 1 <= positions) return;
  const std::size_t surplus = passage.tokens.size() - 1 - positions;
  passage.tokens.erase(passage.tokens.begin(), passage.tokens.begin() + static_cast<std::ptrdiff_t>(surplus));
  passage.target = passage.target > surplus ? passage.target - surplus : 1;
}

struct PassageBatch {
  TokenBatch tokens;
  std::vector<Prediction> predictions;
  std::vector<std::size_t> words;  ///< where each passage's predictions end
};

std::vector<PassageBatch> batches_of(const Subject& subject, const std::vector<std::string>& texts) {
  std::vector<PassageBatch> batches;
  for (std::size_t next = 0; next < texts.size();) {
    PassageBatch& batch = batches.emplace_back();
    while (next < texts.size() && batch.tokens.tokens() < kBatchTokens) {
      Passage passage = passage_of(subject, texts[next++]);
      cut_to(passage, subject.runner->positions());
      const std::size_t row = batch.tokens.tokens();
      batch.tokens.add(std::span(passage.tokens).first(passage.tokens.size() - 1));
      for (std::size_t at = passage.target; at < passage.tokens.size(); ++at)
        batch.predictions.push_back({row + at - 1, passage.tokens[at]});
      batch.words.push_back(batch.predictions.size());
    }
  }
  return batches;
}

Evaluation score_passages(const Subject& subject, const std::vector<PassageBatch>& batches, std::size_t passages) {
  const Course course(subject.context, passages);
  Mean right, loss;
  Evaluation result;
  BatchShare share(subject.context);
  std::size_t done = 0;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const PassageBatch& batch = batches[i];
    done += batch.words.size();
    result.tokens += batch.predictions.size();
    if (!share.takes_next()) continue;
    const std::vector<TokenScore> scores =
        score_tokens(*subject.runner, subject.hidden_states(i, batch.tokens), batch.predictions, subject.context);
    std::vector<double> numbers;  // of each passage: whether its word is right, and the loss
    std::size_t at = 0;
    for (const std::size_t end : batch.words) {
      double nll = 0;
      bool all = true;
      for (; at < end; ++at) {
        nll -= scores[at].log_probability;
        all = all && scores[at].best;
      }
      numbers.insert(numbers.end(), {all ? 1.0 : 0.0, nll});
    }
    share.add(std::move(numbers));
    course.tell(done);
  }
  for (const std::vector<double>& numbers : share.all())
    for (std::size_t i = 0; i < numbers.size(); i += 2) {
      right.add(numbers[i]);
      loss.add(numbers[i + 1]);
    }
  result.items = right.count();
  result.scores = {mean_score("accuracy", right), perplexity_score("perplexity", loss)};
  return result;
}

}  // namespace

Scoring prepare_lambada(const Subject& subject, const EvalOptions& options) {
  const std::vector<std::string> texts = base::read_json_texts(options.data, options.limit);
  return [batches = batches_of(subject, texts), passages = texts.size()](const Subject& scored) {
    return score_passages(scored, batches, passages);
  };
}

}  // namespace pare::eval
