// Families of architectures: classes that share a body and differ in the parts that a task adds.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/architecture.h"
#include "model/body.h"

namespace pare::model {

/// Two names of one parameter: `name` repeats `source`. Both without the family's prefix.
struct Tie {
  std::string_view name, source;
};

/// The parts that the class of a task has besides the body.
struct Task {
  std::string_view ending;  ///< rest of the class name, after the family's stem
  std::string_view prefix;  ///< prefix of the body's names
  bool pooler = false;
  Rows head = {};
  std::vector<Tie> ties = {};
  Rows if_stored = {};          ///< further rows where the class is pare's choice and the files hold them
  std::string_view needs = {};  ///< a glob that some name must match for the class to be told by names
  std::string_view only = {};   ///< of several bodies, the stack of the only one that the class has
};

struct Family {
  std::string_view model_type;                   ///< config.json's
  std::string_view stem;                         ///< class names begin with it
  std::string_view prefix;                       ///< prefix of the body's names that files may use, e.g. "bert."
  std::vector<std::string_view> landmarks = {};  ///< globs: names that identify the family without config.json
  std::vector<Task> tasks;
  std::vector<Body> bodies = {};
  /// For bodies that are not data: appends the rows. Returns false for a kind of configuration that the family does not
  /// support.
  bool (*append_body)(Architecture& architecture, const Task& task, const Config& config, const Names& names) = nullptr;
  bool (*supports)(const Config& config) = nullptr;  ///< whether the rows are those of a configuration; default: always
  Rows pooler = {};                                  ///< of tasks with a pooler; default: BERT's
  bool head_first = false;                           ///< heads are members before the body
  bool config_names_class =
      true;  ///< if false, the class is the first task's, regardless of config.json's "architectures"
  bool tied_by_default = true;                      ///< if the configuration has no tie_word_embeddings
  bool (*is_tied)(const Config& config) = nullptr;  ///< default: tie_word_embeddings
  std::vector<std::string_view> buffers = {"*position_ids", "*token_type_ids", "*rotary_emb.*inv_freq"};
  /// Parts of canonical names and what older files have instead; transformers renames them on loading.
  std::vector<std::pair<std::string_view, std::string_view>> spellings = {};
};

// Each source file in families/ has the tables of related families and a namespace of its own, so that the files can be
// compiled as one.

// Those of the study, and encoders with BERT's layers.
namespace encoder_decoder {
const std::vector<Family>& tables();
}
namespace gpt2 {
const std::vector<Family>& tables();
}
namespace t5 {
const std::vector<Family>& tables();
}
namespace distilbert {
const std::vector<Family>& tables();
}
namespace electra {
const std::vector<Family>& tables();
}
namespace roberta {
const std::vector<Family>& tables();
}
namespace bert {
const std::vector<Family>& tables();
}
// Decoders.
namespace llama {
const std::vector<Family>& tables();
}
namespace qwen {
const std::vector<Family>& tables();
}
namespace gemma {
const std::vector<Family>& tables();
}
namespace mixture {
const std::vector<Family>& tables();
}
namespace opt {
const std::vector<Family>& tables();
}
namespace gpt_neox {
const std::vector<Family>& tables();
}
namespace bloom {
const std::vector<Family>& tables();
}
namespace starcoder {
const std::vector<Family>& tables();
}
namespace phi {
const std::vector<Family>& tables();
}
namespace falcon {
const std::vector<Family>& tables();
}
// Encoders, and encoder-decoders.
namespace modernbert {
const std::vector<Family>& tables();
}
namespace mpnet {
const std::vector<Family>& tables();
}
namespace deberta {
const std::vector<Family>& tables();
}
namespace albert {
const std::vector<Family>& tables();
}
namespace bart {
const std::vector<Family>& tables();
}
namespace whisper {
const std::vector<Family>& tables();
}
// Images and sound.
namespace clip {
const std::vector<Family>& tables();
}
namespace vision {
const std::vector<Family>& tables();
}
namespace wav2vec2 {
const std::vector<Family>& tables();
}

/// All families, those with more specific landmarks first.
std::span<const Family* const> families();

/// The family of a class name, of config.json's model_type, or of the names in the files (in that order; a later one
/// counts only if the earlier ones are empty); nullptr if unknown.
const Family* find_family(const std::string& class_name, const std::string& model_type, const Names& names);

/// A family's class; if `class_name` is empty, the names determine it. nullopt for an unknown class.
std::optional<Architecture> lay_out(const Family& family, const std::string& class_name, const Config& config,
                                    const Names& names);

/// BERT's blocks under a prefix, optionally with cross-attention; shared by similar families.
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
