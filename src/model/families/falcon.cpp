// Falcon (Almazrouei et al. 2023): GPT-NeoX's fused projections; attention and the feed-forward block run in parallel,
// after one norm or a norm each, or one after the other.
#include "model/family.h"

namespace pare::model::falcon {
namespace {

bool has_bias(const Site& site) { return site.config.flag("bias").value_or(false); }
bool is_parallel(const Site& site) { return site.config.flag("parallel_attn").value_or(true); }
bool is_sequential(const Site& site) { return !is_parallel(site); }
bool has_two_norms(const Site& site) {
  const bool recent = site.config.flag("new_decoder_architecture").value_or(false);
  return is_parallel(site) && site.config.number("num_ln_in_parallel_attn").value_or(recent ? 2 : 1) == 2;
}
bool has_one_norm(const Site& site) { return !has_two_norms(site); }
const Rows kEmbedding{{"word_embeddings.weight", Role::kEmbedding, Slot::kWordEmbedding}};
const Rows kLayer{
    {"self_attention.query_key_value.weight", Role::kQkv},
    {"self_attention.query_key_value.bias", Role::kBias, {}, has_bias},
    {"self_attention.dense.weight", Role::kO},
    {"self_attention.dense.bias", Role::kBias, {}, has_bias},
    {"mlp.dense_h_to_4h.weight", Role::kFeedForward, Slot::kUp},
    {"mlp.dense_h_to_4h.bias", Role::kBias, {}, has_bias},
    {"mlp.dense_4h_to_h.weight", Role::kFeedForward, Slot::kDown},
    {"mlp.dense_4h_to_h.bias", Role::kBias, {}, has_bias},
    {"post_attention_layernorm.weight", Role::kNorm, Slot::kFeedForwardNorm, is_sequential},
    {"post_attention_layernorm.bias", Role::kBias, {}, is_sequential},
    {"input_layernorm.weight", Role::kNorm, Slot::kAttentionNorm, has_one_norm},
    {"input_layernorm.bias", Role::kBias, {}, has_one_norm},
    {"ln_attn.weight", Role::kNorm, Slot::kAttentionNorm, has_two_norms},
    {"ln_attn.bias", Role::kBias, {}, has_two_norms},
    {"ln_mlp.weight", Role::kNorm, Slot::kFeedForwardNorm, has_two_norms},
    {"ln_mlp.bias", Role::kBias, {}, has_two_norms},
};
const Rows kFinalNorm{{"ln_f.weight", Role::kNorm, Slot::kFinalNorm}, {"ln_f.bias", Role::kBias}};

const Rows kOutput{{"lm_head.weight", Role::kHead, Slot::kHead}};
const Rows kScore{{"score.weight", Role::kHead, Slot::kClassifier}};
const Rows kClassifier{{"classifier.weight", Role::kHead, Slot::kClassifier}, {"classifier.bias", Role::kBias}};
const Rows kQuestionAnswering{{"qa_outputs.weight", Role::kHead}, {"qa_outputs.bias", Role::kBias}};
const std::vector<Tie> kTies{{"lm_head.weight", "word_embeddings.weight"}};

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families{{
      .model_type = "falcon",
      .stem = "Falcon",
      .prefix = "transformer.",
      .tasks = {{"Model", ""},
                {"ForCausalLM", "transformer.", false, kOutput, kTies, {}, "transformer.*"},
                {"ForSequenceClassification", "transformer.", false, kScore},
                {"ForTokenClassification", "transformer.", false, kClassifier},
                {"ForQuestionAnswering", "transformer.", false, kQuestionAnswering}},
      .bodies = {{.before = {{"", kEmbedding}},
                  .each = {{"", kLayer}},
                  .after = {{"", kFinalNorm}},
                  .layers = "h.{i}.",
                  .depth = {"num_hidden_layers", "n_layer"}}},
  }};
  return families;
}

}  // namespace pare::model::falcon
