// What a checkpoint's tensors mean: which of them are parameters, their names and their roles.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pare/checkpoint.h"

namespace pare {

/// The role of a parameter. Biases and norms have groups of their own, whatever module they belong to.
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
/// Returns the group of that name; for "attention", all attention groups. Throws Error (kArgument) for other names.
std::vector<Group> parse_groups(std::string_view name);

/// The place of a parameter in a transformer. Together with Parameter::stack, layer, expert and cross_attention, it
/// says which module a parameter belongs to. The module's weight and bias have the same slot and differ in their group.
/// Code that runs models uses slots to find weights without knowing the names of tensors. To select parameters for
/// inspection or pruning, use Group.
enum class Slot : std::uint8_t {
  kNone,  ///< pare does not run the family, or no forward pass reads the parameter
  kWordEmbedding,
  kPositionEmbedding,
  kTypeEmbedding,      ///< BERT's token types
  kEmbeddingNorm,      ///< applied to the sum of the embeddings
  kProjectIn,          ///< from the width of the embeddings to that of the layers
  kAttentionNorm,      ///< pre-norm models: before attention; post-norm: after the residual sum
  kPostAttentionNorm,  ///< Gemma 2: applied to the output of attention, before the residual sum
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
  kUp,            ///< of the feed-forward network, from the width of the layers to its own
  kGate,          ///< likewise; what the activation is applied to in gated networks (SwiGLU)
  kGateUp,        ///< both in one matrix
  kDown,          ///< back to the width of the layers
  kRouter,        ///< of a mixture of experts
  kExpertsUp,     ///< this and the next three: of one expert, or of all in one tensor with three axes
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

/// The orientation of a stored weight matrix: which axis is the input axis, over which the product sums. A tensor with
/// three axes, of which the first counts experts, has the orientation of the matrices in it.
enum class Orientation : std::uint8_t {
  kNone,   ///< not the weight matrix of a linear layer
  kOutIn,  ///< torch.nn.Linear: [out, in]
  kInOut,  ///< transformers' Conv1D (GPT-2): [in, out]
};

/// One row of named_parameters().
struct Parameter {
  std::string name;        ///< canonical, as named_parameters() of the model's class spells it
  std::size_t tensor = 0;  ///< index into Model::checkpoint.tensors()
  Group group = Group::kOther;
  Slot slot = Slot::kNone;
  std::string stack;  ///< "encoder", "decoder", "text", "vision", "features" (wav2vec 2.0's convolutions), or empty
  int layer = -1;     ///< index of the layer within its stack; -1 if it belongs to none
  int expert = -1;    ///< index of the expert within its layer; -1 if it belongs to none or holds all
  bool cross_attention = false;
  Orientation orientation = Orientation::kNone;
  /// Whether it is pruned by default: the weight matrix of a Linear module or of transformers' Conv1D. These include
  /// experts, poolers, classifiers, and an output head with weights of its own; embeddings, norms and biases are never
  /// pruned by default.
  bool prunable = false;
  /// Other tensors that hold the same values under a second name (tied weights): indices into checkpoint.tensors().
  /// They are listed in Model::left_out, count as this parameter, and are pruned with it.
  std::vector<std::size_t> copies = {};
};

/// A tensor that is left out, and the reason.
struct LeftOut {
  std::string name;    ///< as the file spells it
  std::string reason;  ///< e.g. "buffer", "tied to wte.weight", "not part of BertForMaskedLM"
};

/// A checkpoint read as a model. Parameters are in the order of named_parameters(). Tied tensors appear once, and
/// buffers are not included.
struct Model {
  std::string title;         ///< name of the model in tables and charts
  std::string source;        ///< MODEL or ENCODER+DECODER, as given to open_model()
  std::string architecture;  ///< class, e.g. "GPT2Model"; "unknown" for the generic fallback
  std::string model_type;    ///< config.json's, e.g. "gpt2"; empty if unknown
  Checkpoint checkpoint;
  std::vector<Parameter> parameters;
  std::vector<LeftOut> left_out;
  std::vector<std::string> missing;  ///< names of the class's parameters that no file holds
  std::vector<std::string> notes;    ///< one sentence each, for people
  /// Files to copy beside rewritten weights (tokenizer and other small files): source path and
  /// the name to write. config.json is not among them; its text is in `config`.
  std::vector<std::pair<std::filesystem::path, std::string>> side_files;
  /// Text of the config.json to write beside rewritten weights; empty if the source has none.
  std::string config;
  /// Names and texts of further files to write there: the tokenizer that a GGUF file holds.
  std::vector<std::pair<std::string, std::string>> side_texts = {};

  const TensorView& tensor(const Parameter& parameter) const { return checkpoint.tensors()[parameter.tensor]; }
  /// Sum of elements over parameters.
  std::uint64_t parameter_count() const noexcept;
};

/// Returns the tensors of the parameters whose dtype is analyzed (see is_analyzed() in pare/checkpoint.h: F64, F32,
/// F16, BF16, F8_E4M3 and F8_E5M2), in the order of `parameters`.
std::vector<TensorView> measured_tensors(const Model& model);

struct ModelOptions {
  std::uint64_t seed = 0;  ///< for the weights of ENCODER+DECODER that are initialized at random
  /// Class to read the checkpoint as, e.g. "BertModel". If empty: config.json's architectures[0] or, without it, what
  /// the names of the tensors suggest. Exception: GPT-2 is then always read as GPT2Model, as in the study that pare
  /// repeats, plus lm_head if the files hold one that is not tied.
  std::string as_class;
};

/// Opens "MODEL", "TITLE=MODEL" or "ENCODER+DECODER" (see Checkpoint::open for MODEL) and resolves
/// its parameters. ENCODER+DECODER composes two BERT-like checkpoints as
/// transformers' EncoderDecoderModel.from_encoder_decoder_pretrained does: cross-attention weights
/// drawn from a normal distribution with mean 0 and standard deviation initializer_range, biases 0, LayerNorm weight 1
/// and bias 0.
/// Throws Error if a checkpoint or its config.json cannot be read or is not valid; Interrupted. An unknown architecture
/// is not an error.
Model open_model(const std::string& spec, const ModelOptions& options = {}, const Context& context = {});

/// Checks whether writing to `output` could destroy the model that is read:
/// - `output` is one of the model's files, or a directory above the model's: throws Error (kArgument);
/// - it is the model's directory itself: returns true, and the caller should warn its user. Writing there fails unless
///   pare wrote that directory and WriteOptions::force (pare/prune.h) is set; then the directory is replaced after all
///   data was read;
/// - otherwise writing cannot harm the model: returns false.
bool check_output_apart(const std::filesystem::path& output, const Model& model);

/// Shell-style match over the whole name: '*' (any run, dots included), '?' (one character),
/// '[abc]' sets; as Python's fnmatch.fnmatchcase.
bool glob_match(std::string_view pattern, std::string_view name);

}  // namespace pare
