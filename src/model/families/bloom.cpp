// BLOOM (BigScience 2022): GPT-NeoX's fused projections, positions by ALiBi, and a norm of the embeddings.
#include "model/family.h"

namespace pare::model::bloom {
namespace {

const Rows kEmbedding{
    {"word_embeddings.weight", Role::kEmbedding, Slot::kWordEmbedding},
    {"word_embeddings_layernorm.weight", Role::kNorm, Slot::kEmbeddingNorm},
    {"word_embeddings_layernorm.bias", Role::kBias},
};
const Rows kLayer{
    {"input_layernorm.weight", Role::kNorm, Slot::kAttentionNorm},
    {"input_layernorm.bias", Role::kBias},
    {"self_attention.query_key_value.weight", Role::kQkv},
    {"self_attention.query_key_value.bias", Role::kBias},
    {"self_attention.dense.weight", Role::kO},
    {"self_attention.dense.bias", Role::kBias},
    {"post_attention_layernorm.weight", Role::kNorm, Slot::kFeedForwardNorm},
    {"post_attention_layernorm.bias", Role::kBias},
    {"mlp.dense_h_to_4h.weight", Role::kFeedForward, Slot::kUp},
    {"mlp.dense_h_to_4h.bias", Role::kBias},
    {"mlp.dense_4h_to_h.weight", Role::kFeedForward, Slot::kDown},
    {"mlp.dense_4h_to_h.bias", Role::kBias},
};
const Rows kFinalNorm{{"ln_f.weight", Role::kNorm, Slot::kFinalNorm}, {"ln_f.bias", Role::kBias}};

const Rows kOutput{{"lm_head.weight", Role::kHead, Slot::kHead}};
const Rows kScore{{"score.weight", Role::kHead, Slot::kClassifier}};
const Rows kClassifier{{"classifier.weight", Role::kHead, Slot::kClassifier}, {"classifier.bias", Role::kBias}};
const Rows kQuestionAnswering{{"qa_outputs.weight", Role::kHead}, {"qa_outputs.bias", Role::kBias}};
const std::vector<Tie> kTies{{"lm_head.weight", "word_embeddings.weight"}};

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families{{
      .model_type = "bloom",
      .stem = "Bloom",
      .prefix = "transformer.",
      .landmarks = {"word_embeddings_layernorm.weight", "transformer.word_embeddings_layernorm.weight"},
      .tasks = {{"Model", ""},
                {"ForCausalLM", "transformer.", false, kOutput, kTies, {}, "transformer.*"},
                {"ForSequenceClassification", "transformer.", false, kScore},
                {"ForTokenClassification", "transformer.", false, kClassifier},
                {"ForQuestionAnswering", "transformer.", false, kQuestionAnswering}},
      .bodies = {{.before = {{"", kEmbedding}},
                  .each = {{"", kLayer}},
                  .after = {{"", kFinalNorm}},
                  .layers = "h.{i}.",
                  .depth = {"num_hidden_layers", "n_layer"}}},
  }};
  return families;
}

}  // namespace pare::model::bloom
