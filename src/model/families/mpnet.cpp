// MPNet (Song et al. 2020): BERT's layers, and one bias by relative position that all of them share.
#include "model/family.h"

namespace pare::model::mpnet {
namespace {

const Rows kEmbeddings{
    {"embeddings.word_embeddings.weight", Role::kEmbedding, Slot::kWordEmbedding},
    {"embeddings.position_embeddings.weight", Role::kEmbedding, Slot::kPositionEmbedding},
    {"embeddings.LayerNorm.weight", Role::kNorm, Slot::kEmbeddingNorm},
    {"embeddings.LayerNorm.bias", Role::kBias},
};
const Rows kLayer{
    {"attention.attn.q.weight", Role::kQ},
    {"attention.attn.q.bias", Role::kBias},
    {"attention.attn.k.weight", Role::kK},
    {"attention.attn.k.bias", Role::kBias},
    {"attention.attn.v.weight", Role::kV},
    {"attention.attn.v.bias", Role::kBias},
    {"attention.attn.o.weight", Role::kO},
    {"attention.attn.o.bias", Role::kBias},
    {"attention.LayerNorm.weight", Role::kNorm, Slot::kAttentionNorm},
    {"attention.LayerNorm.bias", Role::kBias},
    {"intermediate.dense.weight", Role::kFeedForward, Slot::kUp},
    {"intermediate.dense.bias", Role::kBias},
    {"output.dense.weight", Role::kFeedForward, Slot::kDown},
    {"output.dense.bias", Role::kBias},
    {"output.LayerNorm.weight", Role::kNorm, Slot::kFeedForwardNorm},
    {"output.LayerNorm.bias", Role::kBias},
};
const Rows kPositionBias{{"encoder.relative_attention_bias.weight", Role::kPositionBias}};

const Rows kOutput{
    {"lm_head.bias", Role::kBias},  // the head's through its tie
    {"lm_head.dense.weight", Role::kHead, Slot::kHeadTransform},
    {"lm_head.dense.bias", Role::kBias},
    {"lm_head.layer_norm.weight", Role::kNorm, Slot::kHeadNorm},
    {"lm_head.layer_norm.bias", Role::kBias},
    {"lm_head.decoder.weight", Role::kHead, Slot::kHead},
    {"lm_head.decoder.bias", Role::kBias},
};
const std::vector<Tie> kTies{
    {"lm_head.decoder.weight", "embeddings.word_embeddings.weight"},
    {"lm_head.decoder.bias", "lm_head.bias"},
};
const Rows kTwoLayers{
    {"classifier.dense.weight", Role::kHead, Slot::kPooler},
    {"classifier.dense.bias", Role::kBias},
    {"classifier.out_proj.weight", Role::kHead, Slot::kClassifier},
    {"classifier.out_proj.bias", Role::kBias},
};
const Rows kClassifier{{"classifier.weight", Role::kHead, Slot::kClassifier}, {"classifier.bias", Role::kBias}};
const Rows kQuestionAnswering{{"qa_outputs.weight", Role::kHead}, {"qa_outputs.bias", Role::kBias}};

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families{{
      .model_type = "mpnet",
      .stem = "MPNet",
      .prefix = "mpnet.",
      .landmarks = {"encoder.layer.*.attention.attn.q.weight", "mpnet.encoder.layer.*.attention.attn.q.weight"},
      .tasks = {{"Model", "", true},
                {"ForMaskedLM", "mpnet.", false, kOutput, kTies},
                {"ForSequenceClassification", "mpnet.", false, kTwoLayers},
                {"ForMultipleChoice", "mpnet.", true, kClassifier},
                {"ForTokenClassification", "mpnet.", false, kClassifier},
                {"ForQuestionAnswering", "mpnet.", false, kQuestionAnswering}},
      .bodies = {{.before = {{"", kEmbeddings}},
                  .each = {{"", kLayer}},
                  .after = {{"", kPositionBias}},
                  .layers = "encoder.layer.{i}."}},
  }};
  return families;
}

}  // namespace pare::model::mpnet
