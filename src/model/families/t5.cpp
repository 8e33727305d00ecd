// T5 (Raffel et al. 2020) and mT5: v1.0 with one and v1.1 with two (gated) input matrices in the
// feed-forward layers. transformers ties the output layer and the stacks' embeddings to `shared` regardless of the
// configuration, unless the files hold different ones (v1.1). Files of 2020 may hold
// decoder.block.0.layer.1.EncDecAttention.relative_attention_bias, which no class has.
#include "model/family.h"

namespace pare::model::t5 {
namespace {

const Rows kShared{{"shared.weight", Role::kEmbedding, Slot::kWordEmbedding}};
const Rows kStackEmbedding{{"embed_tokens.weight", Role::kEmbedding, Slot::kWordEmbedding}};
const Rows kAttention{{"q.weight", Role::kQ}, {"k.weight", Role::kK}, {"v.weight", Role::kV}, {"o.weight", Role::kO}};
const Rows kPositionBias{{"relative_attention_bias.weight", Role::kPositionBias}};
const Rows kAttentionNorm{{"layer_norm.weight", Role::kNorm, Slot::kAttentionNorm}};
const Rows kFeedForwardNorm{{"layer_norm.weight", Role::kNorm, Slot::kFeedForwardNorm}};
const Rows kFinalNorm{{"final_layer_norm.weight", Role::kNorm, Slot::kFinalNorm}};
const Rows kPlain{{"wi.weight", Role::kFeedForward, Slot::kUp}, {"wo.weight", Role::kFeedForward, Slot::kDown}};
const Rows kGated{{"wi_0.weight", Role::kFeedForward, Slot::kGate},
                  {"wi_1.weight", Role::kFeedForward, Slot::kUp},
                  {"wo.weight", Role::kFeedForward, Slot::kDown}};

const Rows kOutput{{"lm_head.weight", Role::kHead, Slot::kHead}};
const Rows kTwoLayers{{"classification_head.dense.weight", Role::kHead},
                      {"classification_head.dense.bias", Role::kBias},
                      {"classification_head.out_proj.weight", Role::kHead},
                      {"classification_head.out_proj.bias", Role::kBias}};
const Rows kClassifier{{"classifier.weight", Role::kHead}, {"classifier.bias", Role::kBias}};
const Rows kQuestionAnswering{{"qa_outputs.weight", Role::kHead}, {"qa_outputs.bias", Role::kBias}};

const Tie kEncoderTie{"encoder.embed_tokens.weight", "shared.weight"},
    kDecoderTie{"decoder.embed_tokens.weight", "shared.weight"}, kOutputTie{"lm_head.weight", "shared.weight"};
const std::vector<Tie> kTies{kEncoderTie, kDecoderTie}, kOutputTies{kEncoderTie, kDecoderTie, kOutputTie};

const std::vector<Task> kTasks{
    {"EncoderModel", "", false, {}, {kEncoderTie}},
    {"ForConditionalGeneration", "", false, kOutput, kOutputTies, {}, "*decoder.block.*"},
    {"WithLMHeadModel", "", false, kOutput, kOutputTies},  // its name of 2020
    {"Model", "", false, {}, kTies},
    {"ForQuestionAnswering", "", false, kQuestionAnswering, kTies},
    {"ForSequenceClassification", "transformer.", false, kTwoLayers, kTies},
    {"ForTokenClassification", "transformer.", false, kClassifier, {kEncoderTie}},
};

void append_stack(Architecture& architecture, const std::string& prefix, const std::string& stack, unsigned blocks,
                  bool gated) {
  const bool decoder = stack == "decoder";
  append_rows(architecture, prefix + stack + ".", kStackEmbedding, -1, stack);
  for (unsigned i = 0; i < blocks; ++i) {
    const int layer = static_cast<int>(i);
    const std::string block = prefix + stack + ".block.{i}.layer.";
    append_rows(architecture, block + "0.SelfAttention.", kAttention, layer, stack);
    if (i == 0) append_rows(architecture, block + "0.SelfAttention.", kPositionBias, layer, stack);
    append_rows(architecture, block + "0.", kAttentionNorm, layer, stack);
    if (decoder) {
      append_rows(architecture, block + "1.EncDecAttention.", kAttention, layer, stack, true);
      append_rows(architecture, block + "1.", kAttentionNorm, layer, stack, true);
    }
    const std::string last = block + (decoder ? "2." : "1.");
    append_rows(architecture, last + "DenseReluDense.", gated ? kGated : kPlain, layer, stack);
    append_rows(architecture, last, kFeedForwardNorm, layer, stack);
  }
  append_rows(architecture, prefix + stack + ".", kFinalNorm, -1, stack);
}

bool append_body(Architecture& architecture, const Task& task, const Config& config, const Names& names) {
  const std::string prefix(task.prefix);
  const std::optional<std::string> projection = config.text("feed_forward_proj");
  const bool gated = projection ? projection->starts_with("gated") : names.has_ending("DenseReluDense.wi_0.weight");
  const bool encoder_only = task.ending == "EncoderModel" || task.ending == "ForTokenClassification";
  append_rows(architecture, prefix, kShared);
  append_stack(architecture, prefix, "encoder",
               block_count(config, {"num_layers"}, names.count_blocks("encoder.block.")), gated);
  if (encoder_only) return true;
  append_stack(architecture, prefix, "decoder",
               block_count(config, {"num_decoder_layers", "num_layers"}, names.count_blocks("decoder.block.")), gated);
  return true;
}

Family family_of(std::string_view model_type, std::string_view stem, std::vector<std::string_view> landmarks) {
  return {.model_type = model_type,
          .stem = stem,
          .prefix = "transformer.",
          .landmarks = std::move(landmarks),
          .tasks = kTasks,
          .append_body = append_body,
          .is_tied = [](const Config&) { return true; }};
}

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families{family_of("t5", "T5", {"*encoder.block.*.layer.0.SelfAttention.q.weight"}),
                                            family_of("mt5", "MT5", {})};
  return families;
}

}  // namespace pare::model::t5
