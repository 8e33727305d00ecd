// GPT-2 (Radford et al. 2019). The study opened it as transformers' GPT2Model, so that is the class unless another is
// requested. Names have no prefix "transformer.", and an output layer is a parameter only if it is untied. Linear
// layers are Conv1D: [in, out].
#include "model/family.h"

namespace pare::model::gpt2 {
namespace {

const Rows kEmbeddings{{"wte.weight", Role::kEmbedding, Slot::kWordEmbedding},
                       {"wpe.weight", Role::kEmbedding, Slot::kPositionEmbedding}};
const Rows kAttention{
    {"ln_1.weight", Role::kNorm, Slot::kAttentionNorm},
    {"ln_1.bias", Role::kBias},
    {"attn.c_attn.weight", Role::kConvQkv},
    {"attn.c_attn.bias", Role::kBias},
    {"attn.c_proj.weight", Role::kConvO},
    {"attn.c_proj.bias", Role::kBias},
    {"ln_2.weight", Role::kNorm, Slot::kFeedForwardNorm},
    {"ln_2.bias", Role::kBias},
};
const Rows kCrossAttention{
    {"crossattention.c_attn.weight", Role::kConvQkv},
    {"crossattention.c_attn.bias", Role::kBias},
    {"crossattention.q_attn.weight", Role::kConvQ},
    {"crossattention.q_attn.bias", Role::kBias},
    {"crossattention.c_proj.weight", Role::kConvO},
    {"crossattention.c_proj.bias", Role::kBias},
    {"ln_cross_attn.weight", Role::kNorm, Slot::kAttentionNorm},
    {"ln_cross_attn.bias", Role::kBias},
};
const Rows kFeedForward{
    {"mlp.c_fc.weight", Role::kConvFeedForward, Slot::kUp},
    {"mlp.c_fc.bias", Role::kBias},
    {"mlp.c_proj.weight", Role::kConvFeedForward, Slot::kDown},
    {"mlp.c_proj.bias", Role::kBias},
};
const Rows kFinalNorm{{"ln_f.weight", Role::kNorm, Slot::kFinalNorm}, {"ln_f.bias", Role::kBias}};

const Rows kOutput{{"lm_head.weight", Role::kHead, Slot::kHead}};
const Rows kTwoOutputs{
    {"lm_head.weight", Role::kHead, Slot::kHead},
    {"multiple_choice_head.summary.weight", Role::kHead},
    {"multiple_choice_head.summary.bias", Role::kBias},
};
const Rows kScore{{"score.weight", Role::kHead, Slot::kClassifier}};
const Rows kClassifier{{"classifier.weight", Role::kHead, Slot::kClassifier}, {"classifier.bias", Role::kBias}};
const Rows kQuestionAnswering{{"qa_outputs.weight", Role::kHead}, {"qa_outputs.bias", Role::kBias}};
const std::vector<Tie> kTies{{"lm_head.weight", "wte.weight"}};

bool append_body(Architecture& architecture, const Task& task, const Config& config, const Names& names) {
  const std::string prefix(task.prefix);
  const bool cross_attention = config.flag("add_cross_attention").value_or(false);
  append_rows(architecture, prefix, kEmbeddings);
  const unsigned blocks = block_count(config, {"n_layer", "num_hidden_layers"}, names.count_blocks("h."));
  for (unsigned i = 0; i < blocks; ++i) {
    const int layer = static_cast<int>(i);
    append_rows(architecture, prefix + "h.{i}.", kAttention, layer);
    if (cross_attention) append_rows(architecture, prefix + "h.{i}.", kCrossAttention, layer, {}, true);
    append_rows(architecture, prefix + "h.{i}.", kFeedForward, layer);
  }
  append_rows(architecture, prefix, kFinalNorm);
  return true;
}

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families{{
      .model_type = "gpt2",
      .stem = "GPT2",
      .prefix = "transformer.",
      .landmarks = {"h.*.attn.c_attn.weight", "*.h.*.attn.c_attn.weight"},
      .tasks = {{"Model", "", false, {}, kTies, kOutput},
                {"LMHeadModel", "transformer.", false, kOutput, kTies},
                {"DoubleHeadsModel", "transformer.", false, kTwoOutputs, kTies},
                {"ForSequenceClassification", "transformer.", false, kScore},
                {"ForTokenClassification", "transformer.", false, kClassifier},
                {"ForQuestionAnswering", "transformer.", false, kQuestionAnswering}},
      .append_body = append_body,
      .config_names_class = false,
      .buffers = {"*h.*.attn.bias", "*h.*.attn.masked_bias", "*h.*.crossattention.bias",
                  "*h.*.crossattention.masked_bias"},
  }};
  return families;
}

}  // namespace pare::model::gpt2
