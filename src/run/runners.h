// The architectures that can be run; open_runner() chooses among them.
#pragma once

#include <memory>

#include "pare/run.h"

namespace pare::run {

std::unique_ptr<Runner> open_gpt2(const Model& model, const InferOptions& options, const Context& context);
std::unique_ptr<Runner> open_bert(const Model& model, const InferOptions& options, const Context& context);
std::unique_ptr<Runner> open_t5(const Model& model, const InferOptions& options, const Context& context);
std::unique_ptr<Runner> open_composed(const Model& model, const InferOptions& options, const Context& context);

/// traits_of() a BERT.
ModelTraits bert_traits(const Model& model);

}  // namespace pare::run
