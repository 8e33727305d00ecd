// DistilBERT (Sanh et al. 2019): BERT without token types and pooler, under names of its own.
#include "model/resolver.h"
#include "model/table.h"

namespace pare::model {
namespace {

const std::vector<Row> kEmbeddings{
    {"word_embeddings.weight", Role::kEmbedding},
    {"position_embeddings.weight", Role::kEmbedding},
    {"LayerNorm.weight", Role::kNorm},
    {"LayerNorm.bias", Role::kBias},
};
const std::vector<Row> kBlock{
    {"attention.q_lin.weight", Role::kQ},
    {"attention.q_lin.bias", Role::kBias},
    {"attention.k_lin.weight", Role::kK},
    {"attention.k_lin.bias", Role::kBias},
    {"attention.v_lin.weight", Role::kV},
    {"attention.v_lin.bias", Role::kBias},
    {"attention.out_lin.weight", Role::kO},
    {"attention.out_lin.bias", Role::kBias},
    {"sa_layer_norm.weight", Role::kNorm},
    {"sa_layer_norm.bias", Role::kBias},
    {"ffn.lin1.weight", Role::kFeedForward},
    {"ffn.lin1.bias", Role::kBias},
    {"ffn.lin2.weight", Role::kFeedForward},
    {"ffn.lin2.bias", Role::kBias},
    {"output_layer_norm.weight", Role::kNorm},
    {"output_layer_norm.bias", Role::kBias},
};

const std::vector<Row> kMaskedLm{
    {"vocab_transform.weight", Role::kHead}, {"vocab_transform.bias", Role::kBias},
    {"vocab_layer_norm.weight", Role::kNorm}, {"vocab_layer_norm.bias", Role::kBias},
    {"vocab_projector.bias", Role::kBias},
};
const std::vector<Row> kClassifier{{"classifier.weight", Role::kHead}, {"classifier.bias", Role::kBias}};
const std::vector<Row> kPreClassifier{{"pre_classifier.weight", Role::kHead}, {"pre_classifier.bias", Role::kBias},
                                      {"classifier.weight", Role::kHead}, {"classifier.bias", Role::kBias}};
const std::vector<Row> kQuestionAnswering{{"qa_outputs.weight", Role::kHead}, {"qa_outputs.bias", Role::kBias}};

const std::vector<Row>* head_of(const std::string& class_name) {
  static const std::vector<Row> none;
  if (class_name == "DistilBertModel") return &none;
  if (class_name == "DistilBertForMaskedLM") return &kMaskedLm;
  if (class_name == "DistilBertForSequenceClassification" || class_name == "DistilBertForMultipleChoice") return &kPreClassifier;
  if (class_name == "DistilBertForTokenClassification") return &kClassifier;
  if (class_name == "DistilBertForQuestionAnswering") return &kQuestionAnswering;
  return nullptr;
}

std::string class_by_names(const Names& names) {
  if (names.has("vocab_transform.weight")) return "DistilBertForMaskedLM";
  if (names.has("pre_classifier.weight")) return "DistilBertForSequenceClassification";
  if (names.has("qa_outputs.weight")) return "DistilBertForQuestionAnswering";
  return "DistilBertModel";
}

}  // namespace

std::optional<Architecture> distilbert_architecture(const std::string& class_name, const Config& config, const Names& names) {
  Architecture architecture;
  architecture.class_name = class_name.empty() ? class_by_names(names) : class_name;
  const std::vector<Row>* head = head_of(architecture.class_name);
  if (head == nullptr) return std::nullopt;
  const std::string prefix = architecture.class_name == "DistilBertModel" ? "" : "distilbert.";
  append_rows(architecture, prefix + "embeddings.", kEmbeddings);
  const unsigned blocks = block_count(config, {"n_layers", "num_hidden_layers"}, names.count_blocks("transformer.layer."));
  for (unsigned i = 0; i < blocks; ++i)
    append_rows(architecture, prefix + "transformer.layer.{i}.", kBlock, static_cast<int>(i));
  for (Expected& expected : architecture.parameters) {
    const std::string bare = expected.name.substr(prefix.size());
    expected.spellings = {bare, "distilbert." + bare};
  }
  append_rows(architecture, "", *head);
  if (head == &kMaskedLm)
    architecture.ties.emplace_back("vocab_projector.weight", prefix + "embeddings.word_embeddings.weight");
  architecture.buffers = {"*embeddings.position_ids"};
  return architecture;
}

}  // namespace pare::model
