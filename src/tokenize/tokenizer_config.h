// The contents of tokenizer_config.json and its older companion files.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "pare/error.h"
#include "tokenize/added_tokens.h"
#include "tokenize/bert_text.h"
#include "tokenize/tokenizer_class.h"

namespace pare::tokenize {

using base::JsonFile;
using base::JsonValue;

/// In transformers' order (SPECIAL_TOKENS_ATTRIBUTES), which is the order in which missing ones are added.
enum class Special : std::size_t { kBos, kEos, kUnk, kSep, kPad, kCls, kMask };
inline constexpr std::array<std::string_view, 7> kSpecialNames = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                                  "pad_token", "cls_token", "mask_token"};

struct TokenizerConfig {
  TokenizerClass kind = TokenizerClass::kJson;
  std::array<std::optional<AddedToken>, kSpecialNames.size()> special;
  std::vector<std::pair<std::int64_t, AddedToken>> added;  ///< added_tokens_decoder or added_tokens.json, by id
  bool has_added_tokens_decoder = false;                   ///< if so, added_tokens of tokenizer.json are ignored
  std::optional<std::vector<AddedToken>> extra;            ///< extra_special_tokens
  std::vector<AddedToken> named;                           ///< values of other keys that end in "_token"
  std::optional<bool> add_prefix_space;
  std::optional<bool> legacy;  ///< Llama: whether every text between special tokens gets a space before it
  bool add_bos = false, add_eos = false;
  std::int64_t extra_ids = 100;  ///< T5's sentinels
  bool clean_up_spaces = false;
  BertNormalization bert;

  std::array<bool, kSpecialNames.size()> given{};  ///< whether the files name a special token, or say null

  bool says(Special which) const { return given[static_cast<std::size_t>(which)]; }
  std::string special_text(Special which) const {
    const auto& token = special[static_cast<std::size_t>(which)];
    return token ? token->content : std::string();
  }
};

/// `has_json`: the directory has a tokenizer.json. Throws Error for files that are damaged and for a class of tokenizer
/// that is not supported.
TokenizerConfig read_tokenizer_config(const std::filesystem::path& directory, bool has_json);

/// An AddedToken from a JSON object or string; `special` is the default where the value does not say.
AddedToken added_token_of(const JsonValue& value, bool special);

}  // namespace pare::tokenize
