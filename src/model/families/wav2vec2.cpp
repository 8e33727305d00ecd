// wav2vec 2.0 (Baevski et al. 2020): convolutions over the waveform, then an encoder. Convolutions are not pruned by
// default.
#include "model/family.h"

namespace pare::model::wav2vec2 {
namespace {

bool is_masked(const Site& site) {
  return site.config.real("mask_time_prob").value_or(0.05) > 0 || site.config.real("mask_feature_prob").value_or(0) > 0;
}
bool has_conv_bias(const Site& site) { return site.config.flag("conv_bias").value_or(false); }
/// With group norms, the first layer alone has one.
bool has_conv_norm(const Site& site) {
  return site.layer == 0 || site.config.text("feat_extract_norm").value_or("group") == "layer";
}

const Rows kMask{{"masked_spec_embed", Role::kEmbedding, {}, is_masked}};
const Rows kConvolution{
    {"conv.weight", Role::kOther},
    {"conv.bias", Role::kBias, {}, has_conv_bias},
    {"layer_norm.weight", Role::kNorm, {}, has_conv_norm},
    {"layer_norm.bias", Role::kBias, {}, has_conv_norm},
};
const Rows kProjection{
    {"layer_norm.weight", Role::kNorm},
    {"layer_norm.bias", Role::kBias},
    {"projection.weight", Role::kLinear},
    {"projection.bias", Role::kBias},
};
const Rows kPositions{
    {"pos_conv_embed.conv.bias", Role::kBias},
    {"pos_conv_embed.conv.parametrizations.weight.original0", Role::kOther},
    {"pos_conv_embed.conv.parametrizations.weight.original1", Role::kOther},
    {"layer_norm.weight", Role::kNorm},
    {"layer_norm.bias", Role::kBias},
};
const Rows kLayer{
    {"attention.k_proj.weight", Role::kK},
    {"attention.k_proj.bias", Role::kBias},
    {"attention.v_proj.weight", Role::kV},
    {"attention.v_proj.bias", Role::kBias},
    {"attention.q_proj.weight", Role::kQ},
    {"attention.q_proj.bias", Role::kBias},
    {"attention.out_proj.weight", Role::kO},
    {"attention.out_proj.bias", Role::kBias},
    {"layer_norm.weight", Role::kNorm},
    {"layer_norm.bias", Role::kBias},
    {"feed_forward.intermediate_dense.weight", Role::kFeedForward},
    {"feed_forward.intermediate_dense.bias", Role::kBias},
    {"feed_forward.output_dense.weight", Role::kFeedForward},
    {"feed_forward.output_dense.bias", Role::kBias},
    {"final_layer_norm.weight", Role::kNorm},
    {"final_layer_norm.bias", Role::kBias},
};

const Rows kOutput{{"lm_head.weight", Role::kHead}, {"lm_head.bias", Role::kBias}};
const Rows kClassifier{{"projector.weight", Role::kHead},
                       {"projector.bias", Role::kBias},
                       {"classifier.weight", Role::kHead},
                       {"classifier.bias", Role::kBias}};
const Rows kQuantizer{
    {"quantizer.codevectors", Role::kEmbedding},
    {"quantizer.weight_proj.weight", Role::kHead},
    {"quantizer.weight_proj.bias", Role::kBias},
    {"project_hid.weight", Role::kHead},
    {"project_hid.bias", Role::kBias},
    {"project_q.weight", Role::kHead},
    {"project_q.bias", Role::kBias},
};

bool is_supported(const Config& config) {
  return !config.flag("add_adapter").value_or(false) && !config.number("adapter_attn_dim") &&
         !config.flag("use_weighted_layer_sum").value_or(false);
}

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families{{
      .model_type = "wav2vec2",
      .stem = "Wav2Vec2",
      .prefix = "wav2vec2.",
      .tasks = {{"Model", ""},
                {"ForCTC", "wav2vec2.", false, kOutput},
                {"ForPreTraining", "wav2vec2.", false, kQuantizer},
                {"ForSequenceClassification", "wav2vec2.", false, kClassifier}},
      .bodies = {{.before = {{"", kMask}}},
                 {.prefix = "feature_extractor.",
                  .each = {{"", kConvolution}},
                  .layers = "conv_layers.{i}.",
                  .depth = {"num_feat_extract_layers"},
                  .stack = "features"},
                 {.prefix = "feature_projection.", .before = {{"", kProjection}}},
                 {.prefix = "encoder.", .before = {{"", kPositions}}, .each = {{"", kLayer}}}},
      .supports = is_supported,
      .spellings = {{"parametrizations.weight.original0", "weight_g"},
                    {"parametrizations.weight.original1", "weight_v"}},
  }};
  return families;
}

}  // namespace pare::model::wav2vec2
