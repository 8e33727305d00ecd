#include "model/families/decoder.h"

#include <algorithm>

namespace pare::model {
namespace {

const Rows kProjections{
    {"q_proj.weight", Role::kQ}, {"q_proj.bias", Role::kBias, {}, has_attention_bias},
    {"k_proj.weight", Role::kK}, {"k_proj.bias", Role::kBias, {}, has_attention_bias},
    {"v_proj.weight", Role::kV}, {"v_proj.bias", Role::kBias, {}, has_attention_bias},
    {"o_proj.weight", Role::kO}, {"o_proj.bias", Role::kBias, {}, has_attention_bias},
};
const Rows kPlainProjections{
    {"q_proj.weight", Role::kQ}, {"k_proj.weight", Role::kK}, {"v_proj.weight", Role::kV}, {"o_proj.weight", Role::kO}};
const Rows kQueryKeyNorms{
    {"q_norm.weight", Role::kNorm, Slot::kQNorm},
    {"k_norm.weight", Role::kNorm, Slot::kKNorm},
};
const Rows kGated{
    {"gate_proj.weight", Role::kFeedForward, Slot::kGate}, {"gate_proj.bias", Role::kBias, {}, has_mlp_bias},
    {"up_proj.weight", Role::kFeedForward, Slot::kUp},     {"up_proj.bias", Role::kBias, {}, has_mlp_bias},
    {"down_proj.weight", Role::kFeedForward, Slot::kDown}, {"down_proj.bias", Role::kBias, {}, has_mlp_bias},
};
const Rows kPlainGated{
    {"gate_proj.weight", Role::kFeedForward, Slot::kGate},
    {"up_proj.weight", Role::kFeedForward, Slot::kUp},
    {"down_proj.weight", Role::kFeedForward, Slot::kDown},
};
const Rows kTwoNorms{
    {"input_layernorm.weight", Role::kNorm, Slot::kAttentionNorm},
    {"post_attention_layernorm.weight", Role::kNorm, Slot::kFeedForwardNorm},
};
const Rows kFourNorms{
    {"input_layernorm.weight", Role::kNorm, Slot::kAttentionNorm},
    {"post_attention_layernorm.weight", Role::kNorm, Slot::kPostAttentionNorm},
    {"pre_feedforward_layernorm.weight", Role::kNorm, Slot::kFeedForwardNorm},
    {"post_feedforward_layernorm.weight", Role::kNorm, Slot::kPostFeedForwardNorm},
};
const Rows kEmbedding{{"embed_tokens.weight", Role::kEmbedding, Slot::kWordEmbedding}};
const Rows kFinalNorm{{"norm.weight", Role::kNorm, Slot::kFinalNorm}};

const Rows kOutput{{"lm_head.weight", Role::kHead, Slot::kHead}};
const Rows kScore{{"score.weight", Role::kHead, Slot::kClassifier}};
const Rows kScoreWithBias{{"score.weight", Role::kHead, Slot::kClassifier}, {"score.bias", Role::kBias}};
const Rows kQuestionAnswering{{"qa_outputs.weight", Role::kHead}, {"qa_outputs.bias", Role::kBias}};

/// A file of the body alone has no prefix, and a tied output is in no file: the prefix tells the class.
const std::vector<Task> kTasks{
    {"Model", ""},
    {"TextModel", ""},
    {"ForCausalLM", "model.", false, kOutput, {{"lm_head.weight", "embed_tokens.weight"}}, {}, "model.*"},
    {"ForSequenceClassification", "model.", false, kScore},
    {"TextForSequenceClassification", "model.", false, kScore},
    {"ForTokenClassification", "model.", false, kScoreWithBias},
    {"ForQuestionAnswering", "transformer.", false, kQuestionAnswering},
};

}  // namespace

const Rows& split_projections() { return kProjections; }
const Rows& plain_projections() { return kPlainProjections; }
const Rows& query_key_norms() { return kQueryKeyNorms; }
const Rows& gated_feed_forward() { return kGated; }
const Rows& plain_feed_forward() { return kPlainGated; }
const Rows& two_norms() { return kTwoNorms; }
const Rows& four_norms() { return kFourNorms; }

Body decoder_body(std::vector<Section> each, std::vector<std::string_view> experts, const Rows& final_norm) {
  return {.before = {{"", kEmbedding}},
          .each = std::move(each),
          .after = {{"", final_norm.empty() ? kFinalNorm : final_norm}},
          .experts = std::move(experts)};
}

std::vector<Task> decoder_tasks(std::initializer_list<std::string_view> endings) {
  std::vector<Task> tasks;
  for (const Task& task : kTasks)
    if (std::find(endings.begin(), endings.end(), task.ending) != endings.end()) tasks.push_back(task);
  return tasks;
}

bool has_attention_bias(const Site& site) { return site.config.flag("attention_bias").value_or(false); }
bool has_mlp_bias(const Site& site) { return site.config.flag("mlp_bias").value_or(false); }

}  // namespace pare::model
