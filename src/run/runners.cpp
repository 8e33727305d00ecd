#include "run/runners.h"

#include "pare/error.h"

namespace pare {

std::unique_ptr<Runner> open_runner(const Model& model, const InferOptions& options) {
  if (model.model_type == "gpt2") return run::open_gpt2(model, options);
  if (model.model_type == "bert") return run::open_bert(model, options);
  if (model.model_type == "t5" || model.model_type == "mt5") return run::open_t5(model, options);
  if (model.model_type == "encoder-decoder") return run::open_composed(model, options);
  throw Error(model.source, "a model of type '" + (model.model_type.empty() ? "unknown" : model.model_type) +
                                "' cannot be run; GPT-2, BERT, T5 and BERT-to-BERT can");
}

}  // namespace pare
