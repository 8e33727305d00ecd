// Text to text: what an encoder-decoder writes against what it should, by exact match and BLEU.
#include "base/text_data.h"
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

Evaluation score_sources(const Subject& subject, const std::vector<SourceBatch>& batches, std::size_t rows,
                         const EvalOptions& options) {
  const TokenId end = subject.end_token();
  const Course course(subject.context, rows);
  Mean exact;
  Bleu bleu;
  Evaluation result;
  for (const SourceBatch& batch : batches) {
    const auto written = generate(subject.encoder_decoder(), batch.tokens, end, options.generation, subject.context);
    for (std::size_t i = 0; i < written.size(); ++i) {
      // As in transformers, the output begins with the start token, which is left out if it is a special one.
      std::vector<TokenId> output{subject.encoder_decoder().decoder_start()};
      output.insert(output.end(), written[i].begin(), written[i].end());
      const std::string text = subject.tokenizer->decode(output, true);
      const std::string_view ours = base::stripped(text), theirs = base::stripped(batch.targets[i]);
      exact.add(ours == theirs ? 1 : 0);
      bleu.add(ours, theirs);
      result.tokens += written[i].size();
    }
    course.tell(exact.count());
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
