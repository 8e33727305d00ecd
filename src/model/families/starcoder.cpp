// GPT-BigCode (Ben Allal et al. 2023), which is GPT-2 with Linear layers whose heads share keys and values, and
// StarCoder 2 (Lozhkov et al. 2024).
#include "model/families/decoder.h"

namespace pare::model::starcoder {
namespace {

const Rows kBigCodeEmbeddings{{"wte.weight", Role::kEmbedding, Slot::kWordEmbedding},
                              {"wpe.weight", Role::kEmbedding, Slot::kPositionEmbedding}};
const Rows kBigCodeLayer{
    {"ln_1.weight", Role::kNorm, Slot::kAttentionNorm},
    {"ln_1.bias", Role::kBias},
    {"attn.c_attn.weight", Role::kQkv},
    {"attn.c_attn.bias", Role::kBias},
    {"attn.c_proj.weight", Role::kO},
    {"attn.c_proj.bias", Role::kBias},
    {"ln_2.weight", Role::kNorm, Slot::kFeedForwardNorm},
    {"ln_2.bias", Role::kBias},
    {"mlp.c_fc.weight", Role::kFeedForward, Slot::kUp},
    {"mlp.c_fc.bias", Role::kBias},
    {"mlp.c_proj.weight", Role::kFeedForward, Slot::kDown},
    {"mlp.c_proj.bias", Role::kBias},
};
const Rows kBigCodeNorm{{"ln_f.weight", Role::kNorm, Slot::kFinalNorm}, {"ln_f.bias", Role::kBias}};

bool has_bias(const Site& site) { return site.config.flag("use_bias").value_or(true); }
const Rows kStarCoderLayer{
    {"self_attn.q_proj.weight", Role::kQ},
    {"self_attn.q_proj.bias", Role::kBias, {}, has_bias},
    {"self_attn.k_proj.weight", Role::kK},
    {"self_attn.k_proj.bias", Role::kBias, {}, has_bias},
    {"self_attn.v_proj.weight", Role::kV},
    {"self_attn.v_proj.bias", Role::kBias, {}, has_bias},
    {"self_attn.o_proj.weight", Role::kO},
    {"self_attn.o_proj.bias", Role::kBias, {}, has_bias},
    {"mlp.c_fc.weight", Role::kFeedForward, Slot::kUp},
    {"mlp.c_fc.bias", Role::kBias, {}, has_bias},
    {"mlp.c_proj.weight", Role::kFeedForward, Slot::kDown},
    {"mlp.c_proj.bias", Role::kBias, {}, has_bias},
    {"input_layernorm.weight", Role::kNorm, Slot::kAttentionNorm},
    {"input_layernorm.bias", Role::kBias},
    {"post_attention_layernorm.weight", Role::kNorm, Slot::kFeedForwardNorm},
    {"post_attention_layernorm.bias", Role::kBias},
};

const Rows kStarCoderNorm{{"norm.weight", Role::kNorm, Slot::kFinalNorm}, {"norm.bias", Role::kBias}};

const Rows kOutput{{"lm_head.weight", Role::kHead, Slot::kHead}};
const Rows kScore{{"score.weight", Role::kHead, Slot::kClassifier}};
const Rows kClassifier{{"classifier.weight", Role::kHead, Slot::kClassifier}, {"classifier.bias", Role::kBias}};
const std::vector<Tie> kTies{{"lm_head.weight", "wte.weight"}};

bool is_supported(const Config& config) { return !config.flag("add_cross_attention").value_or(false); }

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families{
      {.model_type = "gpt_bigcode",
       .stem = "GPTBigCode",
       .prefix = "transformer.",
       .tasks = {{"Model", ""},
                 {"ForCausalLM", "transformer.", false, kOutput, kTies, {}, "transformer.*"},
                 {"ForSequenceClassification", "transformer.", false, kScore},
                 {"ForTokenClassification", "transformer.", false, kClassifier}},
       .bodies = {{.before = {{"", kBigCodeEmbeddings}},
                   .each = {{"", kBigCodeLayer}},
                   .after = {{"", kBigCodeNorm}},
                   .layers = "h.{i}.",
                   .depth = {"num_hidden_layers", "n_layer"}}},
       .supports = is_supported,
       .buffers = {"bias", "transformer.bias", "*h.*.attn.bias", "*h.*.attn.masked_bias"}},
      {.model_type = "starcoder2",
       .stem = "Starcoder2",
       .prefix = "model.",
       .tasks = decoder_tasks({"Model", "ForCausalLM", "ForSequenceClassification", "ForTokenClassification"}),
       .bodies = {decoder_body({{"", kStarCoderLayer}}, {}, kStarCoderNorm)}},
  };
  return families;
}

}  // namespace pare::model::starcoder
