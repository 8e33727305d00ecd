// Text to text: what an encoder-decoder writes against what it should, by exact match and BLEU.
#include <utility>

#include "base/text_data.h"
#include "eval/batch_share.h"
#include "eval/bleu.h"
#include "eval/mean.h"
#include "eval/subject.h"
#include "pare/error.h"
#include "run/generation/generation_settings.h"

namespace pare::eval {

namespace {

struct SourceBatch {
  TokenBatch tokens;
  std::vector<std::string> targets;
};

/// What is written for each source of each batch: the number of tokens, and the tokens.
std::vector<std::vector<double>> write_targets(const Subject& subject, const std::vector<SourceBatch>& batches,
                                               std::size_t rows, const EvalOptions& options) {
  const TokenId end = subject.end_token();
  const Course course(subject.context, rows);
  BatchShare share(subject.context);
  std::size_t done = 0;
  for (const SourceBatch& batch : batches) {
    done += batch.targets.size();
    if (!share.takes_next()) continue;
    std::vector<double> numbers;
    for (const std::vector<TokenId>& written :
         generate(subject.encoder_decoder(), batch.tokens, end, options.generation, subject.context)) {
      numbers.push_back(static_cast<double>(written.size()));
      numbers.insert(numbers.end(), written.begin(), written.end());
    }
    share.add(std::move(numbers));
    course.tell(done);
  }
  return share.all();
}

Evaluation score_sources(const Subject& subject, const std::vector<SourceBatch>& batches, std::size_t rows,
                         const EvalOptions& options) {
  const std::vector<std::vector<double>> written = write_targets(subject, batches, rows, options);
  Mean exact;
  Bleu bleu;
  Evaluation result;
  for (std::size_t batch = 0; batch < batches.size(); ++batch) {
    const double* next = written[batch].data();
    for (const std::string& target : batches[batch].targets) {
      const auto tokens = static_cast<std::size_t>(*next++);
      // As in transformers, the output begins with the start token, which is left out if it is a special one.
      std::vector<TokenId> output{subject.encoder_decoder().decoder_start()};
      for (std::size_t i = 0; i < tokens; ++i) output.push_back(static_cast<TokenId>(*next++));
      const std::string text = subject.tokenizer->decode(output, true);
      const std::string_view ours = base::stripped(text), theirs = base::stripped(target);
      exact.add(ours == theirs ? 1 : 0);
      bleu.add(ours, theirs);
      result.tokens += tokens;
    }
  }
  result.items = rows;
  result.scores = {mean_score("exact_match", exact), {"bleu", bleu.score()}};
  return result;
}

}  // namespace

Scoring prepare_text_to_text(const Subject& subject, const EvalOptions& options) {
  const base::TsvFile table(options.data, {options.source_column, options.target_column}, options.limit);
  run::require_plain_generation(*subject.model, subject.end_token());
  const std::string prefix = options.prefix.value_or("");
  // Every beam has its own KV cache.
  const std::size_t batch_tokens = kBatchTokens / options.generation.beams;
  std::vector<SourceBatch> batches;
  for (std::size_t next = 0; next < table.rows();) {
    SourceBatch& batch = batches.emplace_back();
    while (next < table.rows() && (batch.tokens.tokens() == 0 || batch.tokens.tokens() < batch_tokens)) {
      batch.tokens.add(subject.tokenizer->encode(prefix + std::string(table.cell(next, 0)), true));
      batch.targets.emplace_back(table.cell(next++, 1));
    }
  }
  return [batches = std::move(batches), rows = table.rows(), &options](const Subject& scored) {
    return score_sources(scored, batches, rows, options);
  };
}

}  // namespace pare::eval
