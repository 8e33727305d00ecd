// GPT-NeoX (Black et al. 2022), Pythia among them: queries, keys and values of each head in one matrix. Files on the
// Hub hold the output layer as embed_out.
#include "model/family.h"

namespace pare::model::gpt_neox {
namespace {

bool has_bias(const Site& site) { return site.config.flag("attention_bias").value_or(true); }

const Rows kEmbedding{{"embed_in.weight", Role::kEmbedding, Slot::kWordEmbedding}};
const Rows kLayer{
    {"input_layernorm.weight", Role::kNorm, Slot::kAttentionNorm},
    {"input_layernorm.bias", Role::kBias},
    {"post_attention_layernorm.weight", Role::kNorm, Slot::kFeedForwardNorm},
    {"post_attention_layernorm.bias", Role::kBias},
    {"attention.query_key_value.weight", Role::kQkv},
    {"attention.query_key_value.bias", Role::kBias, {}, has_bias},
    {"attention.dense.weight", Role::kO},
    {"attention.dense.bias", Role::kBias, {}, has_bias},
    {"mlp.dense_h_to_4h.weight", Role::kFeedForward, Slot::kUp},
    {"mlp.dense_h_to_4h.bias", Role::kBias},
    {"mlp.dense_4h_to_h.weight", Role::kFeedForward, Slot::kDown},
    {"mlp.dense_4h_to_h.bias", Role::kBias},
};
const Rows kFinalNorm{{"final_layer_norm.weight", Role::kNorm, Slot::kFinalNorm},
                      {"final_layer_norm.bias", Role::kBias}};

const Rows kOutput{{"lm_head.weight", Role::kHead, Slot::kHead}};
const Rows kScore{{"score.weight", Role::kHead, Slot::kClassifier}};
const Rows kClassifier{{"classifier.weight", Role::kHead, Slot::kClassifier}, {"classifier.bias", Role::kBias}};
const Rows kQuestionAnswering{{"qa_outputs.weight", Role::kHead}, {"qa_outputs.bias", Role::kBias}};
const std::vector<Tie> kTies{{"lm_head.weight", "embed_in.weight"}};

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families{{
      .model_type = "gpt_neox",
      .stem = "GPTNeoX",
      .prefix = "gpt_neox.",
      .landmarks = {"gpt_neox.layers.*.attention.query_key_value.weight"},
      .tasks = {{"Model", ""},
                {"ForCausalLM", "gpt_neox.", false, kOutput, kTies, {}, "gpt_neox.*"},
                {"ForSequenceClassification", "gpt_neox.", false, kScore},
                {"ForTokenClassification", "gpt_neox.", false, kClassifier},
                {"ForQuestionAnswering", "gpt_neox.", false, kQuestionAnswering}},
      .bodies = {{.before = {{"", kEmbedding}}, .each = {{"", kLayer}}, .after = {{"", kFinalNorm}}}},
      .tied_by_default = false,
      .buffers = {"*.attention.bias", "*.attention.masked_bias", "*rotary_emb.*inv_freq"},
      .spellings = {{"lm_head.", "embed_out."}},
  }};
  return families;
}

}  // namespace pare::model::gpt_neox
