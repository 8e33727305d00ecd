// Which files of a model on the Hugging Face Hub pare needs.
#pragma once

#include <filesystem>
#include <string>

#include "checkpoint/weights_survey.h"
#include "hub/download.h"
#include "pare/context.h"

namespace pare::checkpoint {

/// The weights that open() prefers, with all shards, and beside them the small files that models have: config,
/// tokenizer, generation settings, and the modules of sentence-transformers. Named `spec` in messages. `survey`, which
/// must outlive the rules, gets the headers of a large download.
hub::FileRules hub_file_rules(const std::string& spec, WeightsSurvey& survey);

/// Snapshot directory of a model in the Hugging Face cache, downloaded if it is not there. A text that ends like the
/// name of a checkpoint file is not looked for on the Hub. Throws Error; Interrupted.
std::filesystem::path find_model(const std::string& spec, const Context& context);

}  // namespace pare::checkpoint
