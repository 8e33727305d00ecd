// Text to text: what an encoder-decoder writes against what it should, by exact match and BLEU.
#include "eval/bleu.h"
#include "eval/statistics.h"
#include "eval/subject.h"
#include "eval/text_data.h"
#include "pare/error.h"

namespace pare::eval {

Evaluation text_to_text(const Subject& subject, const EvalOptions& options) {
  const TsvFile table(options.data, {options.source_column, options.target_column}, options.limit);
  const std::string prefix = options.prefix.value_or("");
  const TokenId end = subject.end_token();
  GenerateOptions generation = options.generation;
  generation.threads = options.threads;
  // Every beam has a memory of its own.
  const std::size_t batch_tokens = kBatchTokens / generation.beams;
  const Course course(options, table.rows());
  Mean exact;
  Bleu bleu;
  Evaluation result;
  for (std::size_t next = 0; next < table.rows(); course.tell(next)) {
    TokenBatch batch;
    const std::size_t first = next;
    while (next < table.rows() && (batch.tokens() == 0 || batch.tokens() < batch_tokens))
      batch.add(subject.tokenizer->encode(prefix + std::string(table.cell(next++, 0)), true));
    const auto written = generate(subject.encoder_decoder(), batch, end, generation);
    for (std::size_t i = 0; i < written.size(); ++i) {
      const std::string text = subject.tokenizer->decode(written[i], true);
      const std::string_view ours = stripped(text), theirs = stripped(table.cell(first + i, 1));
      exact.add(ours == theirs ? 1 : 0);
      bleu.add(ours, theirs);
      result.tokens += written[i].size();
    }
  }
  result.items = table.rows();
  result.scores = {mean_score("exact_match", exact), {"bleu", bleu.score()}};
  return result;
}

}  // namespace pare::eval
