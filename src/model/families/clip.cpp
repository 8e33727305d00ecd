// CLIP (Radford et al. 2021) and SigLIP (Zhai et al. 2023): an encoder of texts and one of images, together or alone.
// The encoders alone have no prefix in transformers 5, but have one in older files.
#include "model/family.h"

namespace pare::model::clip {
namespace {

const Rows kText{{"embeddings.token_embedding.weight", Role::kEmbedding},
                 {"embeddings.position_embedding.weight", Role::kEmbedding}};
const Rows kClipImage{{"embeddings.class_embedding", Role::kEmbedding},
                      {"embeddings.patch_embedding.weight", Role::kEmbedding},
                      {"embeddings.position_embedding.weight", Role::kEmbedding},
                      {"pre_layrnorm.weight", Role::kNorm},
                      {"pre_layrnorm.bias", Role::kBias}};
const Rows kSiglipImage{{"embeddings.patch_embedding.weight", Role::kEmbedding},
                        {"embeddings.patch_embedding.bias", Role::kBias},
                        {"embeddings.position_embedding.weight", Role::kEmbedding}};
const Rows kAttention{
    {"k_proj.weight", Role::kK},   {"k_proj.bias", Role::kBias},   {"v_proj.weight", Role::kV},
    {"v_proj.bias", Role::kBias},  {"q_proj.weight", Role::kQ},    {"q_proj.bias", Role::kBias},
    {"out_proj.weight", Role::kO}, {"out_proj.bias", Role::kBias},
};
const Rows kFeedForward{{"fc1.weight", Role::kFeedForward},
                        {"fc1.bias", Role::kBias},
                        {"fc2.weight", Role::kFeedForward},
                        {"fc2.bias", Role::kBias}};
const Rows kNorm1{{"layer_norm1.weight", Role::kNorm}, {"layer_norm1.bias", Role::kBias}};
const Rows kNorm2{{"layer_norm2.weight", Role::kNorm}, {"layer_norm2.bias", Role::kBias}};
const Rows kTextNorm{{"final_layer_norm.weight", Role::kNorm}, {"final_layer_norm.bias", Role::kBias}};
const Rows kImageNorm{{"post_layernorm.weight", Role::kNorm}, {"post_layernorm.bias", Role::kBias}};
const Rows kSiglipTextHead{{"head.weight", Role::kHead}, {"head.bias", Role::kBias}};

bool has_head(const Site& site) { return site.config.flag("vision_use_head").value_or(true); }
/// Attention from one learned query.
const Rows kSiglipImageHead{
    {"probe", Role::kEmbedding},
    {"attention.in_proj_weight", Role::kOther},  // not a Linear
    {"attention.in_proj_bias", Role::kBias},
    {"attention.out_proj.weight", Role::kHead},
    {"attention.out_proj.bias", Role::kBias},
    {"layernorm.weight", Role::kNorm},
    {"layernorm.bias", Role::kBias},
    {"mlp.fc1.weight", Role::kHead},
    {"mlp.fc1.bias", Role::kBias},
    {"mlp.fc2.weight", Role::kHead},
    {"mlp.fc2.bias", Role::kBias},
};

const Rows kScale{{"logit_scale", Role::kOther}};
const Rows kScaleAndBias{{"logit_scale", Role::kOther}, {"logit_bias", Role::kBias}};
const Rows kImageProjection{{"visual_projection.weight", Role::kHead}};
const Rows kTextProjection{{"text_projection.weight", Role::kHead}};
const Rows kProjections{{"visual_projection.weight", Role::kHead}, {"text_projection.weight", Role::kHead}};
const Rows kClassifier{{"classifier.weight", Role::kHead}, {"classifier.bias", Role::kBias}};

const std::vector<Section> kClipLayer{{"self_attn.", kAttention}, {"", kNorm1}, {"mlp.", kFeedForward}, {"", kNorm2}};
const std::vector<Section> kSiglipLayer{{"", kNorm1}, {"self_attn.", kAttention}, {"", kNorm2}, {"mlp.", kFeedForward}};

Body encoder(std::string_view prefix, std::string_view stack, std::string_view config, const Rows& before,
             const std::vector<Section>& each, std::vector<Section> after) {
  return {.prefix = prefix,
          .before = {{"", before}},
          .each = each,
          .after = std::move(after),
          .layers = "encoder.layers.{i}.",
          .stack = stack,
          .config = config};
}

Family family(std::string_view model_type, std::string_view stem, std::string_view prefix, std::vector<Task> tasks,
              std::vector<Body> bodies) {
  return {
      .model_type = model_type, .stem = stem, .prefix = prefix, .tasks = std::move(tasks), .bodies = std::move(bodies)};
}

std::vector<Family> make_families() {
  const std::vector<Section> text_end{{"", kTextNorm}}, image_end{{"", kImageNorm}},
      siglip_text_end{{"", kTextNorm}, {"", kSiglipTextHead}},
      siglip_image_end{{"", kImageNorm}, {"head.", kSiglipImageHead, has_head}};
  return {
      family("clip", "CLIP", "",
             {{"Model", "", false, kProjections},
              {"ForImageClassification", "", false, kClassifier, {}, {}, {}, "vision"}},
             {{.before = {{"", kScale}}},
              encoder("text_model.", "text", "text_config", kText, kClipLayer, text_end),
              encoder("vision_model.", "vision", "vision_config", kClipImage, kClipLayer, image_end)}),
      family("clip_text_model", "CLIPText", "text_model.",
             {{"Model", ""}, {"ModelWithProjection", "text_model.", false, kTextProjection}},
             {encoder("", "text", "", kText, kClipLayer, text_end)}),
      family("clip_vision_model", "CLIPVision", "vision_model.",
             {{"Model", ""}, {"ModelWithProjection", "vision_model.", false, kImageProjection}},
             {encoder("", "vision", "", kClipImage, kClipLayer, image_end)}),
      family("siglip", "Siglip", "",
             {{"Model", ""}, {"ForImageClassification", "", false, kClassifier, {}, {}, {}, "vision"}},
             {{.before = {{"", kScaleAndBias}}},
              encoder("text_model.", "text", "text_config", kText, kSiglipLayer, siglip_text_end),
              encoder("vision_model.", "vision", "vision_config", kSiglipImage, kSiglipLayer, siglip_image_end)}),
      family("siglip_text_model", "SiglipText", "text_model.", {{"Model", ""}},
             {encoder("", "text", "", kText, kSiglipLayer, siglip_text_end)}),
      family("siglip_vision_model", "SiglipVision", "vision_model.", {{"Model", ""}},
             {encoder("", "vision", "", kSiglipImage, kSiglipLayer, siglip_image_end)}),
  };
}

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families = make_families();
  return families;
}

}  // namespace pare::model::clip
