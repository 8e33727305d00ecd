#include "eval/subject.h"

#include <fmt/format.h>

#include "pare/error.h"

namespace pare::eval {

Matrix Subject::hidden_states(std::size_t batch, const TokenBatch& tokens) const {
  if (kept == nullptr || shared_layers == 0) return runner->hidden_states(tokens, context);
  return kept->hidden_states(*runner, batch, tokens, shared_layers, context);
}

TokenId Subject::need(std::optional<std::int32_t> id, const char* what) const {
  if (!id)
    throw Error(ErrorCode::kUnsupported, model->checkpoint.directory(),
                fmt::format("the tokenizer has no {} token", what));
  return *id;
}

namespace {

/// A tokenizer that has more tokens than the model has rows, usually by a padding token that was added and never
/// trained. Only a text that contains such a token cannot be scored.
class BoundedTokenizer final : public Tokenizer {
 public:
  BoundedTokenizer(std::shared_ptr<const Tokenizer> tokenizer, std::size_t rows, std::filesystem::path directory)
      : tokenizer_(std::move(tokenizer)), rows_(rows), directory_(std::move(directory)) {
    special_ = tokenizer_->special();
  }

  std::vector<std::int32_t> encode(std::string_view text, bool add_special_tokens) const override {
    std::vector<std::int32_t> ids = tokenizer_->encode(text, add_special_tokens);
    for (const std::int32_t id : ids)
      if (static_cast<std::size_t>(id) >= rows_)
        throw Error(ErrorCode::kMismatch, directory_,
                    fmt::format("a text has the token '{}', for which the model has no row (expected an id below {}, "
                                "found {})",
                                tokenizer_->decode(std::span(&id, 1), false), rows_, id));
    return ids;
  }
  std::string decode(std::span<const std::int32_t> ids, bool skip_special_tokens) const override {
    return tokenizer_->decode(ids, skip_special_tokens);
  }
  std::size_t size() const noexcept override { return tokenizer_->size(); }

 private:
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::size_t rows_;
  std::filesystem::path directory_;
};

}  // namespace

TokenId Subject::end_token() const {
  const SpecialTokens& special = tokenizer->special();
  return need(special.eos ? special.eos : special.sep, "end");  // BERT-to-BERT ends with [SEP]
}

Subject open_subject(const Model& model, KernelChoice kernels, const Context& context) {
  Subject subject;
  subject.model = std::make_shared<const Model>(model);
  subject.runner = open_runner(model, {kernels}, context);
  subject.tokenizer = Tokenizer::open(model);
  subject.context = context;
  if (subject.tokenizer->size() > subject.runner->vocabulary())
    subject.tokenizer = std::make_shared<const BoundedTokenizer>(
        std::move(subject.tokenizer), subject.runner->vocabulary(), model.checkpoint.directory());
  return subject;
}

}  // namespace pare::eval
