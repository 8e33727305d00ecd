// Classification of a GLUE-style table: by a classification head, or by T5 in words (Raffel et al. 2020).
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/json.h"
#include "eval/statistics.h"
#include "eval/subject.h"
#include "eval/text_data.h"
#include "pare/error.h"

namespace pare::eval {
namespace {

enum Column : std::size_t { kText, kPair, kLabel };

/// config.json's names of the labels, by index; empty where it has none.
std::vector<std::string> label_names(const Model& model, std::size_t labels) {
  std::vector<std::string> names(labels);
  if (model.config.empty()) return {};
  const base::JsonDocument config(model.config, model.source + "/config.json");
  const auto entries = config.root().find("id2label");
  if (!entries || !entries->is_object()) return {};
  entries->for_members([&](std::string_view key, const base::JsonValue& name) {
    std::size_t id = 0;
    const auto [end, failure] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (failure == std::errc() && id < labels && name.is_text()) names[id] = name.text();
  });
  return names;
}

/// The label of a row: an index below `count`, or one of `names`. Throws Error naming the line.
std::size_t label_of(const TsvFile& table, std::size_t row, const std::vector<std::string>& names, std::size_t count) {
  const std::string_view text = table.cell(row, kLabel);
  std::size_t label = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), label);
  if (failure == std::errc() && end == text.data() + text.size()) {
    if (label < count) return label;
    table.fail(row, fmt::format("the label {} is outside the model's {} labels", label, count));
  }
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end() || text.empty())
    table.fail(row, fmt::format("'{}' is not a label of the model ({})", text, fmt::join(names, ", ")));
  return static_cast<std::size_t>(found - names.begin());
}

/// Counts of label (row) against prediction (column); the last column counts predictions that are not labels.
class Confusion {
 public:
  explicit Confusion(std::size_t labels) : labels_(labels), counts_(labels * (labels + 1)) {}
  void add(std::size_t label, std::size_t predicted) {
    ++counts_[label * (labels_ + 1) + std::min(predicted, labels_)];
    right_.add(label == predicted ? 1 : 0);
  }
  std::vector<Score> scores() const {
    std::vector<Score> scores{mean_score("accuracy", right_)};
    if (labels_ != 2) return scores;
    // An answer that is not a label counts as the wrong one, as in T5's own evaluation (its f1_score_with_invalid).
    const double tn = at(0, 0), fp = at(0, 1) + at(0, 2), fn = at(1, 0) + at(1, 2), tp = at(1, 1);
    const double f1 = 2 * tp + fp + fn, all = std::sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn));
    scores.push_back({"f1", f1 == 0 ? 0 : 2 * tp / f1});
    scores.push_back({"matthews", all == 0 ? 0 : (tp * tn - fp * fn) / all});
    return scores;
  }

 private:
  double at(std::size_t label, std::size_t predicted) const {
    return static_cast<double>(counts_[label * (labels_ + 1) + predicted]);
  }
  std::size_t labels_;
  std::vector<std::uint64_t> counts_;
  Mean right_;
};

/// [CLS] text [SEP], or [CLS] text [SEP] pair [SEP] with its token types, cut to the model's positions as transformers'
/// truncation "longest_first" does.
void add_encoded(TokenBatch& batch, const Subject& subject, std::string_view text, std::string_view pair) {
  const SpecialTokens& special = subject.tokenizer->special();
  std::vector<TokenId> first = subject.tokenizer->encode(text, false);
  std::vector<TokenId> second = pair.empty() ? std::vector<TokenId>() : subject.tokenizer->encode(pair, false);
  const std::size_t room = subject.runner->positions() - (pair.empty() ? 2 : 3);
  if (first.size() + second.size() > room) {
    const std::size_t shorter = std::min({first.size(), second.size(), room / 2});
    std::vector<TokenId>& longer = first.size() > second.size() ? first : second;
    std::vector<TokenId>& other = first.size() > second.size() ? second : first;
    other.resize(shorter);
    longer.resize(room - shorter);
  }
  const TokenId cls = subject.need(special.cls, "class"), sep = subject.need(special.sep, "separator");
  std::vector<TokenId> tokens{cls};
  tokens.insert(tokens.end(), first.begin(), first.end());
  tokens.push_back(sep);
  std::vector<TokenId> types(tokens.size(), 0);
  if (!pair.empty()) {
    tokens.insert(tokens.end(), second.begin(), second.end());
    tokens.push_back(sep);
    types.resize(tokens.size(), 1);
  }
  batch.add(tokens, types);
}

Evaluation by_head(const Subject& subject, const TsvFile& table, const EvalOptions& options) {
  const EncoderRunner& runner = subject.encoder();
  const std::vector<std::string> names = label_names(*subject.model, runner.labels());
  if (subject.runner->positions() < 4) throw Error(subject.model->source, "has too few positions to classify");
  Confusion confusion(runner.labels());
  const Course course(options, table.rows());
  Evaluation result;
  for (std::size_t next = 0; next < table.rows(); course.tell(next)) {
    TokenBatch batch;
    std::vector<std::size_t> labels;
    for (; next < table.rows() && batch.tokens() < kBatchTokens; ++next) {
      labels.push_back(label_of(table, next, names, runner.labels()));
      add_encoded(batch, subject, table.cell(next, kText), table.cell(next, kPair));
    }
    const Matrix logits = runner.classify(batch);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const float* row = logits.row(i);
      confusion.add(labels[i], static_cast<std::size_t>(std::max_element(row, row + logits.columns) - row));
    }
    result.tokens += batch.tokens();
  }
  result.scores = confusion.scores();
  return result;
}

Evaluation by_words(const Subject& subject, const TsvFile& table, const EvalOptions& options) {
  const EncoderDecoderRunner& runner = subject.encoder_decoder();
  const std::string prefix = options.prefix.value_or("sst2 sentence: ");
  const TokenId end = subject.end_token();
  const std::vector<std::string>& words = options.label_words;
  GenerateOptions generation;
  generation.max_new_tokens = 16;
  Confusion confusion(words.size());
  const Course course(options, table.rows());
  Evaluation result;
  for (std::size_t next = 0; next < table.rows(); course.tell(next)) {
    TokenBatch batch;
    std::vector<std::size_t> labels;
    for (; next < table.rows() && batch.tokens() < kBatchTokens; ++next) {
      labels.push_back(label_of(table, next, words, words.size()));
      std::string source = prefix + std::string(table.cell(next, kText));
      if (!options.pair_column.empty()) source += options.pair_prefix + std::string(table.cell(next, kPair));
      batch.add(subject.tokenizer->encode(source, true));
    }
    const auto written = generate(runner, batch, end, generation);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const std::string text = subject.tokenizer->decode(written[i], true);
      const auto word = std::find(words.begin(), words.end(), stripped(text));
      confusion.add(labels[i], static_cast<std::size_t>(word - words.begin()));
    }
    result.tokens += batch.tokens();
  }
  result.scores = confusion.scores();
  return result;
}

}  // namespace

Evaluation classify(const Subject& subject, const EvalOptions& options) {
  const TsvFile table(options.data, {options.text_column, options.pair_column, options.label_column}, options.limit);
  const bool head = dynamic_cast<const EncoderRunner*>(subject.runner.get()) != nullptr;
  Evaluation result = head ? by_head(subject, table, options) : by_words(subject, table, options);
  result.items = table.rows();
  return result;
}

}  // namespace pare::eval
