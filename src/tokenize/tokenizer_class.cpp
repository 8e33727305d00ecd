#include "tokenize/tokenizer_class.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/file_map.h"
#include "base/files.h"
#include "pare/error.h"

namespace pare::tokenize {
namespace {

namespace fs = std::filesystem;
using base::JsonFile;
using base::JsonValue;

struct ClassName {
  std::string_view name;
  TokenizerClass kind;
};

/// Names in tokenizer_config.json, without "Fast"; the first one of a class is its own.
constexpr ClassName kNames[] = {
    {"GPT2Tokenizer", TokenizerClass::kGpt2},       {"GPTNeoXTokenizer", TokenizerClass::kGptNeoX},
    {"Qwen2Tokenizer", TokenizerClass::kQwen2},     {"RobertaTokenizer", TokenizerClass::kRoberta},
    {"BartTokenizer", TokenizerClass::kRoberta},    {"LongformerTokenizer", TokenizerClass::kRoberta},
    {"LEDTokenizer", TokenizerClass::kRoberta},     {"LlamaTokenizer", TokenizerClass::kLlama},
    {"GemmaTokenizer", TokenizerClass::kGemma},     {"BertTokenizer", TokenizerClass::kBert},
    {"DistilBertTokenizer", TokenizerClass::kBert}, {"ElectraTokenizer", TokenizerClass::kBert},
    {"MobileBertTokenizer", TokenizerClass::kBert}, {"MPNetTokenizer", TokenizerClass::kMpnet},
    {"T5Tokenizer", TokenizerClass::kT5},           {"TokenizersBackend", TokenizerClass::kJson},
    {"PreTrainedTokenizer", TokenizerClass::kJson}, {"BloomTokenizer", TokenizerClass::kJson}};

/// Types of models and their class (TOKENIZER_MAPPING_NAMES), of the classes above.
struct ModelTypes {
  TokenizerClass kind;
  std::string_view types;  // each between spaces
};
constexpr ModelTypes kModelTypes[] = {
    {TokenizerClass::kGpt2,
     " gpt2 gpt_neo gptj opt phi codegen dbrx starcoder2 blip-2 emu3 instructblip instructblipvideo jais2 "},
    {TokenizerClass::kGptNeoX, " gpt_neox olmo olmoe mpt mamba mamba2 falcon_mamba rwkv xlstm "},
    {TokenizerClass::kQwen2,
     " qwen2 qwen2_moe qwen3 qwen3_moe qwen3_next qwen2_vl qwen2_5_vl qwen3_vl qwen3_vl_moe qwen2_audio qwen2_5_omni "
     "qwen3_omni_moe qwen3_asr colqwen2 internvl ovis2 audioflamingo3 lighton_ocr vibevoice "},
    {TokenizerClass::kRoberta,
     " roberta roberta-prelayernorm bart longformer data2vec-text ibert lilt mega mra bridgetower clap florence2 "},
    {TokenizerClass::kLlama, " idefics idefics2 "},
    {TokenizerClass::kGemma,
     " gemma gemma2 gemma3 gemma3_text gemma3n gemma3n_text recurrent_gemma shieldgemma2 t5gemma diffusion_gemma "
     "zaya "},
    {TokenizerClass::kBert,
     " bert distilbert electra convbert ernie layoutlm megatron-bert mobilebert nomic_bert squeezebert align blip bark "
     "bros "
     "chinese_clip flava git grounding-dino mm-grounding-dino nezha qdqbert realm retribert tvp vilt visual_bert "},
    {TokenizerClass::kMpnet, " mpnet "},
    {TokenizerClass::kT5, " t5 mt5 switch_transformers musicgen musicgen_melody "},
    {TokenizerClass::kJson,
     " granite granitemoe granitemoehybrid granitemoeshared mistral mistral3 ministral ministral3 mixtral pixtral "
     "voxtral "
     "olmo2 olmo3 olmo_hybrid flex_olmo phi3 phi3_v phimoe modernbert modernbert-decoder glm glm4 glm4_moe "
     "glm4_moe_lite "
     "glm4v glm4v_moe gpt_bigcode stablelm persimmon fuyu nemotron jamba arctic minimax_m2 ernie4_5 ernie4_5_moe "
     "internlm2 "
     "internlm3 minicpm3 minicpmv molmo molmo2 llava llava_next vipllava smolvlm aria kimi_linear mimo_v2_flash umt5 "
     "xlm-roberta-xl "}};

/// Types whose class counts before the one that their files name (MODELS_WITH_INCORRECT_HUB_TOKENIZER_CLASS), of those
/// that have a class of their own.
constexpr std::string_view kOverruling = " qwen2 ";

bool is_among(std::string_view list, std::string_view type) {
  return !type.empty() && list.find(" " + std::string(type) + " ") != std::string_view::npos;
}

std::optional<TokenizerClass> class_of_model(std::string_view type) {
  const auto* found = std::find_if(std::begin(kModelTypes), std::end(kModelTypes),
                                   [&](const ModelTypes& entry) { return is_among(entry.types, type); });
  return found == std::end(kModelTypes) ? std::nullopt : std::optional(found->kind);
}

std::optional<TokenizerClass> class_of_name(std::string_view name) {
  if (name.ends_with("Fast")) name.remove_suffix(4);
  const auto* found =
      std::find_if(std::begin(kNames), std::end(kNames), [&](const ClassName& entry) { return entry.name == name; });
  return found == std::end(kNames) ? std::nullopt : std::optional(found->kind);
}

TokenizerClass named_class(const JsonValue& value) {
  if (const auto kind = class_of_name(value.text())) return *kind;
  std::string known;
  for (const ClassName& entry : kNames) known += (known.empty() ? "" : ", ") + std::string(entry.name);
  value.fail("'" + std::string(value.text()) + "' is not a supported tokenizer (expected one of " + known + ")",
             ErrorCode::kUnsupported);
}

/// Whether tokenizer.json mentions a step of byte-level BPE: many models of that kind name Llama's class.
bool is_byte_level(const fs::path& json) {
  if (!base::is_there(json)) return false;
  const auto map = base::FileMap::open(json);
  return base::as_text(map->bytes()).find("\"ByteLevel\"") != std::string_view::npos;
}

/// The tokenizer class that the files imply, if nothing else names one.
TokenizerClass class_of_files(const fs::path& directory) {
  if (base::is_there(directory / "tokenizer.json")) return TokenizerClass::kJson;
  if (base::is_there(directory / "tokenizer.model")) return TokenizerClass::kJson;
  if (base::is_there(directory / "vocab.txt")) return TokenizerClass::kBert;
  if (base::is_there(directory / "spiece.model")) return TokenizerClass::kT5;
  if (base::is_there(directory / "vocab.json")) return TokenizerClass::kGpt2;
  throw Error(ErrorCode::kNotFound, directory,
              "has no tokenizer (expected tokenizer.json, vocab.json, vocab.txt, spiece.model or tokenizer.model)");
}

/// The class for a model type and the name that the files give.
TokenizerClass class_of(const fs::path& directory, const std::optional<JsonValue>& name, std::string_view type) {
  const std::optional<TokenizerClass> registered = class_of_model(type);
  if (name) {
    const std::string_view text = name->text();
    if ((text == "LlamaTokenizer" || text == "LlamaTokenizerFast") && is_byte_level(directory / "tokenizer.json"))
      return TokenizerClass::kJson;
    if (registered && (*registered == TokenizerClass::kJson || is_among(kOverruling, type))) return *registered;
    return named_class(*name);
  }
  return registered ? *registered : class_of_files(directory);
}

}  // namespace

TokenizerClass find_class(const fs::path& directory, const JsonValue* config) {
  std::optional<JsonValue> name = config != nullptr ? config->find("tokenizer_class") : std::nullopt;
  const fs::path path = directory / "config.json";
  if (!base::is_there(path)) return class_of(directory, name, {});
  const JsonFile file(path);
  if (!name) name = file.root().find("tokenizer_class");
  JsonValue model = file.root();
  if (const auto encoder = model.find("encoder"); encoder && !name) model = *encoder;
  const auto type = model.find("model_type");
  const bool has_files = base::is_there(directory / "tokenizer.json") || base::is_there(directory / "tokenizer.model");
  // An unknown architecture may still have a tokenizer that describes itself.
  if (!name && type && !class_of_model(type->text()) && !has_files)
    type->fail("'" + std::string(type->text()) +
                   "' is a model type without a known tokenizer (expected tokenizer.json or tokenizer.model)",
               ErrorCode::kUnsupported);
  return class_of(directory, name, type ? type->text() : std::string_view());
}

std::string_view algorithm_of(TokenizerClass kind) {
  switch (kind) {
    case TokenizerClass::kJson:
      return {};
    case TokenizerClass::kBert:
    case TokenizerClass::kMpnet:
      return "WordPiece";
    case TokenizerClass::kT5:
      return "Unigram";
    default:
      return "BPE";
  }
}

std::string_view name_of(TokenizerClass kind) {
  return std::find_if(std::begin(kNames), std::end(kNames), [&](const ClassName& entry) { return entry.kind == kind; })
      ->name;
}

}  // namespace pare::tokenize
