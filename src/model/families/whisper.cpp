// Whisper (Radford et al. 2022): two convolutions before the encoder, and attention whose keys have no bias.
#include "model/family.h"

namespace pare::model::whisper {
namespace {

const Rows kSound{
    {"conv1.weight", Role::kOther},
    {"conv1.bias", Role::kBias},
    {"conv2.weight", Role::kOther},
    {"conv2.bias", Role::kBias},
    {"embed_positions.weight", Role::kEmbedding, Slot::kPositionEmbedding},
};
const Rows kText{
    {"embed_tokens.weight", Role::kEmbedding, Slot::kWordEmbedding},
    {"embed_positions.weight", Role::kEmbedding, Slot::kPositionEmbedding},
};
const Rows kAttention{
    {"attn.k_proj.weight", Role::kK},      {"attn.v_proj.weight", Role::kV},
    {"attn.v_proj.bias", Role::kBias},     {"attn.q_proj.weight", Role::kQ},
    {"attn.q_proj.bias", Role::kBias},     {"attn.out_proj.weight", Role::kO},
    {"attn.out_proj.bias", Role::kBias},   {"attn_layer_norm.weight", Role::kNorm, Slot::kAttentionNorm},
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
const Rows kFinalNorm{{"layer_norm.weight", Role::kNorm, Slot::kFinalNorm}, {"layer_norm.bias", Role::kBias}};

const Rows kOutput{{"proj_out.weight", Role::kHead, Slot::kHead}};
const Rows kClassifier{{"projector.weight", Role::kHead},
                       {"projector.bias", Role::kBias},
                       {"classifier.weight", Role::kHead},
                       {"classifier.bias", Role::kBias}};
const std::vector<Tie> kTies{{"proj_out.weight", "decoder.embed_tokens.weight"}};

bool is_supported(const Config& config) { return !config.flag("use_weighted_layer_sum").value_or(false); }

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families{{
      .model_type = "whisper",
      .stem = "Whisper",
      .prefix = "model.",
      .tasks = {{"Model", ""},
                {"ForConditionalGeneration", "model.", false, kOutput, kTies, {}, "model.encoder.*"},
                {"ForCausalLM", "model.", false, kOutput, kTies, {}, "model.decoder.*", "decoder"},
                {"ForAudioClassification", "", false, kClassifier, {}, {}, {}, "encoder"}},
      .bodies = {{.prefix = "encoder.",
                  .before = {{"", kSound}},
                  .each = {{"self_", kAttention}, {"", kFeedForward}},
                  .after = {{"", kFinalNorm}},
                  .depth = {"encoder_layers"},
                  .stack = "encoder"},
                 {.prefix = "decoder.",
                  .before = {{"", kText}},
                  .each = {{"self_", kAttention},
                           {.prefix = "encoder_", .rows = kAttention, .cross_attention = true},
                           {"", kFeedForward}},
                  .after = {{"", kFinalNorm}},
                  .depth = {"decoder_layers"},
                  .stack = "decoder"}},
      .supports = is_supported,
  }};
  return families;
}

}  // namespace pare::model::whisper
