// DeBERTa v2 and v3 (He et al. 2021): BERT's layers with embeddings of relative positions, projected by the matrices
// of keys and queries or by some of their own; v2 has a convolution beside the first layer.
#include "model/family.h"

namespace pare::model::deberta {
namespace {

bool has_positions(const Site& site) { return site.config.flag("position_biased_input").value_or(true); }
bool has_types(const Site& site) { return site.config.number("type_vocab_size").value_or(0) > 0; }
bool is_relative(const Site& site) { return site.config.flag("relative_attention").value_or(false); }
bool has_relative_norm(const Site& site) { return site.config.mentions("norm_rel_ebd", "layer_norm"); }
bool has_convolution(const Site& site) { return site.config.number("conv_kernel_size").value_or(0) > 0; }
bool has_own_keys(const Site& site) {
  return is_relative(site) && !site.config.flag("share_att_key").value_or(false) &&
         site.config.mentions("pos_att_type", "c2p");
}
bool has_own_queries(const Site& site) {
  return is_relative(site) && !site.config.flag("share_att_key").value_or(false) &&
         site.config.mentions("pos_att_type", "p2c");
}
bool has_projection(const Site& site) {
  const auto embedding = site.config.number("embedding_size"), hidden = site.config.number("hidden_size");
  return embedding && hidden && *embedding != *hidden;
}
bool has_older_head(const Site& site) { return site.config.flag("legacy").value_or(true); }
bool has_newer_head(const Site& site) { return !has_older_head(site); }

const Rows kEmbeddings{
    {"word_embeddings.weight", Role::kEmbedding},
    {"position_embeddings.weight", Role::kEmbedding, {}, has_positions},
    {"token_type_embeddings.weight", Role::kEmbedding, {}, has_types},
    {"embed_proj.weight", Role::kLinear, {}, has_projection},
    {"LayerNorm.weight", Role::kNorm},
    {"LayerNorm.bias", Role::kBias},
};
const Rows kLayer{
    {"attention.self.query_proj.weight", Role::kQ},
    {"attention.self.query_proj.bias", Role::kBias},
    {"attention.self.key_proj.weight", Role::kK},
    {"attention.self.key_proj.bias", Role::kBias},
    {"attention.self.value_proj.weight", Role::kV},
    {"attention.self.value_proj.bias", Role::kBias},
    {"attention.self.pos_key_proj.weight", Role::kK, Slot::kNone, has_own_keys},
    {"attention.self.pos_key_proj.bias", Role::kBias, {}, has_own_keys},
    {"attention.self.pos_query_proj.weight", Role::kQ, Slot::kNone, has_own_queries},
    {"attention.self.pos_query_proj.bias", Role::kBias, {}, has_own_queries},
    {"attention.output.dense.weight", Role::kO},
    {"attention.output.dense.bias", Role::kBias},
    {"attention.output.LayerNorm.weight", Role::kNorm},
    {"attention.output.LayerNorm.bias", Role::kBias},
    {"intermediate.dense.weight", Role::kFeedForward},
    {"intermediate.dense.bias", Role::kBias},
    {"output.dense.weight", Role::kFeedForward},
    {"output.dense.bias", Role::kBias},
    {"output.LayerNorm.weight", Role::kNorm},
    {"output.LayerNorm.bias", Role::kBias},
};
const Rows kEnd{
    {"rel_embeddings.weight", Role::kEmbedding, {}, is_relative},
    {"LayerNorm.weight", Role::kNorm, {}, has_relative_norm},
    {"LayerNorm.bias", Role::kBias, {}, has_relative_norm},
    {"conv.conv.weight", Role::kOther, {}, has_convolution},
    {"conv.conv.bias", Role::kBias, {}, has_convolution},
    {"conv.LayerNorm.weight", Role::kNorm, {}, has_convolution},
    {"conv.LayerNorm.bias", Role::kBias, {}, has_convolution},
};

const Rows kOutput{
    {"cls.predictions.bias", Role::kBias, {}, has_older_head},
    {"cls.predictions.transform.dense.weight", Role::kHead, {}, has_older_head},
    {"cls.predictions.transform.dense.bias", Role::kBias, {}, has_older_head},
    {"cls.predictions.transform.LayerNorm.weight", Role::kNorm, {}, has_older_head},
    {"cls.predictions.transform.LayerNorm.bias", Role::kBias, {}, has_older_head},
    {"cls.predictions.decoder.weight", Role::kHead, {}, has_older_head},
    {"cls.predictions.decoder.bias", Role::kBias, {}, has_older_head},
    {"lm_predictions.lm_head.bias", Role::kBias, {}, has_newer_head},
    {"lm_predictions.lm_head.dense.weight", Role::kHead, {}, has_newer_head},
    {"lm_predictions.lm_head.dense.bias", Role::kBias, {}, has_newer_head},
    {"lm_predictions.lm_head.LayerNorm.weight", Role::kNorm, {}, has_newer_head},
    {"lm_predictions.lm_head.LayerNorm.bias", Role::kBias, {}, has_newer_head},
};
const std::vector<Tie> kTies{{"cls.predictions.decoder.weight", "embeddings.word_embeddings.weight"},
                             {"cls.predictions.decoder.bias", "cls.predictions.bias"}};
const Rows kPooled{{"pooler.dense.weight", Role::kHead},
                   {"pooler.dense.bias", Role::kBias},
                   {"classifier.weight", Role::kHead},
                   {"classifier.bias", Role::kBias}};
const Rows kClassifier{{"classifier.weight", Role::kHead}, {"classifier.bias", Role::kBias}};
const Rows kQuestionAnswering{{"qa_outputs.weight", Role::kHead}, {"qa_outputs.bias", Role::kBias}};

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families{{
      .model_type = "deberta-v2",
      .stem = "DebertaV2",
      .prefix = "deberta.",
      .tasks = {{"Model", ""},
                {"ForMaskedLM", "deberta.", false, kOutput, kTies},
                {"ForSequenceClassification", "deberta.", false, kPooled},
                {"ForMultipleChoice", "deberta.", false, kPooled},
                {"ForTokenClassification", "deberta.", false, kClassifier},
                {"ForQuestionAnswering", "deberta.", false, kQuestionAnswering}},
      .bodies = {{.before = {{"embeddings.", kEmbeddings}},
                  .each = {{"", kLayer}},
                  .after = {{"encoder.", kEnd}},
                  .layers = "encoder.layer.{i}."}},
  }};
  return families;
}

}  // namespace pare::model::deberta
