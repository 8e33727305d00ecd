// What a checkpoint's tensors mean: which are parameters, what they are called, what they do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pare/checkpoint.h"

namespace pare {

/// The role of a parameter. Biases and norms keep their own groups wherever they sit.
enum class Group : std::uint8_t {
  kEmbedding,
  kAttentionQ,
  kAttentionK,
  kAttentionV,
  kAttentionO,
  kAttentionQkv,  ///< fused projection (GPT-2's c_attn)
  kFeedForward,
  kNorm,
  kBias,
  kHead,
  kPositionBias,  ///< T5's relative_attention_bias
  kOther,
};

/// Stable names: "embedding", "attention.q", ..., "attention.qkv", "feed-forward", "norm", "bias",
/// "head", "position-bias", "other".
std::string_view group_name(Group group) noexcept;
/// Accepts those names, and "attention" for every attention group. Throws Error for others.
std::vector<Group> parse_groups(std::string_view name);

/// The place of a parameter in a transformer. With Parameter::stack, layer and cross_attention it identifies one
/// module; the module's bias is in the same slot, in the group kBias. Code that runs models finds its weights by slot,
/// so names of tensors are spelled in the tables of families only.
enum class Slot : std::uint8_t {
  kNone,  ///< the family is not run, or no forward pass reads the parameter
  kWordEmbedding,
  kPositionEmbedding,
  kTypeEmbedding,      ///< BERT's token types
  kEmbeddingNorm,      ///< applied to the sum of the embeddings
  kProjectIn,          ///< from the width of the embeddings to that of the layers
  kAttentionNorm,      ///< before attention or, where the norm follows the residual sum, after it
  kPostAttentionNorm,  ///< applied to the output of attention, before the residual sum
  kFeedForwardNorm,    ///< as kAttentionNorm
  kPostFeedForwardNorm,
  kQ,
  kK,
  kV,
  kQkv,  ///< queries, keys and values in one matrix
  kO,
  kQNorm,
  kKNorm,
  kPositionBias,  ///< T5's relative_attention_bias
  kUp,
  kGate,
  kGateUp,  ///< both in one matrix
  kDown,
  kRouter,  ///< of a mixture of experts
  kExpertsUp,
  kExpertsGate,
  kExpertsGateUp,
  kExpertsDown,
  kFinalNorm,
  kProjectOut,     ///< from the width of the layers to that of the embeddings
  kHeadTransform,  ///< of a masked-LM head, before its norm
  kHeadNorm,
  kHead,  ///< the projection to the vocabulary
  kPooler,
  kClassifier,
};

/// A weight matrix's orientation: which axis the layer sums over.
enum class Orientation : std::uint8_t {
  kNone,   ///< no matrix of a linear layer
  kOutIn,  ///< torch.nn.Linear: [out, in]
  kInOut,  ///< transformers' Conv1D (GPT-2): [in, out]
};

/// One row of named_parameters().
struct Parameter {
  std::string name;        ///< canonical, as named_parameters() of the model's class spells it
  std::size_t tensor = 0;  ///< index into Model::checkpoint.tensors()
  Group group = Group::kOther;
  Slot slot = Slot::kNone;
  std::string stack;  ///< "encoder", "decoder", or empty
  int layer = -1;     ///< index of the block within its stack, -1 outside any
  bool cross_attention = false;
  Orientation orientation = Orientation::kNone;
  bool prunable = false;  ///< by default: the 2-D weights of Linear and Conv1D layers
};

/// A tensor of the files that is not a parameter of the class, and the reason.
struct LeftOut {
  std::string name;    ///< as the file spells it
  std::string reason;  ///< e.g. "buffer", "tied to wte.weight", "not part of BertForMaskedLM"
};

/// A checkpoint read as a model. Parameters stand in the order of named_parameters(); tied tensors
/// appear once, buffers never.
struct Model {
  std::string title;         ///< what tables and charts call it
  std::string source;        ///< what the user wrote
  std::string architecture;  ///< class, e.g. "GPT2Model"; "unknown" for the generic fallback
  std::string model_type;    ///< config.json's, e.g. "gpt2"; empty if unknown
  Checkpoint checkpoint;
  std::vector<Parameter> parameters;
  std::vector<LeftOut> left_out;
  std::vector<std::string> missing;  ///< parameters of the class that no file holds
  std::vector<std::string> notes;    ///< one sentence each, for people
  /// Files to copy beside rewritten weights (tokenizer and other small files): source path and
  /// the name to write. config.json is apart, in config.
  std::vector<std::pair<std::filesystem::path, std::string>> side_files;
  /// Text of the config.json to write beside rewritten weights; empty if the source has none.
  std::string config;

  const TensorView& tensor(const Parameter& parameter) const { return checkpoint.tensors()[parameter.tensor]; }
  /// Sum of elements over parameters.
  std::uint64_t parameter_count() const noexcept;
};

/// The tensors of the parameters whose values pare measures (see is_analyzed), in their order.
std::vector<TensorView> measured_tensors(const Model& model);

struct ModelOptions {
  std::uint64_t seed = 0;  ///< for weights that a composition draws afresh
  /// Class to read the checkpoint as, e.g. "BertModel"; empty: GPT2Model for GPT-2 (plus lm_head
  /// where untied), otherwise config.json's architectures[0], otherwise told by the tensor names.
  std::string as_class;
};

/// Opens "MODEL", "TITLE=MODEL" or "ENCODER+DECODER" (see Checkpoint::open for MODEL) and resolves
/// its parameters. ENCODER+DECODER composes two BERT-like checkpoints as
/// transformers' EncoderDecoderModel.from_encoder_decoder_pretrained does: cross-attention weights
/// drawn from N(0, initializer_range), biases 0, LayerNorm weight 1 and bias 0.
/// Throws Error for what cannot be read, Interrupted. An unknown architecture is not an error.
Model open_model(const std::string& spec, const ModelOptions& options = {}, const Context& context = {});

/// Throws Error if writing to `output` would destroy the model's own files in passing: a directory above them, or one
/// of them. Returns true if `output` is the model's own directory, which --force replaces once it is read.
bool check_output_apart(const std::filesystem::path& output, const Model& model);

/// Shell-style match over the whole name: '*' (any run, dots included), '?' (one character),
/// '[abc]' sets; as Python's fnmatch.fnmatchcase.
bool glob_match(std::string_view pattern, std::string_view name);

}  // namespace pare
