#include "tokenize/tokenizer_config.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>

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

/// The special tokens that a class has where the files do not say.
void set_defaults(TokenizerConfig& config) {
  const auto set = [&](std::initializer_list<std::pair<Special, const char*>> tokens) {
    for (const auto& [which, content] : tokens) set_default(config, which, content);
  };
  constexpr const char* kEndOfText = "<|endoftext|>";
  using enum Special;
  switch (config.kind) {
    case TokenizerClass::kGpt2:
      return set({{kBos, kEndOfText}, {kEos, kEndOfText}, {kUnk, kEndOfText}});
    case TokenizerClass::kGptNeoX:
      return set({{kBos, kEndOfText}, {kEos, kEndOfText}, {kUnk, kEndOfText}, {kPad, "<|padding|>"}});
    case TokenizerClass::kQwen2:
      return set({{kEos, kEndOfText}, {kUnk, kEndOfText}, {kPad, kEndOfText}});
    case TokenizerClass::kLlama:
      return set({{kBos, "<s>"}, {kEos, "</s>"}, {kUnk, "<unk>"}});
    case TokenizerClass::kGemma:
      return set({{kBos, "<bos>"}, {kEos, "<eos>"}, {kUnk, "<unk>"}, {kPad, "<pad>"}, {kMask, "<mask>"}});
    case TokenizerClass::kBert:
      return set({{kUnk, "[UNK]"}, {kSep, "[SEP]"}, {kPad, "[PAD]"}, {kCls, "[CLS]"}, {kMask, "[MASK]"}});
    case TokenizerClass::kT5:
      return set({{kEos, "</s>"}, {kUnk, "<unk>"}, {kPad, "<pad>"}});
    case TokenizerClass::kRoberta:
    case TokenizerClass::kMpnet:
      set({{kBos, "<s>"}, {kEos, "</s>"}, {kSep, "</s>"}, {kCls, "<s>"}, {kPad, "<pad>"}, {kMask, "<mask>"}});
      return set_default(config, kUnk, config.kind == TokenizerClass::kMpnet ? "[UNK]" : "<unk>");
    case TokenizerClass::kJson:
      return;
  }
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
    if (name == kSpecialNames.end()) {
      if (key.ends_with("_token") && value.is_text()) config.named.push_back(added_token_of(value, true));
      return;
    }
    const auto which = static_cast<std::size_t>(name - kSpecialNames.begin());
    auto& token = config.special[which];
    config.given[which] = true;
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
  if (const auto space = root.find("add_prefix_space")) config.add_prefix_space = space->boolean();
  root.for_members([&](std::string_view key, const JsonValue& value) {  // null counts as false
    if (key == "legacy") config.legacy = !value.is_null() && value.boolean();
  });
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
  const auto root = file ? std::optional(file->root()) : std::nullopt;
  config.kind = find_class(directory, root ? &*root : nullptr);
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
