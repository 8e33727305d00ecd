// The fallback: every floating tensor is a parameter, and names tell the rest.
#include <algorithm>
#include <cctype>
#include <charconv>

#include "model/resolver.h"
#include "pare/error.h"

namespace pare::model {
namespace {

/// "h.2.x" before "h.10.x": runs of digits compare as numbers.
bool natural_less(std::string_view a, std::string_view b) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (!is_digit(a[i]) || !is_digit(b[j])) {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i, ++j;
      continue;
    }
    const auto run = [&](std::string_view text, std::size_t& at) {
      while (at < text.size() && text[at] == '0') ++at;
      const std::size_t begin = at;
      while (at < text.size() && is_digit(text[at])) ++at;
      return text.substr(begin, at - begin);
    };
    const std::string_view left = run(a, i), right = run(b, j);
    if (left.size() != right.size()) return left.size() < right.size();
    if (left != right) return left < right;
  }
  if (a.size() - i != b.size() - j) return a.size() - i < b.size() - j;
  return a < b;
}

/// Index of the first path component that is a number.
int layer_of(std::string_view name) {
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    int index = 0;
    const auto [stop, error] = std::from_chars(name.data() + begin, name.data() + end, index);
    if (error == std::errc() && stop == name.data() + end && end != begin && index >= 0) return index;
    begin = end + 1;
  }
  return -1;
}

bool contains_any(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

Group guess_group(const std::string& lower, std::size_t dimensions) {
  if (lower.ends_with("bias") || lower.ends_with(".beta")) return Group::kBias;
  if (contains_any(lower, {"norm", ".ln_", "ln_f", ".ln1", ".ln2", "gamma"})) return Group::kNorm;
  if (contains_any(lower, {"embed", "wte.", "wpe."})) return Group::kEmbedding;
  if (contains_any(lower, {"lm_head", "classifier", "qa_outputs", "pooler", "cls.", "score."})) return Group::kHead;
  if (contains_any(lower, {"qkv", "c_attn", "query_key_value", "in_proj"})) return Group::kAttentionQkv;
  if (contains_any(lower, {"q_proj", "query", ".q.", "q_lin"})) return Group::kAttentionQ;
  if (contains_any(lower, {"k_proj", ".key", ".k.", "k_lin"})) return Group::kAttentionK;
  if (contains_any(lower, {"v_proj", "value", ".v.", "v_lin"})) return Group::kAttentionV;
  if (contains_any(lower, {"mlp", "ffn", "feed_forward", "feedforward", "fc1", "fc2", ".wi", ".wo.", "gate_proj", "up_proj",
                           "down_proj", "intermediate", "experts"}))
    return Group::kFeedForward;
  if (contains_any(lower, {"o_proj", "out_proj", "attention.output", "attn.c_proj", "attention.dense", ".o.", "attn.proj"}))
    return Group::kAttentionO;
  return dimensions >= 2 && lower.find("dense") != std::string::npos ? Group::kFeedForward : Group::kOther;
}

/// An output layer that shows an embedding's very bytes, or that the configuration ties.
bool is_tied_head(const Model& model, const TensorView& head, const Config& config) {
  if (config.flag("tie_word_embeddings").value_or(false)) return true;
  return std::any_of(model.checkpoint.tensors().begin(), model.checkpoint.tensors().end(), [&](const TensorView& other) {
    return other.name != head.name && !head.bytes.empty() && other.bytes.data() == head.bytes.data();
  });
}

}  // namespace

void resolve_generic(Model& model, const Config& config, const std::string& reason) {
  const std::string from_config = config.first_architecture();
  model.architecture = from_config.empty() ? "unknown" : from_config;
  model.notes.push_back(reason + ": every floating-point tensor counts as a parameter, in order of name, and groups and "
                                 "layers are guessed from names");
  const std::span<const TensorView> tensors = model.checkpoint.tensors();
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (is_analysed(tensors[i].dtype)) {
      order.push_back(i);
    } else {
      model.left_out.push_back({tensors[i].name, "dtype " + std::string(dtype_name(tensors[i].dtype)) + ": not measured"});
    }
  }
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return natural_less(tensors[a].name, tensors[b].name); });
  for (const std::size_t i : order) {
    std::string lower = tensors[i].name;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    Parameter parameter;
    parameter.name = tensors[i].name;
    parameter.tensor = i;
    parameter.group = guess_group(lower, tensors[i].shape.size());
    parameter.layer = layer_of(tensors[i].name);
    parameter.stack = lower.find("decoder.") != std::string::npos ? "decoder" : lower.find("encoder.") != std::string::npos ? "encoder" : "";
    parameter.cross_attention = contains_any(lower, {"crossattention", "cross_attn", "encdecattention", "encoder_attn"});
    const bool matrix = tensors[i].shape.size() == 2 && lower.ends_with("weight") && parameter.group != Group::kEmbedding &&
                        parameter.group != Group::kNorm;
    parameter.orientation = matrix ? Orientation::kOutIn : Orientation::kNone;
    parameter.prunable = matrix && !(parameter.group == Group::kHead && is_tied_head(model, tensors[i], config));
    model.parameters.push_back(std::move(parameter));
  }
  if (model.parameters.empty())
    throw Error(model.source, "holds no floating-point tensor that pare can measure");
}

}  // namespace pare::model
