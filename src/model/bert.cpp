// BERT (Devlin et al. 2019) and its kind: the same encoder under other prefixes, with other heads.
#include <algorithm>

#include "model/resolver.h"
#include "model/table.h"

namespace pare::model {
namespace {

const std::vector<Row> kEmbeddings{
    {"word_embeddings.weight", Role::kEmbedding},       {"position_embeddings.weight", Role::kEmbedding},
    {"token_type_embeddings.weight", Role::kEmbedding}, {"LayerNorm.weight", Role::kNorm},
    {"LayerNorm.bias", Role::kBias},
};
const std::vector<Row> kAttention{
    {"self.query.weight", Role::kQ},         {"self.query.bias", Role::kBias},
    {"self.key.weight", Role::kK},           {"self.key.bias", Role::kBias},
    {"self.value.weight", Role::kV},         {"self.value.bias", Role::kBias},
    {"output.dense.weight", Role::kO},       {"output.dense.bias", Role::kBias},
    {"output.LayerNorm.weight", Role::kNorm}, {"output.LayerNorm.bias", Role::kBias},
};
const std::vector<Row> kFeedForward{
    {"intermediate.dense.weight", Role::kFeedForward}, {"intermediate.dense.bias", Role::kBias},
    {"output.dense.weight", Role::kFeedForward},       {"output.dense.bias", Role::kBias},
    {"output.LayerNorm.weight", Role::kNorm},          {"output.LayerNorm.bias", Role::kBias},
};
const std::vector<Row> kPooler{{"pooler.dense.weight", Role::kHead}, {"pooler.dense.bias", Role::kBias}};
const std::vector<Row> kPredictions{
    {"cls.predictions.bias", Role::kBias},
    {"cls.predictions.transform.dense.weight", Role::kHead},
    {"cls.predictions.transform.dense.bias", Role::kBias},
    {"cls.predictions.transform.LayerNorm.weight", Role::kNorm},
    {"cls.predictions.transform.LayerNorm.bias", Role::kBias},
};
const std::vector<Row> kNextSentence{{"cls.seq_relationship.weight", Role::kHead}, {"cls.seq_relationship.bias", Role::kBias}};
const std::vector<Row> kClassifier{{"classifier.weight", Role::kHead}, {"classifier.bias", Role::kBias}};
const std::vector<Row> kDenseClassifier{
    {"classifier.dense.weight", Role::kHead}, {"classifier.dense.bias", Role::kBias},
    {"classifier.out_proj.weight", Role::kHead}, {"classifier.out_proj.bias", Role::kBias}};
const std::vector<Row> kQuestionAnswering{{"qa_outputs.weight", Role::kHead}, {"qa_outputs.bias", Role::kBias}};
const std::vector<Row> kRobertaLmHead{
    {"lm_head.bias", Role::kBias}, {"lm_head.dense.weight", Role::kHead}, {"lm_head.dense.bias", Role::kBias},
    {"lm_head.layer_norm.weight", Role::kNorm}, {"lm_head.layer_norm.bias", Role::kBias}};
const std::vector<Row> kDiscriminator{
    {"discriminator_predictions.dense.weight", Role::kHead}, {"discriminator_predictions.dense.bias", Role::kBias},
    {"discriminator_predictions.dense_prediction.weight", Role::kHead},
    {"discriminator_predictions.dense_prediction.bias", Role::kBias}};
const std::vector<Row> kGenerator{
    {"generator_predictions.LayerNorm.weight", Role::kNorm}, {"generator_predictions.LayerNorm.bias", Role::kBias},
    {"generator_predictions.dense.weight", Role::kHead}, {"generator_predictions.dense.bias", Role::kBias},
    {"generator_lm_head.bias", Role::kBias}};

std::vector<Row> both(std::vector<Row> first, const std::vector<Row>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

/// What a task's class adds to the encoder.
struct Task {
  std::string_view ending;  ///< of the class name
  bool pooler;
  std::vector<Row> head;
};

/// The encoders that share BERT's blocks.
struct Family {
  std::string_view stem;    ///< class names begin with it
  std::string_view prefix;  ///< names of a class with a head begin with it
  std::vector<Task> tasks;
};

const std::vector<Family>& families() {
  static const std::vector<Task> roberta_tasks{
      {"Model", true, {}},
      {"ForMaskedLM", false, kRobertaLmHead},
      {"ForCausalLM", false, kRobertaLmHead},
      {"ForSequenceClassification", false, kDenseClassifier},
      {"ForMultipleChoice", true, kClassifier},
      {"ForTokenClassification", false, kClassifier},
      {"ForQuestionAnswering", false, kQuestionAnswering},
  };
  static const std::vector<Family> all{
      {"Bert",
       "bert.",
       {{"Model", true, {}},
        {"ForMaskedLM", false, kPredictions},
        {"LMHeadModel", false, kPredictions},
        {"ForPreTraining", true, both(kPredictions, kNextSentence)},
        {"ForNextSentencePrediction", true, kNextSentence},
        {"ForSequenceClassification", true, kClassifier},
        {"ForMultipleChoice", true, kClassifier},
        {"ForTokenClassification", false, kClassifier},
        {"ForQuestionAnswering", false, kQuestionAnswering}}},
      {"Roberta", "roberta.", roberta_tasks},
      {"XLMRoberta", "roberta.", roberta_tasks},
      {"Camembert", "roberta.", roberta_tasks},
      {"Electra",
       "electra.",
       {{"Model", false, {}},
        {"ForPreTraining", false, kDiscriminator},
        {"ForMaskedLM", false, kGenerator},
        {"ForSequenceClassification", false, kDenseClassifier},
        {"ForTokenClassification", false, kClassifier},
        {"ForQuestionAnswering", false, kQuestionAnswering}}},
  };
  return all;
}

/// The class when no configuration names one.
std::string class_by_names(const Names& names) {
  if (names.has_ending("discriminator_predictions.dense.weight")) return "ElectraForPreTraining";
  if (names.has("electra.embeddings.word_embeddings.weight")) return "ElectraForMaskedLM";
  const std::string stem = names.has("roberta.embeddings.word_embeddings.weight") ? "Roberta" : "Bert";
  if (names.has("cls.seq_relationship.weight")) return "BertForPreTraining";
  if (names.has("cls.predictions.bias") || names.has("lm_head.dense.weight")) return stem + "ForMaskedLM";
  if (names.has("classifier.weight") || names.has("classifier.dense.weight")) return stem + "ForSequenceClassification";
  if (names.has("qa_outputs.weight")) return stem + "ForQuestionAnswering";
  return stem + "Model";
}

/// Embeddings, blocks, and pooler, under a prefix.
void append_encoder(Architecture& architecture, const std::string& prefix, const Config& config, const Names& names,
                    bool pooler, const std::string& stack, bool cross_attention) {
  append_rows(architecture, prefix + "embeddings.", kEmbeddings, -1, stack);
  if (names.has_ending(prefix + "embeddings_project.weight") || names.has_ending("embeddings_project.weight"))
    append_rows(architecture, prefix + "embeddings_project.",
                {{"weight", Role::kFeedForward}, {"bias", Role::kBias}}, -1, stack);
  const unsigned shown = names.count_blocks(stack.empty() ? "encoder.layer." : prefix + "encoder.layer.");
  const unsigned blocks = block_count(config, {"num_hidden_layers"}, shown);
  for (unsigned i = 0; i < blocks; ++i) {
    const int layer = static_cast<int>(i);
    const std::string block = prefix + "encoder.layer.{i}.";
    append_rows(architecture, block + "attention.", kAttention, layer, stack);
    if (cross_attention) append_rows(architecture, block + "crossattention.", kAttention, layer, stack, true);
    append_rows(architecture, block, kFeedForward, layer, stack);
  }
  if (pooler) append_rows(architecture, prefix, kPooler, -1, stack);
}

/// Names in old files: TensorFlow's gamma and beta.
void add_legacy_spellings(std::vector<std::string>& spellings) {
  for (std::size_t i = 0, n = spellings.size(); i < n; ++i) {
    std::string name = spellings[i];
    for (const auto& [modern, legacy] : {std::pair{"LayerNorm.weight", "LayerNorm.gamma"}, std::pair{"LayerNorm.bias", "LayerNorm.beta"}})
      if (name.ends_with(modern)) spellings.push_back(name.substr(0, name.size() - std::string_view(modern).size()) + legacy);
  }
}

void add_ties(Architecture& architecture, const std::string& prefix, const std::string& embedding_prefix) {
  const std::string embedding = embedding_prefix + "embeddings.word_embeddings.weight";
  architecture.ties.emplace_back(prefix + "cls.predictions.decoder.weight", embedding);
  architecture.ties.emplace_back(prefix + "cls.predictions.decoder.bias", prefix + "cls.predictions.bias");
  architecture.ties.emplace_back(prefix + "lm_head.decoder.weight", embedding);
  architecture.ties.emplace_back(prefix + "lm_head.decoder.bias", prefix + "lm_head.bias");
  architecture.ties.emplace_back(prefix + "generator_lm_head.weight", embedding);
}

}  // namespace

std::optional<Architecture> bert_architecture(const std::string& class_name, const Config& config, const Names& names) {
  Architecture architecture;
  architecture.class_name = class_name.empty() ? class_by_names(names) : class_name;
  const std::string_view name = architecture.class_name;
  for (const Family& family : families()) {
    if (!name.starts_with(family.stem)) continue;
    const auto task = std::find_if(family.tasks.begin(), family.tasks.end(), [&](const Task& candidate) {
      return name.substr(family.stem.size()) == candidate.ending;
    });
    if (task == family.tasks.end()) continue;
    const std::string prefix = task->ending == "Model" ? "" : std::string(family.prefix);
    append_encoder(architecture, prefix, config, names, task->pooler, "", false);
    for (Expected& expected : architecture.parameters) {
      const std::string bare = expected.name.substr(prefix.size());
      expected.spellings = {expected.name, bare, std::string(family.prefix) + bare};
    }
    append_rows(architecture, "", task->head);
    add_ties(architecture, "", prefix);
    for (Expected& expected : architecture.parameters) {
      if (expected.spellings.empty()) expected.spellings = {expected.name};
      add_legacy_spellings(expected.spellings);
    }
    architecture.buffers = {"*embeddings.position_ids", "*embeddings.token_type_ids"};
    return architecture;
  }
  return std::nullopt;
}

std::optional<Architecture> encoder_decoder_architecture(const std::string& class_name, const Config& config,
                                                         const Names& names) {
  if (!class_name.empty() && class_name != "EncoderDecoderModel") return std::nullopt;
  const Config encoder = config.nested("encoder"), decoder = config.nested("decoder");
  for (const Config& part : {encoder, decoder})
    if (part.text("model_type").value_or("bert") != "bert") return std::nullopt;
  Architecture architecture;
  architecture.class_name = "EncoderDecoderModel";
  append_encoder(architecture, "encoder.", encoder, names, true, "encoder", false);
  append_encoder(architecture, "decoder.bert.", decoder, names, false, "decoder", true);
  append_rows(architecture, "decoder.", kPredictions, -1, "decoder");
  add_ties(architecture, "decoder.", "decoder.bert.");
  architecture.buffers = {"*embeddings.position_ids", "*embeddings.token_type_ids"};
  return architecture;
}

}  // namespace pare::model
