// BART (Lewis et al. 2020): encoder and decoder with learned positions and norms after the residual sums.
#include "model/family.h"

namespace pare::model::bart {
namespace {

const Rows kShared{{"shared.weight", Role::kEmbedding, Slot::kWordEmbedding}};
const Rows kEmbeddings{
    {"embed_tokens.weight", Role::kEmbedding, Slot::kWordEmbedding},
    {"embed_positions.weight", Role::kEmbedding, Slot::kPositionEmbedding},
};
const Rows kEmbeddingNorm{{"layernorm_embedding.weight", Role::kNorm, Slot::kEmbeddingNorm},
                          {"layernorm_embedding.bias", Role::kBias}};
const Rows kAttention{
    {"attn.k_proj.weight", Role::kK},
    {"attn.k_proj.bias", Role::kBias},
    {"attn.v_proj.weight", Role::kV},
    {"attn.v_proj.bias", Role::kBias},
    {"attn.q_proj.weight", Role::kQ},
    {"attn.q_proj.bias", Role::kBias},
    {"attn.out_proj.weight", Role::kO},
    {"attn.out_proj.bias", Role::kBias},
    {"attn_layer_norm.weight", Role::kNorm, Slot::kAttentionNorm},
    {"attn_layer_norm.bias", Role::kBias},
};
const Rows kFeedForward{
    {"fc1.weight", Role::kFeedForward, Slot::kUp},
    {"fc1.bias", Role::kBias},
    {"fc2.weight", Role::kFeedForward, Slot::kDown},
    {"fc2.bias", Role::kBias},
    {"final_layer_norm.weight", Role::kNorm, Slot::kFeedForwardNorm},
    {"final_layer_norm.bias", Role::kBias},
};

const Rows kOutput{{"lm_head.weight", Role::kHead, Slot::kHead}};
const Rows kTwoLayers{
    {"classification_head.dense.weight", Role::kHead, Slot::kPooler},
    {"classification_head.dense.bias", Role::kBias},
    {"classification_head.out_proj.weight", Role::kHead, Slot::kClassifier},
    {"classification_head.out_proj.bias", Role::kBias},
};
const Rows kQuestionAnswering{{"qa_outputs.weight", Role::kHead}, {"qa_outputs.bias", Role::kBias}};
const std::vector<Tie> kTies{{"encoder.embed_tokens.weight", "shared.weight"},
                             {"decoder.embed_tokens.weight", "shared.weight"}};
const std::vector<Tie> kOutputTies{{"encoder.embed_tokens.weight", "shared.weight"},
                                   {"decoder.embed_tokens.weight", "shared.weight"},
                                   {"lm_head.weight", "shared.weight"}};
const std::vector<Tie> kDecoderTies{{"lm_head.weight", "decoder.embed_tokens.weight"}};

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families{{
      .model_type = "bart",
      .stem = "Bart",
      .prefix = "model.",
      .tasks = {{"Model", "", false, {}, kTies},
                {"ForConditionalGeneration", "model.", false, kOutput, kOutputTies, {}, "model.encoder.*"},
                {"ForCausalLM", "model.", false, kOutput, kDecoderTies, {}, "model.decoder.*", "decoder"},
                {"ForSequenceClassification", "model.", false, kTwoLayers, kTies},
                {"ForQuestionAnswering", "model.", false, kQuestionAnswering, kTies}},
      .bodies = {{.before = {{"", kShared}}},
                 {.prefix = "encoder.",
                  .before = {{"", kEmbeddings}},
                  .each = {{"self_", kAttention}, {"", kFeedForward}},
                  .after = {{"", kEmbeddingNorm}},
                  .depth = {"encoder_layers"},
                  .stack = "encoder"},
                 {.prefix = "decoder.",
                  .before = {{"", kEmbeddings}},
                  .each = {{"self_", kAttention},
                           {.prefix = "encoder_", .rows = kAttention, .cross_attention = true},
                           {"", kFeedForward}},
                  .after = {{"", kEmbeddingNorm}},
                  .depth = {"decoder_layers"},
                  .stack = "decoder"}},
      .buffers = {"final_logits_bias"},
  }};
  return families;
}

}  // namespace pare::model::bart
