// ALBERT (Lan et al. 2020): one layer, or one for each group, that is applied many times.
#include "model/family.h"

namespace pare::model::albert {
namespace {

const Rows kMapping{{"encoder.embedding_hidden_mapping_in.weight", Role::kLinear},
                    {"encoder.embedding_hidden_mapping_in.bias", Role::kBias}};
const Rows kEmbeddings{
    {"word_embeddings.weight", Role::kEmbedding},
    {"position_embeddings.weight", Role::kEmbedding},
    {"token_type_embeddings.weight", Role::kEmbedding},
    {"LayerNorm.weight", Role::kNorm},
    {"LayerNorm.bias", Role::kBias},
};
const Rows kLayer{
    {"full_layer_layer_norm.weight", Role::kNorm},
    {"full_layer_layer_norm.bias", Role::kBias},
    {"attention.query.weight", Role::kQ},
    {"attention.query.bias", Role::kBias},
    {"attention.key.weight", Role::kK},
    {"attention.key.bias", Role::kBias},
    {"attention.value.weight", Role::kV},
    {"attention.value.bias", Role::kBias},
    {"attention.dense.weight", Role::kO},
    {"attention.dense.bias", Role::kBias},
    {"attention.LayerNorm.weight", Role::kNorm},
    {"attention.LayerNorm.bias", Role::kBias},
    {"ffn.weight", Role::kFeedForward},
    {"ffn.bias", Role::kBias},
    {"ffn_output.weight", Role::kFeedForward},
    {"ffn_output.bias", Role::kBias},
};
const Rows kPooler{{"pooler.weight", Role::kHead}, {"pooler.bias", Role::kBias}};

const Rows kPredictions{
    {"predictions.bias", Role::kBias},           {"predictions.LayerNorm.weight", Role::kNorm},
    {"predictions.LayerNorm.bias", Role::kBias}, {"predictions.dense.weight", Role::kHead},
    {"predictions.dense.bias", Role::kBias},     {"predictions.decoder.weight", Role::kHead},
    {"predictions.decoder.bias", Role::kBias},
};
const Rows kPreTraining{
    {"predictions.bias", Role::kBias},
    {"predictions.LayerNorm.weight", Role::kNorm},
    {"predictions.LayerNorm.bias", Role::kBias},
    {"predictions.dense.weight", Role::kHead},
    {"predictions.dense.bias", Role::kBias},
    {"predictions.decoder.weight", Role::kHead},
    {"predictions.decoder.bias", Role::kBias},
    {"sop_classifier.classifier.weight", Role::kHead},
    {"sop_classifier.classifier.bias", Role::kBias},
};
const std::vector<Tie> kTies{{"predictions.decoder.weight", "embeddings.word_embeddings.weight"},
                             {"predictions.decoder.bias", "predictions.bias"}};
const Rows kClassifier{{"classifier.weight", Role::kHead}, {"classifier.bias", Role::kBias}};
const Rows kQuestionAnswering{{"qa_outputs.weight", Role::kHead}, {"qa_outputs.bias", Role::kBias}};

bool is_supported(const Config& config) { return config.number("inner_group_num").value_or(1) == 1; }

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families{{
      .model_type = "albert",
      .stem = "Albert",
      .prefix = "albert.",
      .landmarks = {"encoder.albert_layer_groups.*", "albert.encoder.albert_layer_groups.*"},
      .tasks = {{"Model", "", true},
                {"ForMaskedLM", "albert.", false, kPredictions, kTies},
                {"ForPreTraining", "albert.", true, kPreTraining, kTies},
                {"ForSequenceClassification", "albert.", true, kClassifier},
                {"ForMultipleChoice", "albert.", true, kClassifier},
                {"ForTokenClassification", "albert.", false, kClassifier},
                {"ForQuestionAnswering", "albert.", false, kQuestionAnswering}},
      .bodies = {{.before = {{"embeddings.", kEmbeddings}, {"", kMapping}},
                  .each = {{"", kLayer}},
                  .layers = "encoder.albert_layer_groups.{i}.albert_layers.0.",
                  .depth = {"num_hidden_groups"}}},
      .supports = is_supported,
      .pooler = kPooler,
  }};
  return families;
}

}  // namespace pare::model::albert
