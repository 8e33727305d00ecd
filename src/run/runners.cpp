#include "run/runners.h"

#include <algorithm>

#include "pare/error.h"

namespace pare {

ModelKind kind_of(const Runner& runner) {
  if (dynamic_cast<const CausalRunner*>(&runner) != nullptr) return ModelKind::kCausal;
  if (dynamic_cast<const EncoderRunner*>(&runner) != nullptr) return ModelKind::kEncoder;
  return ModelKind::kEncoderDecoder;
}

std::optional<ModelTraits> traits_of(const Model& model) {
  if (model.model_type == "gpt2") return ModelTraits{ModelKind::kCausal};
  if (model.model_type == "bert") return run::bert_traits(model);
  if (model.model_type == "encoder-decoder") return ModelTraits{ModelKind::kEncoderDecoder};
  const bool has_decoder = std::any_of(model.parameters.begin(), model.parameters.end(),
                                       [](const Parameter& parameter) { return parameter.stack == "decoder"; });
  if ((model.model_type == "t5" || model.model_type == "mt5") && has_decoder)  // not T5EncoderModel
    return ModelTraits{ModelKind::kEncoderDecoder};
  return std::nullopt;
}

Matrix Runner::run_layers(const TokenBatch& batch, Matrix /*states*/, std::size_t /*begin*/, std::size_t /*end*/,
                          const Context& context) const {
  return hidden_states(batch, context);
}

std::unique_ptr<Runner> open_runner(const Model& model, const InferOptions& options, const Context& context) {
  if (model.model_type == "gpt2") return run::open_gpt2(model, options, context);
  if (model.model_type == "bert") return run::open_bert(model, options, context);
  if (model.model_type == "t5" || model.model_type == "mt5") return run::open_t5(model, options, context);
  if (model.model_type == "encoder-decoder") return run::open_composed(model, options, context);
  throw Error(ErrorCode::kUnsupported, model.source,
              "a model of type '" + (model.model_type.empty() ? "unknown" : model.model_type) +
                  "' cannot be run; GPT-2, BERT, T5 and BERT-to-BERT can");
}

}  // namespace pare
