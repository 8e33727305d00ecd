// ViT (Dosovitskiy et al. 2021) and DINOv2 (Oquab et al. 2023). transformers 5 renames the modules of both.
#include "model/family.h"

namespace pare::model::vision {
namespace {

bool has_qkv_bias(const Site& site) { return site.config.flag("qkv_bias").value_or(true); }
bool has_mask_token(const Site& site) { return site.config.flag("use_mask_token").value_or(true); }

const Rows kPatches{
    {"embeddings.cls_token", Role::kEmbedding},
    {"embeddings.position_embeddings", Role::kEmbedding},
    {"embeddings.patch_embeddings.projection.weight", Role::kEmbedding},
    {"embeddings.patch_embeddings.projection.bias", Role::kBias},
};
const Rows kMaskedPatches{
    {"embeddings.cls_token", Role::kEmbedding},
    {"embeddings.mask_token", Role::kEmbedding, {}, has_mask_token},
    {"embeddings.position_embeddings", Role::kEmbedding},
    {"embeddings.patch_embeddings.projection.weight", Role::kEmbedding},
    {"embeddings.patch_embeddings.projection.bias", Role::kBias},
};
const Rows kAttention{
    {"attention.q_proj.weight", Role::kQ}, {"attention.q_proj.bias", Role::kBias, {}, has_qkv_bias},
    {"attention.k_proj.weight", Role::kK}, {"attention.k_proj.bias", Role::kBias, {}, has_qkv_bias},
    {"attention.v_proj.weight", Role::kV}, {"attention.v_proj.bias", Role::kBias, {}, has_qkv_bias},
    {"attention.o_proj.weight", Role::kO}, {"attention.o_proj.bias", Role::kBias},
};
const Rows kFeedForward{
    {"mlp.fc1.weight", Role::kFeedForward},
    {"mlp.fc1.bias", Role::kBias},
    {"mlp.fc2.weight", Role::kFeedForward},
    {"mlp.fc2.bias", Role::kBias},
};
const Rows kVitNorms{
    {"layernorm_before.weight", Role::kNorm},
    {"layernorm_before.bias", Role::kBias},
    {"layernorm_after.weight", Role::kNorm},
    {"layernorm_after.bias", Role::kBias},
};
const Rows kNorm1{{"norm1.weight", Role::kNorm}, {"norm1.bias", Role::kBias}};
const Rows kNorm2{{"layer_scale1.lambda1", Role::kOther}, {"norm2.weight", Role::kNorm}, {"norm2.bias", Role::kBias}};
const Rows kScale2{{"layer_scale2.lambda1", Role::kOther}};
const Rows kFinalNorm{{"layernorm.weight", Role::kNorm}, {"layernorm.bias", Role::kBias}};
const Rows kClassifier{{"classifier.weight", Role::kHead}, {"classifier.bias", Role::kBias}};

/// The giant DINOv2 has gates, two of whose matrices are one in the files.
bool is_supported(const Config& config) { return !config.flag("use_swiglu_ffn").value_or(false); }

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families{
      {
          .model_type = "vit",
          .stem = "ViT",
          .prefix = "vit.",
          .landmarks = {"vit.encoder.layer.*.attention.attention.query.weight"},
          .tasks = {{"Model", "", true}, {"ForImageClassification", "vit.", false, kClassifier}},
          .bodies = {{.before = {{"", kPatches}},
                      .each = {{"", kAttention}, {"", kVitNorms}, {"", kFeedForward}},
                      .after = {{"", kFinalNorm}}}},
          .spellings = {{"layers.", "encoder.layer."},
                        {"attention.q_proj", "attention.attention.query"},
                        {"attention.k_proj", "attention.attention.key"},
                        {"attention.v_proj", "attention.attention.value"},
                        {"attention.o_proj", "attention.output.dense"},
                        {"mlp.fc1", "intermediate.dense"},
                        {"mlp.fc2", "output.dense"}},
      },
      {
          .model_type = "dinov2",
          .stem = "Dinov2",
          .prefix = "dinov2.",
          .tasks = {{"Model", ""}, {"ForImageClassification", "dinov2.", false, kClassifier}},
          .bodies = {{.before = {{"", kMaskedPatches}},
                      .each = {{"", kNorm1}, {"", kAttention}, {"", kNorm2}, {"", kFeedForward}, {"", kScale2}},
                      .after = {{"", kFinalNorm}},
                      .layers = "encoder.layer.{i}."}},
          .supports = is_supported,
          .spellings = {{"attention.q_proj", "attention.attention.query"},
                        {"attention.k_proj", "attention.attention.key"},
                        {"attention.v_proj", "attention.attention.value"},
                        {"attention.o_proj", "attention.output.dense"}},
      }};
  return families;
}

}  // namespace pare::model::vision
