#include "tokenize/tokenizer_config.h"

#include <algorithm>
#include <charconv>

#include "base/files.h"

namespace pare::tokenize {
namespace {

namespace fs = std::filesystem;

void set_default(TokenizerConfig& config, Special which, const char* content) {
  AddedToken token;
  token.content = content;
  token.special = true;
  config.special[static_cast<std::size_t>(which)] = token;
}

void set_defaults(TokenizerConfig& config) {
  switch (config.kind) {
    case TokenizerClass::kGpt2:
      for (const Special which : {Special::kBos, Special::kEos, Special::kUnk})
        set_default(config, which, "<|endoftext|>");
      break;
    case TokenizerClass::kBert:
      set_default(config, Special::kUnk, "[UNK]");
      set_default(config, Special::kSep, "[SEP]");
      set_default(config, Special::kPad, "[PAD]");
      set_default(config, Special::kCls, "[CLS]");
      set_default(config, Special::kMask, "[MASK]");
      break;
    case TokenizerClass::kT5:
      set_default(config, Special::kEos, "</s>");
      set_default(config, Special::kUnk, "<unk>");
      set_default(config, Special::kPad, "<pad>");
      break;
    case TokenizerClass::kJson:
      break;
  }
}

std::optional<TokenizerClass> class_of_name(std::string_view name) {
  if (name.ends_with("Fast") && name != "PreTrainedTokenizerFast") name.remove_suffix(4);
  if (name == "GPT2Tokenizer") return TokenizerClass::kGpt2;
  if (name == "BertTokenizer" || name == "DistilBertTokenizer" || name == "ElectraTokenizer")
    return TokenizerClass::kBert;
  if (name == "T5Tokenizer") return TokenizerClass::kT5;
  if (name == "PreTrainedTokenizerFast" || name == "TokenizersBackend") return TokenizerClass::kJson;
  return std::nullopt;
}

std::optional<TokenizerClass> class_of_model(std::string_view type) {
  if (type == "gpt2") return TokenizerClass::kGpt2;
  if (type == "bert" || type == "distilbert" || type == "electra") return TokenizerClass::kBert;
  if (type == "t5" || type == "mt5") return TokenizerClass::kT5;
  return std::nullopt;
}

TokenizerClass named_class(const JsonValue& value) {
  const auto kind = class_of_name(value.text());
  if (!kind)
    value.fail("'" + std::string(value.text()) +
                   "' is not one of GPT2Tokenizer, BertTokenizer, T5Tokenizer and "
                   "PreTrainedTokenizerFast",
               ErrorCode::kUnsupported);
  return *kind;
}

/// The tokenizer class that config.json implies.
std::optional<TokenizerClass> class_of_config(const fs::path& path, bool has_json) {
  if (!base::is_there(path)) return std::nullopt;
  const JsonFile file(path);
  if (const auto name = file.root().find("tokenizer_class")) return named_class(*name);
  JsonValue model = file.root();
  if (const auto encoder = model.find("encoder")) model = *encoder;
  const auto type = model.find("model_type");
  if (!type) return std::nullopt;
  if (const auto kind = class_of_model(type->text())) return kind;
  // An unknown architecture may still have one of the known pipelines in its tokenizer.json.
  if (has_json) return TokenizerClass::kJson;
  type->fail("'" + std::string(type->text()) +
                 "' is a model type without a known tokenizer (expected GPT-2's, BERT's or T5's)",
             ErrorCode::kUnsupported);
}

/// The tokenizer class that the files imply, if nothing else names one.
TokenizerClass class_of_files(const fs::path& directory, bool has_json) {
  if (has_json) return TokenizerClass::kJson;
  if (base::is_there(directory / "vocab.txt")) return TokenizerClass::kBert;
  if (base::is_there(directory / "spiece.model")) return TokenizerClass::kT5;
  if (base::is_there(directory / "vocab.json")) return TokenizerClass::kGpt2;
  throw Error(ErrorCode::kNotFound, directory,
              "has no tokenizer (expected tokenizer.json, vocab.json, vocab.txt or spiece.model)");
}

/// Tokens given as strings or objects, in a list or as the values of an object.
std::vector<AddedToken> token_list(const JsonValue& value) {
  std::vector<AddedToken> tokens;
  if (value.is_object())
    value.for_members([&](std::string_view, const JsonValue& token) { tokens.push_back(added_token_of(token, true)); });
  else
    value.for_elements([&](const JsonValue& token) { tokens.push_back(added_token_of(token, true)); });
  return tokens;
}

void take_specials(const JsonValue& root, TokenizerConfig& config) {
  root.for_members([&](std::string_view key, const JsonValue& value) {
    const auto name = std::find(kSpecialNames.begin(), kSpecialNames.end(), key);
    if (name == kSpecialNames.end()) return;
    auto& token = config.special[static_cast<std::size_t>(name - kSpecialNames.begin())];
    if (value.is_null())
      token.reset();
    else
      token = added_token_of(value, true);
  });
  if (const auto extra = root.find("extra_special_tokens"))
    config.extra = token_list(*extra);
  else if (const auto additional = root.find("additional_special_tokens"); additional && !config.extra)
    config.extra = token_list(*additional);
}

void take_decoder(const JsonValue& decoder, TokenizerConfig& config) {
  config.has_added_tokens_decoder = true;
  decoder.for_members([&](std::string_view key, const JsonValue& value) {
    std::int64_t id = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size() || id < 0) value.fail("is under no id");
    config.added.emplace_back(id, added_token_of(value, false));
  });
}

void take_options(const JsonValue& root, bool has_json, TokenizerConfig& config) {
  config.add_prefix_space = root.flag("add_prefix_space", false);
  config.clean_up_spaces = root.flag("clean_up_tokenization_spaces", false);
  config.bert.lowercase = root.flag("do_lower_case", true);
  config.bert.handle_chinese_chars = root.flag("tokenize_chinese_chars", true);
  if (const auto strip = root.find("strip_accents")) config.bert.strip_accents = strip->boolean();
  if (const auto count = root.find("extra_ids")) config.extra_ids = count->integer();
  if (config.extra_ids < 0 || config.extra_ids > 100000) root.fail("extra_ids: is not within 0 and 100000");
  if (!has_json) {
    config.add_bos = root.flag("add_bos_token", false);
    config.add_eos = root.flag("add_eos_token", false);
  }
}

}  // namespace

AddedToken added_token_of(const JsonValue& value, bool special) {
  AddedToken token;
  token.special = special;
  if (value.is_text()) {
    token.content = value.text();
  } else {
    token.content = value.at("content").text();
    token.single_word = value.flag("single_word", false);
    token.lstrip = value.flag("lstrip", false);
    token.rstrip = value.flag("rstrip", false);
    token.special = value.flag("special", special);
  }
  token.normalized = value.is_object() ? value.flag("normalized", !token.special) : !token.special;
  return token;
}

TokenizerConfig read_tokenizer_config(const fs::path& directory, bool has_json) {
  TokenizerConfig config;
  const fs::path path = directory / "tokenizer_config.json";
  std::optional<JsonFile> file;
  if (base::is_there(path)) file.emplace(path);
  const auto name = file ? file->root().find("tokenizer_class") : std::nullopt;
  if (name)
    config.kind = named_class(*name);
  else if (const auto kind = class_of_config(directory / "config.json", has_json))
    config.kind = *kind;
  else
    config.kind = class_of_files(directory, has_json);
  set_defaults(config);
  if (file) {
    take_options(file->root(), has_json, config);
    take_specials(file->root(), config);
    if (const auto decoder = file->root().find("added_tokens_decoder")) take_decoder(*decoder, config);
  }
  if (!config.has_added_tokens_decoder) {  // saved by transformers before 4.34
    if (base::is_there(directory / "special_tokens_map.json"))
      take_specials(JsonFile(directory / "special_tokens_map.json").root(), config);
    if (base::is_there(directory / "added_tokens.json"))
      JsonFile(directory / "added_tokens.json").root().for_members([&](std::string_view content, const JsonValue& id) {
        AddedToken token;
        token.content = content;
        const auto is = [&](const auto& other) { return other && other->content == content; };
        token.special = std::any_of(config.special.begin(), config.special.end(), is) ||
                        (config.extra && std::any_of(config.extra->begin(), config.extra->end(),
                                                     [&](const auto& other) { return other.content == content; }));
        token.normalized = !token.special;
        config.added.emplace_back(id.integer(), token);
      });
  }
  std::stable_sort(config.added.begin(), config.added.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return config;
}

}  // namespace pare::tokenize
