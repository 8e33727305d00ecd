// Classification of a GLUE-style table: by a classification head, or by T5 in words (Raffel et al. 2020).
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/json.h"
#include "base/text_data.h"
#include "eval/batch_share.h"
#include "eval/mean.h"
#include "eval/subject.h"
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
std::size_t label_of(const base::TsvFile& table, std::size_t row, const std::vector<std::string>& names,
                     std::size_t count) {
  const std::string_view text = table.cell(row, kLabel);
  std::size_t label = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), label);
  if (failure == std::errc() && end == text.data() + text.size()) {
    if (label < count) return label;
    table.fail(row, fmt::format("the label {} is outside the model's {} labels", label, count), ErrorCode::kMismatch);
  }
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end() || text.empty())
    table.fail(row, fmt::format("'{}' is not a label of the model ({})", text, fmt::join(names, ", ")),
               ErrorCode::kMismatch);
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

struct LabeledBatch {
  TokenBatch tokens;
  std::vector<std::size_t> labels;
};

/// Batches of rows: `label(row)` is a row's label, `add(batch, row)` encodes it.
template <class Label, class Add>
std::vector<LabeledBatch> batches_of(const base::TsvFile& table, const Label& label, const Add& add) {
  std::vector<LabeledBatch> batches;
  for (std::size_t next = 0; next < table.rows();) {
    LabeledBatch& batch = batches.emplace_back();
    for (; next < table.rows() && batch.tokens.tokens() < kBatchTokens; ++next) {
      batch.labels.push_back(label(next));
      add(batch.tokens, next);
    }
  }
  return batches;
}

/// `predict(tokens)` returns the label predicted for each sequence; any number too large stands for no label.
template <class Predict>
Evaluation score_batches(const std::vector<LabeledBatch>& batches, std::size_t rows, std::size_t labels,
                         const Predict& predict, const Context& context) {
  Confusion confusion(labels);
  const Course course(context, rows);
  Evaluation result;
  BatchShare share(context);
  for (const LabeledBatch& batch : batches) {
    result.tokens += batch.tokens.tokens();
    result.items += batch.labels.size();
    if (!share.takes_next()) continue;
    std::vector<double> numbers;
    for (const std::size_t label : predict(batch.tokens))
      numbers.push_back(static_cast<double>(std::min(label, labels)));
    share.add(std::move(numbers));
    course.tell(result.items);
  }
  const std::vector<std::vector<double>> predicted = share.all();
  for (std::size_t batch = 0; batch < batches.size(); ++batch)
    for (std::size_t i = 0; i < batches[batch].labels.size(); ++i)
      confusion.add(batches[batch].labels[i], static_cast<std::size_t>(predicted[batch][i]));
  result.scores = confusion.scores();
  return result;
}

Scoring by_head(const Subject& subject, const base::TsvFile& table) {
  const std::size_t labels = subject.encoder().labels();
  const std::vector<std::string> names = label_names(*subject.model, labels);
  if (subject.runner->positions() < 4)
    throw Error(ErrorCode::kUnsupported, subject.model->source, "has too few positions to classify");
  std::vector<LabeledBatch> batches = batches_of(
      table, [&](std::size_t row) { return label_of(table, row, names, labels); },
      [&](TokenBatch& batch, std::size_t row) {
        add_encoded(batch, subject, table.cell(row, kText), table.cell(row, kPair));
      });
  return [batches = std::move(batches), rows = table.rows(), labels](const Subject& scored) {
    const auto predict = [&](const TokenBatch& batch) {
      const Matrix logits = scored.encoder().classify(batch, scored.context);
      std::vector<std::size_t> predicted;
      for (std::size_t i = 0; i < logits.rows; ++i) {
        const float* row = logits.row(i);
        predicted.push_back(static_cast<std::size_t>(std::max_element(row, row + logits.columns) - row));
      }
      return predicted;
    };
    return score_batches(batches, rows, labels, predict, scored.context);
  };
}

Scoring by_words(const Subject& subject, const base::TsvFile& table, const EvalOptions& options) {
  const std::string prefix = options.prefix.value_or("sst2 sentence: ");
  const TokenId end = subject.end_token();
  const std::vector<std::string>& words = options.label_words;
  std::vector<LabeledBatch> batches = batches_of(
      table, [&](std::size_t row) { return label_of(table, row, words, words.size()); },
      [&](TokenBatch& batch, std::size_t row) {
        std::string source = prefix + std::string(table.cell(row, kText));
        if (!options.pair_column.empty()) source += options.pair_prefix + std::string(table.cell(row, kPair));
        batch.add(subject.tokenizer->encode(source, true));
      });
  return [batches = std::move(batches), rows = table.rows(), end, &options](const Subject& scored) {
    const std::vector<std::string>& labels = options.label_words;
    const auto predict = [&](const TokenBatch& batch) {
      GenerateOptions generation;
      generation.max_new_tokens = 16;
      std::vector<std::size_t> predicted;
      for (const auto& written : generate(scored.encoder_decoder(), batch, end, generation, scored.context)) {
        const std::string text = scored.tokenizer->decode(written, true);
        const auto word = std::find(labels.begin(), labels.end(), base::stripped(text));
        predicted.push_back(static_cast<std::size_t>(word - labels.begin()));
      }
      return predicted;
    };
    return score_batches(batches, rows, labels.size(), predict, scored.context);
  };
}

}  // namespace

Scoring prepare_classify(const Subject& subject, const EvalOptions& options) {
  const base::TsvFile table(options.data, {options.text_column, options.pair_column, options.label_column},
                            options.limit);
  const bool head = dynamic_cast<const EncoderRunner*>(subject.runner.get()) != nullptr;
  return head ? by_head(subject, table) : by_words(subject, table, options);
}

}  // namespace pare::eval
