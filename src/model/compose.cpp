// Composes two BERTs into an encoder-decoder as EncoderDecoderModel.from_encoder_decoder_pretrained does.
#include "model/compose.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/json_mutable.h"
#include "base/json_text.h"
#include "model/draw.h"
#include "model/family.h"
#include "model/resolver.h"
#include "model/sparsity_config.h"
#include "pare/error.h"

namespace pare::model {
namespace {

using Json = nlohmann::ordered_json;

/// One of the two models, opened as its class in the composition.
struct Half {
  Model model;
  Json config;                                             ///< as stored in the composition's configuration
  std::unordered_map<std::string_view, std::size_t> held;  ///< canonical name -> tensor
  const TensorView* embedding = nullptr;
  double initializer_range = 0;

  std::uint64_t vocabulary() const { return embedding->shape[0]; }
  std::uint64_t hidden() const { return embedding->shape[1]; }
};

Half open_half(const std::string& source, bool decoder, const Context& context) {
  Half half{
      Model{source, source, {}, {}, Checkpoint::open(source, context), {}, {}, {}, {}, {}, {}}, {}, {}, nullptr, 0};
  const std::filesystem::path path = half.model.checkpoint.directory() / "config.json";
  const std::optional<std::string> text = half.model.checkpoint.config_text();
  if (!text)
    throw Error(ErrorCode::kNotFound, path, "is missing; a composition needs the configurations of both halves");
  const base::JsonDocument document(without_sparsity_config(*text), path, base::kMutableJsonDepth);
  if (!document.root().is_object()) throw Error(ErrorCode::kMalformed, path, "is not a JSON object");
  half.config = base::mutable_json<Json>(document.root());
  half.config["is_decoder"] = decoder;
  half.config["add_cross_attention"] = decoder;
  const Config config(half.config.dump(), path);
  const std::string type = config.text("model_type").value_or("");
  if (type != "bert")
    throw Error(ErrorCode::kUnsupported, path,
                fmt::format("model_type is '{}'; only BERT checkpoints can be composed", type));
  half.initializer_range = config.real("initializer_range").value_or(0.02);
  resolve(half.model, config, decoder ? "BertLMHeadModel" : "BertModel");
  for (const Parameter& parameter : half.model.parameters) {
    half.held.emplace(parameter.name, parameter.tensor);
    if (parameter.name.ends_with("embeddings.word_embeddings.weight")) half.embedding = &half.model.tensor(parameter);
  }
  if (half.embedding == nullptr || half.embedding->shape.size() != 2)
    throw Error(ErrorCode::kUnsupported, source, "contains no word embeddings, so it cannot be composed");
  if (const auto hidden = config.number("hidden_size"); hidden && *hidden != half.hidden())
    throw Error(ErrorCode::kMismatch, path,
                fmt::format("'hidden_size' is {}, but the word embeddings have {} columns", *hidden, half.hidden()));
  // The composition's rows follow from the configurations only, so these must agree with the files.
  half.config["hidden_size"] = half.hidden();
  half.config["num_hidden_layers"] =
      block_count(config, {"num_hidden_layers"}, Names(half.model.checkpoint).count_blocks("encoder.layer."));
  return half;
}

/// A parameter that one of the models lacks. Only parameters that transformers draws for a BERT without this head,
/// pooler or cross-attention may be missing; any other is an error.
Fresh draw_for(const Expected& expected, const Half& half) {
  const auto part = [&](std::string_view name) { return expected.name.find(name) != std::string::npos; };
  const bool head = part(".cls.predictions.") || part(".pooler.");
  if (!head && !expected.cross_attention)
    throw Error(ErrorCode::kMismatch, half.model.source, expected.name,
                "is missing, and a composition does not draw this tensor at random");
  Fresh fresh{expected.name, expected.role, {half.hidden()}, half.embedding->dtype, half.initializer_range};
  if (part(".predictions.bias") || part(".predictions.decoder.")) fresh.shape = {half.vocabulary()};
  if (is_prunable(expected.role)) fresh.shape.push_back(half.hidden());
  return fresh;
}

/// The linear layer between an encoder and a decoder of different widths.
Fresh draw_projection(const Expected& expected, const Half& encoder, const Half& decoder) {
  Fresh fresh{expected.name, expected.role, {decoder.hidden()}, decoder.embedding->dtype, decoder.initializer_range};
  if (is_prunable(expected.role)) fresh.shape.push_back(encoder.hidden());
  return fresh;
}

/// Tensors of the composition in the order of its parameters.
struct Pieces {
  std::vector<std::optional<TensorView>> tensors;  ///< nullopt: the next of fresh
  std::vector<Fresh> fresh;
};

Pieces collect(const Architecture& architecture, const Half& encoder, const Half& decoder) {
  Pieces pieces;
  for (const Expected& expected : architecture.parameters) {
    const auto repeats = [&](const auto& tie) { return tie.first == expected.name; };
    const bool tied = std::any_of(architecture.ties.begin(), architecture.ties.end(), repeats);
    if (expected.stack.empty()) {
      pieces.fresh.push_back(draw_projection(expected, encoder, decoder));
      pieces.tensors.emplace_back();
      continue;
    }
    const Half& half = expected.stack == "encoder" ? encoder : decoder;
    const auto held = half.held.find(std::string_view(expected.name).substr(expected.stack.size() + 1));
    if (held != half.held.end()) {
      pieces.tensors.emplace_back(half.model.checkpoint.tensors()[held->second])->name = expected.name;
    } else if (!tied) {
      pieces.fresh.push_back(draw_for(expected, half));
      pieces.tensors.emplace_back();
    }
  }
  return pieces;
}

/// The composition as one file, which owns both models' mappings and the drawn tensors.
Checkpoint assemble(Pieces pieces, const Half& encoder, const Half& decoder, std::uint64_t seed,
                    const Context& context) {
  struct Owners {
    Checkpoint encoder, decoder;
    std::shared_ptr<const void> drawn;
  };
  Drawn drawn = draw_parameters(pieces.fresh, seed, context);
  std::vector<TensorView> tensors;
  CheckpointFile file;
  file.output_name = "model.safetensors";
  for (const Half* half : {&encoder, &decoder})
    for (const CheckpointFile& source : half->model.checkpoint.files())
      file.sources.insert(file.sources.end(), source.sources.begin(), source.sources.end());
  auto next = drawn.tensors.begin();
  for (std::optional<TensorView>& piece : pieces.tensors) {
    tensors.push_back(piece ? std::move(*piece) : std::move(*next++));
    tensors.back().file = 0;
    file.size += tensors.back().bytes.size();
    file.tensors.push_back(file.tensors.size());
  }
  auto owners = std::make_shared<Owners>(Owners{encoder.model.checkpoint, decoder.model.checkpoint, drawn.keep_alive});
  return Checkpoint::from_tensors(std::move(tensors), {std::move(file)}, encoder.model.checkpoint.directory(),
                                  std::move(owners));
}

/// The dtype to load the composition in: the common one, or one that holds both exactly. Otherwise transformers would
/// use one model's dtype for both.
std::string_view load_dtype(DType encoder, DType decoder) {
  if (encoder == DType::kF64 || decoder == DType::kF64) return "float64";
  if (encoder != decoder) return "float32";
  return encoder == DType::kF16 ? "float16" : encoder == DType::kBF16 ? "bfloat16" : "float32";
}

Json composed_config(const Half& encoder, const Half& decoder) {
  Json config{{"architectures", {"EncoderDecoderModel"}},
              {"decoder", decoder.config},
              {"dtype", load_dtype(encoder.embedding->dtype, decoder.embedding->dtype)},
              {"encoder", encoder.config},
              {"is_encoder_decoder", true},
              {"model_type", "encoder-decoder"}};
  for (const auto& [key, source] :
       {std::pair{"decoder_start_token_id", "bos_token_id"}, {"pad_token_id", "pad_token_id"}})
    if (const auto id = decoder.config.find(source); id != decoder.config.end() && !id->is_null()) config[key] = *id;
  return config;
}

/// Returns an empty string if nothing was drawn.
std::string note_on_drawn(const std::vector<Fresh>& fresh, std::uint64_t seed) {
  if (fresh.empty()) return {};
  constexpr std::size_t kNamed = 2;
  std::vector<std::string> kinds;
  for (const Fresh& parameter : fresh) {
    const bool cross_attention = parameter.name.find(".crossattention.") != std::string::npos;
    const std::string kind = cross_attention ? "cross-attention" : parameter.name;
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
  }
  std::stable_partition(kinds.begin(), kinds.end(), [](const std::string& kind) { return kind == "cross-attention"; });
  const bool one_range = std::all_of(fresh.begin(), fresh.end(), [&](const Fresh& f) { return f.std == fresh[0].std; });
  const std::size_t unnamed = kinds.size() > kNamed + 1 ? kinds.size() - kNamed : 0;
  kinds.resize(kinds.size() - unnamed);
  return fmt::format(
      "{} parameters are in neither checkpoint and were drawn afresh with seed {} ({}{}): weights from "
      "N(0, {}), biases 0, LayerNorm weights 1",
      fresh.size(), seed, fmt::join(kinds, ", "), unnamed ? fmt::format(" and {} others", unnamed) : "",
      one_range ? fmt::format("{}", fresh[0].std) : "initializer_range");
}

}  // namespace

Model compose(const std::string& encoder_source, const std::string& decoder_source, std::uint64_t seed,
              const Context& context) {
  const Half encoder = open_half(encoder_source, false, context), decoder = open_half(decoder_source, true, context);
  const std::string text = base::indented_text(composed_config(encoder, decoder));
  const Config config(text, decoder.model.checkpoint.directory() / "config.json");
  const auto architecture =
      lay_out(encoder_decoder::tables().front(), "EncoderDecoderModel", config, Names(decoder.model.checkpoint));
  if (!architecture) throw Error(ErrorCode::kUnsupported, decoder_source, "cannot be composed");
  Pieces pieces = collect(*architecture, encoder, decoder);
  const std::string note = note_on_drawn(pieces.fresh, seed);
  Checkpoint checkpoint = assemble(std::move(pieces), encoder, decoder, seed, context);
  Model model{{}, {}, {}, "encoder-decoder", std::move(checkpoint), {}, {}, {}, {}, {}, text};
  apply_architecture(model, *architecture, Names(model.checkpoint));
  for (const auto& [half, role] : {std::pair{&encoder, "encoder"}, {&decoder, "decoder"}})
    for (const LeftOut& left : half->model.left_out)
      model.left_out.push_back({left.name, fmt::format("{} ({})", left.reason, role)});
  if (!note.empty()) model.notes.push_back(note);
  return model;
}

}  // namespace pare::model
