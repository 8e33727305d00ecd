// Two BERTs as one encoder-decoder, as EncoderDecoderModel.from_encoder_decoder_pretrained makes it.
#include "model/compose.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "model/draw.h"
#include "model/resolver.h"
#include "pare/error.h"

namespace pare::model {
namespace {

using Json = nlohmann::ordered_json;

/// A half, opened and read as the class it takes in the composition.
struct Half {
  Model model;
  Json config;
};

Half open_half(const Checkpoint& checkpoint, const std::string& source, const std::string& class_name) {
  Half half{Model{source, source, {}, {}, checkpoint, {}, {}, {}, {}, {}, {}}, Json::object()};
  const std::filesystem::path path = checkpoint.directory() / "config.json";
  const std::optional<std::string> text = checkpoint.config_text();
  if (!text) throw Error(path, "is missing; a composition needs the configurations of both halves");
  const Config config(text, path);
  const std::string type = config.text("model_type").value_or("");
  if (type != "bert") throw Error(path, "model_type is '" + type + "'; only BERT checkpoints can be composed");
  half.config = Json::parse(*text);
  resolve(half.model, config, class_name);
  return half;
}

const TensorView& embedding_of(const Half& half) {
  for (const Parameter& parameter : half.model.parameters)
    if (parameter.name.ends_with("embeddings.word_embeddings.weight") && half.model.tensor(parameter).shape.size() == 2)
      return half.model.tensor(parameter);
  throw Error(half.model.source, "holds no word embeddings, so it cannot be composed");
}

/// Shape of a parameter that must be drawn; `sizes` are [vocabulary, hidden] of its half.
std::vector<std::uint64_t> shape_of(const Expected& expected, const std::vector<std::uint64_t>& sizes) {
  const std::uint64_t vocabulary = sizes[0], hidden = sizes[1];
  if (expected.name.ends_with("cls.predictions.bias")) return {vocabulary};
  const bool in_feed_forward = expected.role == Role::kFeedForward || expected.name.find("intermediate.") != std::string::npos;
  if (expected.role == Role::kEmbedding || in_feed_forward)
    throw Error({}, expected.name, "is missing, and is no part that a composition draws afresh");
  if (expected.role == Role::kBias || expected.role == Role::kNorm) return {hidden};
  return {hidden, hidden};
}

Json composed_config(const Half& encoder, const Half& decoder) {
  Json inner = decoder.config;
  inner["is_decoder"] = true;
  inner["add_cross_attention"] = true;
  const Json pad = inner.value("pad_token_id", Json(nullptr));
  return {{"architectures", {"EncoderDecoderModel"}},
          {"decoder", inner},
          {"decoder_start_token_id", inner.value("bos_token_id", Json(nullptr))},
          {"encoder", encoder.config},
          {"is_encoder_decoder", true},
          {"model_type", "encoder-decoder"},
          {"pad_token_id", pad},
          {"tie_word_embeddings", false}};
}

/// Collects tensors in the order of the composition's parameters.
class Composer {
 public:
  void add(const Half& half, const Architecture& architecture, const std::string& prefix, const std::string& stack) {
    const std::vector<std::uint64_t> sizes = embedding_of(half).shape;
    for (const Expected& expected : architecture.parameters) {
      if (expected.stack != stack) continue;
      const auto held = std::find_if(half.model.parameters.begin(), half.model.parameters.end(),
                                     [&](const Parameter& p) { return prefix + p.name == expected.name; });
      if (held == half.model.parameters.end()) {
        fresh_.push_back({expected.name, expected.role, shape_of(expected, sizes)});
        slots_.push_back(std::nullopt);
      } else {
        TensorView tensor = half.model.tensor(*held);
        tensor.name = expected.name;
        slots_.push_back(std::move(tensor));
      }
    }
  }

  std::size_t drawn() const { return fresh_.size(); }

  /// The checkpoint; the halves' mappings stay alive with it.
  Checkpoint finish(const Half& encoder, const Half& decoder, double std, std::uint64_t seed) {
    Drawn drawn = draw_parameters(fresh_, embedding_of(decoder).dtype, std, seed);
    std::vector<TensorView> tensors;
    CheckpointFile file;
    file.output_name = "model.safetensors";
    auto next = drawn.tensors.begin();
    for (std::optional<TensorView>& slot : slots_) {
      tensors.push_back(slot ? std::move(*slot) : std::move(*next++));
      tensors.back().file = 0;
      file.size += tensors.back().bytes.size();
      file.tensors.push_back(file.tensors.size());
    }
    struct Owners {
      Checkpoint encoder, decoder;
      std::shared_ptr<const void> drawn;
    };
    auto owners = std::make_shared<Owners>(Owners{encoder.model.checkpoint, decoder.model.checkpoint, drawn.keep_alive});
    return Checkpoint::from_tensors(std::move(tensors), {std::move(file)}, encoder.model.checkpoint.directory(), owners);
  }

 private:
  std::vector<std::optional<TensorView>> slots_;  ///< nullopt: the next of fresh_
  std::vector<Fresh> fresh_;
};

}  // namespace

Model compose(const std::string& encoder_source, const std::string& decoder_source, std::uint64_t seed) {
  const Half encoder = open_half(Checkpoint::open(encoder_source), encoder_source, "BertModel");
  const Half decoder = open_half(Checkpoint::open(decoder_source), decoder_source, "BertLMHeadModel");
  if (embedding_of(encoder).shape[1] != embedding_of(decoder).shape[1])
    throw Error(decoder_source, fmt::format("hidden size {} differs from the encoder's {}", embedding_of(decoder).shape[1],
                                            embedding_of(encoder).shape[1]));
  const Json config = composed_config(encoder, decoder);
  Model model{{}, {}, {}, "encoder-decoder", encoder.model.checkpoint, {}, {}, {}, {}, {}, config.dump(2) + "\n"};
  const Config composed(model.config, decoder.model.checkpoint.directory() / "config.json");
  const auto architecture = encoder_decoder_architecture("", composed, Names(encoder.model.checkpoint));
  Composer composer;
  composer.add(encoder, *architecture, "encoder.", "encoder");
  composer.add(decoder, *architecture, "decoder.", "decoder");
  const double std = composed.nested("decoder").real("initializer_range").value_or(0.02);
  model.checkpoint = composer.finish(encoder, decoder, std, seed);
  apply_architecture(model, *architecture);
  for (const auto& [half, prefix] : {std::pair{&encoder, "encoder: "}, std::pair{&decoder, "decoder: "}})
    for (const LeftOut& left : half->model.left_out) model.left_out.push_back({prefix + left.name, left.reason});
  model.notes.push_back(fmt::format("{} tensors that neither checkpoint holds (cross-attention) were drawn: weights from "
                                    "N(0, {}) with seed {}, biases 0, LayerNorm 1 and 0",
                                    composer.drawn(), std, seed));
  return model;
}

}  // namespace pare::model
