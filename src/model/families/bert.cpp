// BERT (Devlin et al. 2019), and the blocks that similar families share. MiniLM is a BertModel.
#include "model/family.h"

namespace pare::model {
namespace {

const Rows kEmbeddings{
    {"word_embeddings.weight", Role::kEmbedding, Slot::kWordEmbedding},
    {"position_embeddings.weight", Role::kEmbedding, Slot::kPositionEmbedding},
    {"token_type_embeddings.weight", Role::kEmbedding, Slot::kTypeEmbedding},
    {"LayerNorm.weight", Role::kNorm, Slot::kEmbeddingNorm},
    {"LayerNorm.bias", Role::kBias},
};
const Rows kAttention{
    {"self.query.weight", Role::kQ},
    {"self.query.bias", Role::kBias},
    {"self.key.weight", Role::kK},
    {"self.key.bias", Role::kBias},
    {"self.value.weight", Role::kV},
    {"self.value.bias", Role::kBias},
    {"output.dense.weight", Role::kO},
    {"output.dense.bias", Role::kBias},
    {"output.LayerNorm.weight", Role::kNorm, Slot::kAttentionNorm},
    {"output.LayerNorm.bias", Role::kBias},
};
const Rows kFeedForward{
    {"intermediate.dense.weight", Role::kFeedForward, Slot::kUp},     {"intermediate.dense.bias", Role::kBias},
    {"output.dense.weight", Role::kFeedForward, Slot::kDown},         {"output.dense.bias", Role::kBias},
    {"output.LayerNorm.weight", Role::kNorm, Slot::kFeedForwardNorm}, {"output.LayerNorm.bias", Role::kBias},
};
const Rows kPooler{{"pooler.dense.weight", Role::kHead, Slot::kPooler}, {"pooler.dense.bias", Role::kBias}};

const Rows kPredictions{
    {"cls.predictions.bias", Role::kBias},  // the head's through its tie
    {"cls.predictions.transform.dense.weight", Role::kHead, Slot::kHeadTransform},
    {"cls.predictions.transform.dense.bias", Role::kBias},
    {"cls.predictions.transform.LayerNorm.weight", Role::kNorm, Slot::kHeadNorm},
    {"cls.predictions.transform.LayerNorm.bias", Role::kBias},
    {"cls.predictions.decoder.weight", Role::kHead, Slot::kHead},
    {"cls.predictions.decoder.bias", Role::kBias},
};
const std::vector<Tie> kTies{
    {"cls.predictions.decoder.weight", "embeddings.word_embeddings.weight"},
    {"cls.predictions.decoder.bias", "cls.predictions.bias"},
};
const Rows kNextSentence{{"cls.seq_relationship.weight", Role::kHead}, {"cls.seq_relationship.bias", Role::kBias}};
const Rows kClassifier{{"classifier.weight", Role::kHead, Slot::kClassifier}, {"classifier.bias", Role::kBias}};
const Rows kQuestionAnswering{{"qa_outputs.weight", Role::kHead}, {"qa_outputs.bias", Role::kBias}};

Rows joined(Rows first, const Rows& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

bool append_body(Architecture& architecture, const Task& task, const Config& config, const Names& names) {
  const std::string prefix(task.prefix);
  append_bert_embeddings(architecture, prefix);
  append_bert_blocks(architecture, prefix,
                     block_count(config, {"num_hidden_layers"}, names.count_blocks("encoder.layer.")),
                     has_cross_attention(config));
  if (task.pooler) append_pooler(architecture, prefix);
  return true;
}

}  // namespace

const Rows& bert_predictions() { return kPredictions; }

bool has_cross_attention(const Config& config) {
  return config.flag("is_decoder").value_or(false) && config.flag("add_cross_attention").value_or(false);
}

void append_bert_embeddings(Architecture& architecture, const std::string& prefix, const std::string& stack) {
  append_rows(architecture, prefix + "embeddings.", kEmbeddings, -1, stack);
}

void append_bert_blocks(Architecture& architecture, const std::string& prefix, unsigned blocks, bool cross_attention,
                        const std::string& stack) {
  const std::string block = prefix + "encoder.layer.{i}.";
  for (unsigned i = 0; i < blocks; ++i) {
    const int layer = static_cast<int>(i);
    append_rows(architecture, block + "attention.", kAttention, layer, stack);
    if (cross_attention) append_rows(architecture, block + "crossattention.", kAttention, layer, stack, true);
    append_rows(architecture, block, kFeedForward, layer, stack);
  }
}

void append_pooler(Architecture& architecture, const std::string& prefix, const std::string& stack) {
  append_rows(architecture, prefix, kPooler, -1, stack);
}

namespace bert {
const std::vector<Family>& tables() {
  static const std::vector<Family> families{{
      .model_type = "bert",
      .stem = "Bert",
      .prefix = "bert.",
      .landmarks = {"encoder.layer.*.attention.self.query.weight", "*.encoder.layer.*.attention.self.query.weight"},
      .tasks = {{"Model", "", true},
                {"ForMaskedLM", "bert.", false, kPredictions, kTies},
                {"LMHeadModel", "bert.", false, kPredictions, kTies},
                {"ForPreTraining", "bert.", true, joined(kPredictions, kNextSentence), kTies},
                {"ForNextSentencePrediction", "bert.", true, kNextSentence},
                {"ForSequenceClassification", "bert.", true, kClassifier},
                {"ForMultipleChoice", "bert.", true, kClassifier},
                {"ForTokenClassification", "bert.", false, kClassifier},
                {"ForQuestionAnswering", "bert.", false, kQuestionAnswering}},
      .append_body = append_body,
  }};
  return families;
}
}  // namespace bert

}  // namespace pare::model
