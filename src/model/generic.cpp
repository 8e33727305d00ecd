// The fallback: every floating-point tensor is a parameter, and everything else is guessed from names.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <numeric>
#include <optional>
#include <tuple>

#include "model/resolver.h"
#include "pare/error.h"

namespace pare::model {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The digits at `at` without leading zeros; moves `at` past them.
std::string_view take_number(std::string_view text, std::size_t& at) {
  while (at < text.size() && text[at] == '0') ++at;
  const std::size_t begin = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  return text.substr(begin, at - begin);
}

/// "h.2.x" before "h.10.x": runs of digits compare as numbers.
bool natural_less(std::string_view a, std::string_view b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const std::string_view left = take_number(a, i), right = take_number(b, j);
      if (left.size() != right.size()) return left.size() < right.size();
      if (left != right) return left < right;
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i, ++j;
    }
  }
  const bool a_ends = i == a.size(), b_ends = j == b.size();
  return a_ends != b_ends ? a_ends : a < b;
}

/// Index of the first path component that is a number.
int layer_of(std::string_view name) {
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    int index = -1;
    const auto [stop, error] = std::from_chars(name.data() + begin, name.data() + end, index);
    if (error == std::errc() && stop == name.data() + end && index >= 0)
      return index < static_cast<int>(kMostBlocks) ? index : -1;
    begin = end + 1;
  }
  return -1;
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

struct Clue {
  std::string_view part;  ///< of the name in lower case, which is taken to begin and end with '.'
  Group group;
};

/// The first match decides.
constexpr Clue kClues[]{
    {"norm", Group::kNorm},
    {".ln", Group::kNorm},
    {"_ln.", Group::kNorm},
    {"gamma.", Group::kNorm},
    {".embed_out.", Group::kHead},
    {"embed", Group::kEmbedding},
    {".wte.", Group::kEmbedding},
    {".wpe.", Group::kEmbedding},
    {".shared.", Group::kEmbedding},
    {"lm_head", Group::kHead},
    {"classifier", Group::kHead},
    {"qa_outputs", Group::kHead},
    {"pooler", Group::kHead},
    {".cls.", Group::kHead},
    {".score.", Group::kHead},
    {".head.", Group::kHead},
    {"qkv", Group::kAttentionQkv},
    {"c_attn", Group::kAttentionQkv},
    {"query_key_value", Group::kAttentionQkv},
    {"in_proj", Group::kAttentionQkv},
    {"q_proj", Group::kAttentionQ},
    {"q_lin", Group::kAttentionQ},
    {"query", Group::kAttentionQ},
    {".q.", Group::kAttentionQ},
    {".wq.", Group::kAttentionQ},
    {"k_proj", Group::kAttentionK},
    {"k_lin", Group::kAttentionK},
    {".key", Group::kAttentionK},
    {".k.", Group::kAttentionK},
    {".wk.", Group::kAttentionK},
    {"v_proj", Group::kAttentionV},
    {"v_lin", Group::kAttentionV},
    {".value", Group::kAttentionV},
    {".v.", Group::kAttentionV},
    {".wv.", Group::kAttentionV},
    {"o_proj", Group::kAttentionO},
    {"out_lin", Group::kAttentionO},
    {"attention.wo.", Group::kAttentionO},
    {"mlp", Group::kFeedForward},
    {"ffn", Group::kFeedForward},
    {"ff.", Group::kFeedForward},
    {"feed_forward", Group::kFeedForward},
    {"feedforward", Group::kFeedForward},
    {".fc", Group::kFeedForward},
    {"c_fc", Group::kFeedForward},
    {".wi", Group::kFeedForward},
    {".wo.", Group::kFeedForward},
    {"gate", Group::kFeedForward},
    {"up_proj", Group::kFeedForward},
    {"down_proj", Group::kFeedForward},
    {"intermediate", Group::kFeedForward},
    {"expert", Group::kFeedForward},
    {"out_proj", Group::kAttentionO},
    {"attention", Group::kAttentionO},
    {"attn", Group::kAttentionO},
    {"dense", Group::kFeedForward},
};

Group guess_group(const std::string& lower) {
  const std::string name = "." + lower + ".";
  // T5's relative_attention_bias.weight is an embedding of distances.
  if (name.ends_with("attention_bias.weight.")) return Group::kPositionBias;
  if (name.ends_with("bias.") || name.ends_with(".beta.")) return Group::kBias;
  for (const Clue& clue : kClues)
    if (name.find(clue.part) != std::string::npos) return clue.group;
  return Group::kOther;
}

/// Floating-point buffers, which no architecture counts as parameters: what PyTorch's and transformers' modules, and
/// those of models copied from them, register.
bool is_buffer(const TensorView& tensor) {
  const std::string_view name = tensor.name;
  for (const char* buffer :
       {"inv_freq", "masked_bias", "final_logits_bias", "running_mean", "running_var", "cos_cached", "sin_cached",
        "freqs_cis", "causal_mask", "attn_mask", "attention_mask", "position_ids", "token_type_ids", "tril",
        "_float_tensor", "sinusoidal_pos_embed", "relative_position_index"}) {
    const std::string_view ending(buffer);
    if (name.ends_with(ending) && (name.size() == ending.size() || name[name.size() - ending.size() - 1] == '.'))
      return true;
  }
  // A causal mask is [1, 1, n, n]; the bias of a layer has one axis.
  const std::vector<std::uint64_t>& shape = tensor.shape;
  return shape.size() == 4 && shape[0] == 1 && shape[1] == 1 && shape[2] == shape[3] &&
         (name.ends_with(".bias") || name.ends_with(".mask"));
}

bool contains_any(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

Parameter guess(const TensorView& tensor, std::size_t index) {
  const std::string lower = lower_case(tensor.name);
  Parameter parameter;
  parameter.name = tensor.name;
  parameter.tensor = index;
  parameter.group = guess_group(lower);
  parameter.layer = layer_of(tensor.name);
  parameter.stack = lower.find("decoder.") != std::string::npos   ? "decoder"
                    : lower.find("encoder.") != std::string::npos ? "encoder"
                                                                  : "";
  parameter.cross_attention = contains_any(lower, {"crossattention", "cross_attn", "encdecattention", "encoder_attn"});
  const bool looked_up = parameter.group == Group::kEmbedding || parameter.group == Group::kPositionBias;
  const bool matrix = tensor.shape.size() == 2 && (lower == "weight" || lower.ends_with(".weight")) && !looked_up &&
                      parameter.group != Group::kNorm;
  parameter.orientation = matrix ? Orientation::kOutIn : Orientation::kNone;
  parameter.prunable = matrix;
  return parameter;
}

/// Embeddings of tokens, which encoder-decoders store once for each stack.
bool is_token_embedding(std::string_view name) {
  for (const char* part : {"embed_tokens", "shared", "wte", "word_embeddings", "tok_embeddings"})
    if (name.find(part) != std::string_view::npos) return true;
  return false;
}

/// Finds the second names of tied weights. Linear in the number of tensors, but for embeddings and output layers.
class TiedNames {
 public:
  explicit TiedNames(const Model& model) : model_(model) {
    for (const Parameter& parameter : model.parameters)
      if (const std::byte* place = place_of(model.tensor(parameter))) shared_.push_back(place);
    std::sort(shared_.begin(), shared_.end());
    // Only places that occur twice are kept, which are few among a million tensors.
    std::size_t kept = 0;
    for (std::size_t i = 1; i < shared_.size(); ++i)
      if (shared_[i] == shared_[i - 1] && (kept == 0 || shared_[kept - 1] != shared_[i])) shared_[kept++] = shared_[i];
    shared_.resize(kept);
    shared_.shrink_to_fit();
  }

  /// The earlier parameter of which this one is another name: the same bytes of the file, or an output layer or an
  /// embedding of tokens with an embedding's values.
  std::optional<std::size_t> earlier(std::size_t index) {
    const Parameter& parameter = model_.parameters[index];
    const TensorView& tensor = model_.tensor(parameter);
    if (tensor.shape.size() < 2 || tensor.bytes.empty()) return std::nullopt;
    if (const std::byte* place = place_of(tensor); std::binary_search(shared_.begin(), shared_.end(), place)) {
      const auto [first, added] = places_.try_emplace({place, tensor.dtype, tensor.shape}, index);
      if (!added) return first->second;
    }
    const bool embedding = parameter.group == Group::kEmbedding;
    const bool tokens = embedding && is_token_embedding(parameter.name);
    if (tensor.shape.size() != 2 || !(parameter.group == Group::kHead || embedding)) return std::nullopt;
    for (const std::size_t first : embeddings_) {
      if (embedding && !(tokens && is_token_embedding(model_.parameters[first].name))) continue;
      if (same_tensor(model_.tensor(model_.parameters[first]), tensor)) return first;
    }
    if (embedding && embeddings_.size() < kMostCompared) embeddings_.push_back(index);
    return std::nullopt;
  }

 private:
  static constexpr std::size_t kMostCompared = 64;

  /// Where a tensor lies in memory; nullptr if its bytes have to be made.
  static const std::byte* place_of(const TensorView& tensor) {
    const bool made = tensor.bytes.packed() != nullptr || tensor.bytes.encoded() != nullptr;
    return made ? nullptr : tensor.bytes.data();
  }

  const Model& model_;
  std::vector<const std::byte*> shared_;  ///< where more than one tensor lies, rising
  std::map<std::tuple<const std::byte*, DType, std::vector<std::uint64_t>>, std::size_t> places_;
  std::vector<std::size_t> embeddings_;
};

/// Leaves out the second names of tied weights: an embedding's name counts, whichever is first.
void drop_tied(Model& model) {
  std::vector<std::size_t> order(model.parameters.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_partition(order.begin(), order.end(),
                        [&](std::size_t i) { return model.parameters[i].group == Group::kEmbedding; });
  std::vector<bool> dropped(model.parameters.size(), false);
  TiedNames names(model);
  for (const std::size_t i : order) {
    const std::optional<std::size_t> first = names.earlier(i);
    if (!first) continue;
    dropped[i] = true;
    model.parameters[*first].copies.push_back(model.parameters[i].tensor);
    model.left_out.push_back({model.tensor(model.parameters[i]).name, "tied to " + model.parameters[*first].name});
  }
  std::size_t next = 0;
  std::erase_if(model.parameters, [&](const Parameter&) { return dropped[next++]; });
}

}  // namespace

void resolve_generic(Model& model, const Config& config, const std::string& reason) {
  const std::string configured = config.first_architecture();
  model.architecture = configured.empty() ? "unknown" : configured;
  model.notes.push_back(reason +
                        ": every floating-point tensor counts as a parameter, in the order of names (numbers "
                        "as numbers); groups, layers and what can be pruned are guessed from names");
  const std::span<const TensorView> tensors = model.checkpoint.tensors();
  model.parameters.reserve(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (is_buffer(tensors[i]))
      model.left_out.push_back({tensors[i].name, "buffer"});
    else if (!is_analyzed(tensors[i].dtype))
      model.left_out.push_back({tensors[i].name, dtype_reason(tensors[i].dtype)});
    else
      model.parameters.push_back(guess(tensors[i], i));
  }
  std::sort(model.parameters.begin(), model.parameters.end(),
            [](const Parameter& a, const Parameter& b) { return natural_less(a.name, b.name); });
  drop_tied(model);
  settle_orientations(model, true);
  if (model.parameters.empty())
    throw Error(ErrorCode::kUnsupported, model.source, "contains no floating-point tensor that could be measured");
}

}  // namespace pare::model
