// RoBERTa (Liu et al. 2019) and its translations, XLM-RoBERTa and CamemBERT: BERT's blocks with other heads. The
// translations' classes hold the head before the encoder; a weight that both share has the head's name.
#include "model/family.h"

namespace pare::model::roberta {
namespace {

const Rows kEmbeddings{
    {"embeddings.word_embeddings.weight", Role::kEmbedding, Slot::kWordEmbedding},
    {"embeddings.token_type_embeddings.weight", Role::kEmbedding, Slot::kTypeEmbedding},
    {"embeddings.LayerNorm.weight", Role::kNorm, Slot::kEmbeddingNorm},
    {"embeddings.LayerNorm.bias", Role::kBias},
    {"embeddings.position_embeddings.weight", Role::kEmbedding, Slot::kPositionEmbedding},
};
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

const std::vector<Task> kTasks{
    {"Model", "", true},
    {"ForMaskedLM", "roberta.", false, kOutput, kTies},
    {"ForCausalLM", "roberta.", false, kOutput, kTies},
    {"ForSequenceClassification", "roberta.", false, kTwoLayers},
    {"ForMultipleChoice", "roberta.", true, kClassifier},
    {"ForTokenClassification", "roberta.", false, kClassifier},
    {"ForQuestionAnswering", "roberta.", false, kQuestionAnswering},
};

bool append_body(Architecture& architecture, const Task& task, const Config& config, const Names& names) {
  const std::string prefix(task.prefix);
  append_rows(architecture, prefix, kEmbeddings);
  append_bert_blocks(architecture, prefix,
                     block_count(config, {"num_hidden_layers"}, names.count_blocks("encoder.layer.")),
                     has_cross_attention(config));
  if (task.pooler) append_pooler(architecture, prefix);
  return true;
}

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families{
      {.model_type = "roberta",
       .stem = "Roberta",
       .prefix = "roberta.",
       .landmarks = {"roberta.encoder.layer.*.attention.self.query.weight"},
       .tasks = kTasks,
       .append_body = append_body},
      {.model_type = "xlm-roberta",
       .stem = "XLMRoberta",
       .prefix = "roberta.",
       .tasks = kTasks,
       .append_body = append_body,
       .head_first = true},
      {.model_type = "camembert",
       .stem = "Camembert",
       .prefix = "roberta.",
       .tasks = kTasks,
       .append_body = append_body,
       .head_first = true},
  };
  return families;
}

}  // namespace pare::model::roberta
