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
    throw Error(ErrorCode::kMismatch, model.checkpoint.directory(),
                fmt::format("the tokenizer has {} tokens, and the embedding only {} rows", subject.tokenizer->size(),
                            subject.runner->vocabulary()));
  return subject;
}

}  // namespace pare::eval
