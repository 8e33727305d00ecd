// Families of architectures: classes that share a body and differ in what a task adds to it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/architecture.h"

namespace pare::model {

/// Two names of one parameter: what repeats, and what it repeats. Both without the family's prefix.
struct Tie {
  std::string_view name, source;
};

/// What a task's class has beside the body.
struct Task {
  std::string_view ending;  ///< of the class name, after the family's stem
  std::string_view prefix;  ///< before the body's names
  bool pooler = false;
  Rows head = {};
  std::vector<Tie> ties = {};
  Rows if_stored = {};          ///< further rows where the class is pare's choice and the files hold them
  std::string_view needs = {};  ///< a glob that some name must match for the class to be told by names
};

struct Family {
  std::string_view model_type;              ///< config.json's
  std::string_view stem;                    ///< class names begin with it
  std::string_view prefix;                  ///< that files may put before the body's names, e.g. "bert."
  std::vector<std::string_view> landmarks;  ///< globs: names that tell the family without config.json
  std::vector<Task> tasks;
  /// Appends the body's rows; false if the configuration is of a kind that the family does not know.
  bool (*append_body)(Architecture& architecture, const Task& task, const Config& config, const Names& names);
  bool head_first = false;                          ///< heads are members before the body
  bool config_names_class = true;                   ///< false: the first task, whatever config.json's architectures say
  bool (*is_tied)(const Config& config) = nullptr;  ///< default: tie_word_embeddings, true if not said
  std::vector<std::string_view> buffers = {"*position_ids", "*token_type_ids"};
};

// One file each, but for RoBERTa and its translations.
const Family& gpt2_family();
const Family& bert_family();
const Family& roberta_family();
const Family& xlm_roberta_family();
const Family& camembert_family();
const Family& electra_family();
const Family& distilbert_family();
const Family& t5_family();
const Family& mt5_family();
const Family& encoder_decoder_family();

/// All of them; the more telling landmarks first.
std::span<const Family* const> families();

/// The family of a class name, of config.json's model_type, or of the names in the files (asked in
/// that order; a later one only if the earlier are empty); nullptr if unknown.
const Family* find_family(const std::string& class_name, const std::string& model_type, const Names& names);

/// A family's class; `class_name` empty: told by the names. nullopt for a class it does not know.
std::optional<Architecture> lay_out(const Family& family, const std::string& class_name, const Config& config,
                                    const Names& names);

/// BERT's blocks under a prefix, with cross-attention where asked; shared by its kind.
void append_bert_blocks(Architecture& architecture, const std::string& prefix, unsigned blocks, bool cross_attention,
                        const std::string& stack = {});
/// A pooler under a prefix.
void append_pooler(Architecture& architecture, const std::string& prefix, const std::string& stack = {});
/// BERT's embeddings under a prefix.
void append_bert_embeddings(Architecture& architecture, const std::string& prefix, const std::string& stack = {});
/// BERT's masked-LM head, without a prefix.
const Rows& bert_predictions();
/// Whether the configuration asks for a decoder that attends to an encoder.
bool has_cross_attention(const Config& config);

}  // namespace pare::model
