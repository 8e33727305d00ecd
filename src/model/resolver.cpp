#include "model/resolver.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "pare/error.h"

namespace pare::model {
namespace {

constexpr std::uint64_t kMostBlocks = 10'000;

/// Index of the tensor that holds an expected parameter.
std::optional<std::size_t> locate(const Expected& expected, const std::unordered_map<std::string_view, std::size_t>& index) {
  if (const auto found = index.find(expected.name); found != index.end()) return found->second;
  for (const std::string& spelling : expected.spellings)
    if (const auto found = index.find(spelling); found != index.end()) return found->second;
  return std::nullopt;
}

Parameter to_parameter(const Expected& expected, std::size_t tensor, const TensorView& view) {
  Parameter parameter;
  parameter.name = expected.name;
  parameter.tensor = tensor;
  parameter.group = group_of(expected.role);
  parameter.stack = expected.stack;
  parameter.layer = expected.layer;
  parameter.cross_attention = expected.cross_attention;
  parameter.orientation = view.shape.size() == 2 ? orientation_of(expected.role) : Orientation::kNone;
  parameter.prunable = is_prunable(expected.role) && view.shape.size() == 2;
  return parameter;
}

std::string reason_for(const TensorView& tensor, const Architecture& architecture) {
  for (const std::string& buffer : architecture.buffers)
    if (glob_match(buffer, tensor.name)) return "buffer";
  for (const auto& [copy, original] : architecture.ties)
    if (tensor.name == copy) return "tied to " + original;
  if (!is_analysed(tensor.dtype)) return "dtype " + std::string(dtype_name(tensor.dtype)) + ": not measured";
  return "not part of " + architecture.class_name;
}

void note_missing(Model& model) {
  if (model.missing.empty()) return;
  std::string some;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, model.missing.size()); ++i)
    some += (i == 0 ? "" : ", ") + model.missing[i];
  model.notes.push_back(fmt::format("{} of the {} parameters of {} are not in the checkpoint: {}{}", model.missing.size(),
                                    model.missing.size() + model.parameters.size(), model.architecture, some,
                                    model.missing.size() > 3 ? ", ..." : ""));
}

bool same_bytes(const TensorView& a, const TensorView& b) {
  return a.dtype == b.dtype && a.shape == b.shape &&
         (a.bytes.data() == b.bytes.data() || std::memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()) == 0);
}

}  // namespace

unsigned block_count(const Config& config, std::initializer_list<std::string_view> keys, unsigned shown) {
  for (const std::string_view key : keys)
    if (const std::optional<std::uint64_t> blocks = config.number(key)) {
      if (*blocks > kMostBlocks) throw Error(fmt::format("config.json: '{}' is {}; a model cannot have so many blocks", key, *blocks));
      return std::max(static_cast<unsigned>(*blocks), shown);
    }
  return shown;
}

bool head_is_tied(const Config& config, const Names& names, std::string_view head, std::string_view embedding,
                  std::string_view embedding_too) {
  const TensorView* output = names.checkpoint().find(head);
  if (config.present()) return config.flag("tie_word_embeddings").value_or(true);
  const TensorView* input = names.checkpoint().find(embedding);
  if (input == nullptr && !embedding_too.empty()) input = names.checkpoint().find(embedding_too);
  return output == nullptr || (input != nullptr && same_bytes(*output, *input));
}

std::optional<Architecture> find_architecture(const std::string& class_name, const Config& config, const Names& names) {
  if (class_name.starts_with("GPT2")) return gpt2_architecture(class_name, config, names);
  if (class_name.starts_with("T5") || class_name.starts_with("MT5")) return t5_architecture(class_name, config, names);
  if (class_name.starts_with("DistilBert")) return distilbert_architecture(class_name, config, names);
  if (class_name == "EncoderDecoderModel") return encoder_decoder_architecture(class_name, config, names);
  return bert_architecture(class_name, config, names);
}

void apply_architecture(Model& model, const Architecture& architecture) {
  const std::span<const TensorView> tensors = model.checkpoint.tensors();
  std::unordered_map<std::string_view, std::size_t> index;
  for (std::size_t i = 0; i < tensors.size(); ++i) index.emplace(tensors[i].name, i);
  std::vector<bool> used(tensors.size(), false);
  model.architecture = architecture.class_name;
  for (const Expected& expected : architecture.parameters) {
    const std::optional<std::size_t> tensor = locate(expected, index);
    if (!tensor || used[*tensor]) {
      model.missing.push_back(expected.name);
    } else if (is_analysed(tensors[*tensor].dtype)) {
      used[*tensor] = true;
      model.parameters.push_back(to_parameter(expected, *tensor, tensors[*tensor]));
    }
  }
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (!used[i]) model.left_out.push_back({tensors[i].name, reason_for(tensors[i], architecture)});
  note_missing(model);
}

void resolve(Model& model, const Config& config, const std::string& as_class) {
  const Names names(model.checkpoint);
  model.model_type = config.text("model_type").value_or("");
  const std::string family = family_of(model.model_type, names);
  // The study read GPT-2 as GPT2Model, whatever the configuration calls it.
  const std::string class_name = !as_class.empty() ? as_class : family == "gpt2" ? "" : config.first_architecture();
  std::optional<Architecture> architecture;
  if (!as_class.empty()) {
    architecture = find_architecture(as_class, config, names);
    if (!architecture) throw Error(model.source, "cannot be read as '" + as_class + "': that class is not known");
  } else if (family == "gpt2") {
    architecture = gpt2_architecture(class_name, config, names);
  } else if (family == "t5") {
    architecture = t5_architecture(class_name, config, names);
  } else if (family == "distilbert") {
    architecture = distilbert_architecture(class_name, config, names);
  } else if (family == "encoder-decoder") {
    architecture = encoder_decoder_architecture(class_name, config, names);
  } else if (!family.empty()) {
    architecture = bert_architecture(class_name, config, names);
  }
  // A known family under which nothing is found is a misleading configuration: take it as it is.
  if (architecture) {
    apply_architecture(model, *architecture);
    if (!model.parameters.empty() || as_class != "") return;
    model.left_out.clear();
    model.missing.clear();
    model.notes.clear();
    return resolve_generic(model, config, "none of the parameters of " + architecture->class_name + " is in the checkpoint");
  }
  const std::string what = !class_name.empty() ? class_name : model.model_type;
  resolve_generic(model, config, what.empty() ? "the architecture is unknown" : "'" + what + "' is not known to pare");
}

}  // namespace pare::model
