// OPT (Zhang et al. 2022). The 350m model projects its embeddings to the width of its layers and back, has its norms
// after the residual sums, and no norm after the last layer.
#include "model/family.h"

namespace pare::model::opt {
namespace {

bool has_bias(const Site& site) { return site.config.flag("enable_bias").value_or(true); }

bool has_affine_norms(const Site& site) { return site.config.flag("layer_norm_elementwise_affine").value_or(true); }

bool has_projections(const Site& site) {
  const auto embedding = site.config.number("word_embed_proj_dim"), hidden = site.config.number("hidden_size");
  return embedding && hidden ? *embedding != *hidden : site.names.has_ending("project_in.weight");
}

bool has_final_norm(const Site& site) {
  return site.config.flag("do_layer_norm_before").value_or(true) &&
         !site.config.flag("_remove_final_layer_norm").value_or(false) && has_affine_norms(site);
}

const Rows kEmbeddings{
    {"embed_tokens.weight", Role::kEmbedding, Slot::kWordEmbedding},
    {"embed_positions.weight", Role::kEmbedding, Slot::kPositionEmbedding},
    {"project_out.weight", Role::kLinear, Slot::kProjectOut, has_projections},
    {"project_in.weight", Role::kLinear, Slot::kProjectIn, has_projections},
    {"final_layer_norm.weight", Role::kNorm, Slot::kFinalNorm, has_final_norm},
    {"final_layer_norm.bias", Role::kBias, Slot::kFinalNorm, has_final_norm},
};
const Rows kLayer{
    {"self_attn.k_proj.weight", Role::kK},
    {"self_attn.k_proj.bias", Role::kBias, {}, has_bias},
    {"self_attn.v_proj.weight", Role::kV},
    {"self_attn.v_proj.bias", Role::kBias, {}, has_bias},
    {"self_attn.q_proj.weight", Role::kQ},
    {"self_attn.q_proj.bias", Role::kBias, {}, has_bias},
    {"self_attn.out_proj.weight", Role::kO},
    {"self_attn.out_proj.bias", Role::kBias, {}, has_bias},
    {"self_attn_layer_norm.weight", Role::kNorm, Slot::kAttentionNorm, has_affine_norms},
    {"self_attn_layer_norm.bias", Role::kBias, Slot::kAttentionNorm, has_affine_norms},
    {"fc1.weight", Role::kFeedForward, Slot::kUp},
    {"fc1.bias", Role::kBias, {}, has_bias},
    {"fc2.weight", Role::kFeedForward, Slot::kDown},
    {"fc2.bias", Role::kBias, {}, has_bias},
    {"final_layer_norm.weight", Role::kNorm, Slot::kFeedForwardNorm, has_affine_norms},
    {"final_layer_norm.bias", Role::kBias, Slot::kFeedForwardNorm, has_affine_norms},
};

const Rows kOutput{{"lm_head.weight", Role::kHead, Slot::kHead}};
const Rows kScore{{"score.weight", Role::kHead, Slot::kClassifier}};
const Rows kQuestionAnswering{{"qa_outputs.weight", Role::kHead}, {"qa_outputs.bias", Role::kBias}};
const std::vector<Tie> kTies{{"lm_head.weight", "decoder.embed_tokens.weight"}};

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families{{
      .model_type = "opt",
      .stem = "OPT",
      .prefix = "model.",
      .tasks = {{"Model", ""},
                {"ForCausalLM", "model.", false, kOutput, kTies, {}, "model.*"},
                {"ForSequenceClassification", "model.", false, kScore},
                {"ForQuestionAnswering", "model.", false, kQuestionAnswering}},
      .bodies = {{.prefix = "decoder.", .before = {{"", kEmbeddings}}, .each = {{"", kLayer}}}},
  }};
  return families;
}

}  // namespace pare::model::opt
