// DistilBERT (Sanh et al. 2019): BERT without token types and pooler, under other names.
#include "model/family.h"

namespace pare::model::distilbert {
namespace {

const Rows kEmbeddings{
    {"embeddings.word_embeddings.weight", Role::kEmbedding, Slot::kWordEmbedding},
    {"embeddings.position_embeddings.weight", Role::kEmbedding, Slot::kPositionEmbedding},
    {"embeddings.LayerNorm.weight", Role::kNorm, Slot::kEmbeddingNorm},
    {"embeddings.LayerNorm.bias", Role::kBias},
};
const Rows kBlock{
    {"attention.q_lin.weight", Role::kQ},
    {"attention.q_lin.bias", Role::kBias},
    {"attention.k_lin.weight", Role::kK},
    {"attention.k_lin.bias", Role::kBias},
    {"attention.v_lin.weight", Role::kV},
    {"attention.v_lin.bias", Role::kBias},
    {"attention.out_lin.weight", Role::kO},
    {"attention.out_lin.bias", Role::kBias},
    {"sa_layer_norm.weight", Role::kNorm, Slot::kAttentionNorm},
    {"sa_layer_norm.bias", Role::kBias},
    {"ffn.lin1.weight", Role::kFeedForward, Slot::kUp},
    {"ffn.lin1.bias", Role::kBias},
    {"ffn.lin2.weight", Role::kFeedForward, Slot::kDown},
    {"ffn.lin2.bias", Role::kBias},
    {"output_layer_norm.weight", Role::kNorm, Slot::kFeedForwardNorm},
    {"output_layer_norm.bias", Role::kBias},
};

const Rows kOutput{
    {"vocab_transform.weight", Role::kHead, Slot::kHeadTransform}, {"vocab_transform.bias", Role::kBias},
    {"vocab_layer_norm.weight", Role::kNorm, Slot::kHeadNorm},     {"vocab_layer_norm.bias", Role::kBias},
    {"vocab_projector.weight", Role::kHead, Slot::kHead},          {"vocab_projector.bias", Role::kBias},
};
const std::vector<Tie> kTies{{"vocab_projector.weight", "embeddings.word_embeddings.weight"}};
const Rows kTwoLayers{
    {"pre_classifier.weight", Role::kHead, Slot::kPooler},
    {"pre_classifier.bias", Role::kBias},
    {"classifier.weight", Role::kHead, Slot::kClassifier},
    {"classifier.bias", Role::kBias},
};
const Rows kClassifier{{"classifier.weight", Role::kHead, Slot::kClassifier}, {"classifier.bias", Role::kBias}};
const Rows kQuestionAnswering{{"qa_outputs.weight", Role::kHead}, {"qa_outputs.bias", Role::kBias}};

bool append_body(Architecture& architecture, const Task& task, const Config& config, const Names& names) {
  const std::string prefix(task.prefix);
  append_rows(architecture, prefix, kEmbeddings);
  const unsigned blocks =
      block_count(config, {"n_layers", "num_hidden_layers"}, names.count_blocks("transformer.layer."));
  for (unsigned i = 0; i < blocks; ++i)
    append_rows(architecture, prefix + "transformer.layer.{i}.", kBlock, static_cast<int>(i));
  return true;
}

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families{{
      .model_type = "distilbert",
      .stem = "DistilBert",
      .prefix = "distilbert.",
      .landmarks = {"transformer.layer.*.attention.q_lin.weight",
                    "distilbert.transformer.layer.*.attention.q_lin.weight"},
      .tasks = {{"Model", ""},
                {"ForMaskedLM", "distilbert.", false, kOutput, kTies},
                {"ForSequenceClassification", "distilbert.", false, kTwoLayers},
                {"ForMultipleChoice", "distilbert.", false, kTwoLayers},
                {"ForTokenClassification", "distilbert.", false, kClassifier},
                {"ForQuestionAnswering", "distilbert.", false, kQuestionAnswering}},
      .append_body = append_body,
  }};
  return families;
}

}  // namespace pare::model::distilbert
