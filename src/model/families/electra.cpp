// ELECTRA (Clark et al. 2020): BERT's blocks after embeddings that may have another width; no pooler.
#include "model/family.h"

namespace pare::model::electra {
namespace {

const Rows kProjection{{"embeddings_project.weight", Role::kLinear, Slot::kProjectIn},
                       {"embeddings_project.bias", Role::kBias}};
const Rows kDiscriminator{
    {"discriminator_predictions.dense.weight", Role::kHead, Slot::kHeadTransform},
    {"discriminator_predictions.dense.bias", Role::kBias},
    {"discriminator_predictions.dense_prediction.weight", Role::kHead, Slot::kClassifier},
    {"discriminator_predictions.dense_prediction.bias", Role::kBias},
};
const Rows kGenerator{
    {"generator_predictions.LayerNorm.weight", Role::kNorm, Slot::kHeadNorm},
    {"generator_predictions.LayerNorm.bias", Role::kBias},
    {"generator_predictions.dense.weight", Role::kHead, Slot::kHeadTransform},
    {"generator_predictions.dense.bias", Role::kBias},
    {"generator_lm_head.weight", Role::kHead, Slot::kHead},
    {"generator_lm_head.bias", Role::kBias},
};
const std::vector<Tie> kTies{{"generator_lm_head.weight", "embeddings.word_embeddings.weight"}};
const Rows kTwoLayers{
    {"classifier.dense.weight", Role::kHead, Slot::kPooler},
    {"classifier.dense.bias", Role::kBias},
    {"classifier.out_proj.weight", Role::kHead, Slot::kClassifier},
    {"classifier.out_proj.bias", Role::kBias},
};
const Rows kMultipleChoice{
    {"sequence_summary.summary.weight", Role::kHead},
    {"sequence_summary.summary.bias", Role::kBias},
    {"classifier.weight", Role::kHead, Slot::kClassifier},
    {"classifier.bias", Role::kBias},
};
const Rows kClassifier{{"classifier.weight", Role::kHead, Slot::kClassifier}, {"classifier.bias", Role::kBias}};
const Rows kQuestionAnswering{{"qa_outputs.weight", Role::kHead}, {"qa_outputs.bias", Role::kBias}};

/// Embeddings are projected if their width differs from that of the blocks.
bool has_projection(const Config& config, const Names& names) {
  const auto embedding = config.number("embedding_size"), hidden = config.number("hidden_size");
  return embedding && hidden ? *embedding != *hidden : names.has_ending("embeddings_project.weight");
}

bool append_body(Architecture& architecture, const Task& task, const Config& config, const Names& names) {
  const std::string prefix(task.prefix);
  append_bert_embeddings(architecture, prefix);
  if (has_projection(config, names)) append_rows(architecture, prefix, kProjection);
  append_bert_blocks(architecture, prefix,
                     block_count(config, {"num_hidden_layers"}, names.count_blocks("encoder.layer.")),
                     has_cross_attention(config));
  return true;
}

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families{{
      .model_type = "electra",
      .stem = "Electra",
      .prefix = "electra.",
      .landmarks = {"electra.encoder.layer.*.attention.self.query.weight"},
      .tasks = {{"Model", ""},
                {"ForPreTraining", "electra.", false, kDiscriminator},
                {"ForMaskedLM", "electra.", false, kGenerator, kTies},
                {"ForCausalLM", "electra.", false, kGenerator, kTies},
                {"ForSequenceClassification", "electra.", false, kTwoLayers},
                {"ForMultipleChoice", "electra.", false, kMultipleChoice},
                {"ForTokenClassification", "electra.", false, kClassifier},
                {"ForQuestionAnswering", "electra.", false, kQuestionAnswering}},
      .append_body = append_body,
  }};
  return families;
}

}  // namespace pare::model::electra
