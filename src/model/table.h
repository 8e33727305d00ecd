// An architecture as data: which parameters a class has, in the order of named_parameters().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/config.h"
#include "pare/model.h"

namespace pare::model {

/// What a parameter is. Decides its group, its orientation, whether it is pruned by default, and
/// how transformers initialises it when a checkpoint lacks it.
enum class Role : std::uint8_t {
  kEmbedding, kPositionBias,
  kQ, kK, kV, kO, kFeedForward,          // weights of torch.nn.Linear
  kConvQkv, kConvO, kConvFeedForward,    // weights of transformers' Conv1D
  kNorm, kBias,
  kHead,                                 // Linear weights outside the blocks
};

struct Row {
  std::string_view name;
  Role role;
};

/// One parameter that a class has.
struct Expected {
  std::string name;    ///< canonical
  Role role = Role::kBias;
  std::string stack;
  int layer = -1;
  bool cross_attention = false;
  /// Further spellings under which files may hold it.
  std::vector<std::string> spellings;
};

/// A class of a family, laid out for one configuration.
struct Architecture {
  std::string class_name;
  std::vector<Expected> parameters;
  /// Tensors that repeat a parameter (name in the file, canonical name).
  std::vector<std::pair<std::string, std::string>> ties;
  /// Globs of tensors that are buffers of the class.
  std::vector<std::string> buffers;
};

/// The names a checkpoint holds, for telling what its configuration leaves open.
class Names {
 public:
  explicit Names(const Checkpoint& checkpoint);
  bool has(std::string_view name) const { return checkpoint_.find(name) != nullptr; }
  /// True if some tensor is called `ending`, or ends with "." and it.
  bool has_ending(std::string_view ending) const;
  /// One more than the highest number between `before` and a following '.', over all tensors whose
  /// names hold it at their start or after a '.'; 0 if there is none. Throws Error beyond 10,000.
  unsigned count_blocks(std::string_view before) const;
  const Checkpoint& checkpoint() const { return checkpoint_; }

 private:
  const Checkpoint& checkpoint_;
};

// The families. Each returns nullopt for a class that it does not know.
std::optional<Architecture> gpt2_architecture(const std::string& class_name, const Config& config, const Names& names);
std::optional<Architecture> bert_architecture(const std::string& class_name, const Config& config, const Names& names);
std::optional<Architecture> distilbert_architecture(const std::string& class_name, const Config& config, const Names& names);
std::optional<Architecture> t5_architecture(const std::string& class_name, const Config& config, const Names& names);
/// A saved EncoderDecoderModel of two BERTs.
std::optional<Architecture> encoder_decoder_architecture(const std::string& class_name, const Config& config, const Names& names);

/// Appends `rows` under a prefix. In it and in names "{i}" stands for the block.
void append_rows(Architecture& architecture, std::string_view prefix, const std::vector<Row>& rows, int layer = -1,
                 const std::string& stack = {}, bool cross_attention = false);

/// Family member for a class name or the names in a file: "gpt2", "bert", "t5", ...; empty if none.
std::string family_of(const std::string& model_type, const Names& names);

Group group_of(Role role) noexcept;
Orientation orientation_of(Role role) noexcept;
bool is_prunable(Role role) noexcept;

}  // namespace pare::model
