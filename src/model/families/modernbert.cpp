// ModernBERT (Warner et al. 2024): rotary positions, queries, keys and values in one matrix, and a gate in one with
// the input matrix. The norm of the embeddings serves as the first layer's.
#include "model/family.h"

namespace pare::model::modernbert {
namespace {

bool is_later_layer(const Site& site) { return site.layer > 0; }
bool flag(const Site& site, std::string_view key, bool by_default) {
  return site.config.flag(key).value_or(by_default);
}
bool has_attention_bias(const Site& site) { return flag(site, "attention_bias", false); }
bool has_mlp_bias(const Site& site) { return flag(site, "mlp_bias", false); }
bool has_norm_bias(const Site& site) { return flag(site, "norm_bias", false); }
bool has_late_norm_bias(const Site& site) { return is_later_layer(site) && has_norm_bias(site); }
bool has_decoder_bias(const Site& site) { return flag(site, "decoder_bias", true); }
bool has_classifier_bias(const Site& site) { return flag(site, "classifier_bias", false); }

const Rows kEmbeddings{
    {"embeddings.tok_embeddings.weight", Role::kEmbedding, Slot::kWordEmbedding},
    {"embeddings.norm.weight", Role::kNorm, Slot::kEmbeddingNorm},
    {"embeddings.norm.bias", Role::kBias, {}, has_norm_bias},
};
const Rows kLayer{
    {"attn_norm.weight", Role::kNorm, Slot::kAttentionNorm, is_later_layer},
    {"attn_norm.bias", Role::kBias, Slot::kAttentionNorm, has_late_norm_bias},
    {"attn.Wqkv.weight", Role::kQkv},
    {"attn.Wqkv.bias", Role::kBias, {}, has_attention_bias},
    {"attn.Wo.weight", Role::kO},
    {"attn.Wo.bias", Role::kBias, {}, has_attention_bias},
    {"mlp_norm.weight", Role::kNorm, Slot::kFeedForwardNorm},
    {"mlp_norm.bias", Role::kBias, {}, has_norm_bias},
    {"mlp.Wi.weight", Role::kFeedForward, Slot::kGateUp},
    {"mlp.Wi.bias", Role::kBias, {}, has_mlp_bias},
    {"mlp.Wo.weight", Role::kFeedForward, Slot::kDown},
    {"mlp.Wo.bias", Role::kBias, {}, has_mlp_bias},
};
const Rows kFinalNorm{{"final_norm.weight", Role::kNorm, Slot::kFinalNorm},
                      {"final_norm.bias", Role::kBias, {}, has_norm_bias}};

const Rows kOutput{
    {"head.dense.weight", Role::kHead, Slot::kHeadTransform},
    {"head.dense.bias", Role::kBias, {}, has_classifier_bias},
    {"head.norm.weight", Role::kNorm, Slot::kHeadNorm},
    {"head.norm.bias", Role::kBias, {}, has_norm_bias},
    {"decoder.weight", Role::kHead, Slot::kHead},
    {"decoder.bias", Role::kBias, {}, has_decoder_bias},
};
const Rows kClassifier{
    {"head.dense.weight", Role::kHead, Slot::kHeadTransform}, {"head.dense.bias", Role::kBias, {}, has_classifier_bias},
    {"head.norm.weight", Role::kNorm, Slot::kHeadNorm},       {"head.norm.bias", Role::kBias, {}, has_norm_bias},
    {"classifier.weight", Role::kHead, Slot::kClassifier},    {"classifier.bias", Role::kBias},
};
const std::vector<Tie> kTies{{"decoder.weight", "embeddings.tok_embeddings.weight"}};

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families{{
      .model_type = "modernbert",
      .stem = "ModernBert",
      .prefix = "model.",
      .landmarks = {"embeddings.tok_embeddings.weight", "model.embeddings.tok_embeddings.weight"},
      .tasks = {{"Model", ""},
                {"ForMaskedLM", "model.", false, kOutput, kTies},
                {"ForSequenceClassification", "model.", false, kClassifier},
                {"ForTokenClassification", "model.", false, kClassifier},
                {"ForQuestionAnswering", "model.", false, kClassifier},
                {"ForMultipleChoice", "model.", false, kClassifier}},
      .bodies = {{.before = {{"", kEmbeddings}}, .each = {{"", kLayer}}, .after = {{"", kFinalNorm}}}},
  }};
  return families;
}

}  // namespace pare::model::modernbert
