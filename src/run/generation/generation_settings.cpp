#include "run/generation/generation_settings.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/json.h"
#include "model/config.h"
#include "pare/error.h"

namespace pare::run {
namespace {

/// The file, if the model has one. A composition has none: its encoder's would be wrong.
std::optional<std::filesystem::path> settings_of(const Model& model) {
  for (const auto& [path, name] : model.side_files)
    if (name == "generation_config.json") return path;
  return std::nullopt;
}

/// Whether the setting is there with another value than the one that changes nothing.
bool changes(const base::JsonValue& root, std::string_view key, std::optional<double> neutral) {
  const auto value = root.find(key);
  if (!value) return false;
  if (value->is_number() && neutral) return value->number() != *neutral;
  if (value->is_list()) {
    bool any = false;
    value->for_elements([&](const base::JsonValue&) { any = true; });
    return any;
  }
  return true;
}

}  // namespace

std::optional<TokenId> generation_start(const Model& model) {
  const auto path = settings_of(model);
  if (!path) return std::nullopt;
  const base::JsonFile file(*path);
  if (const auto start = file.root().find("decoder_start_token_id")) return start->token_id();
  const model::Config config(model.config, model.source + "/config.json");
  const auto begin = file.root().find("bos_token_id");
  return begin && !config.has("decoder_start_token_id") ? std::optional(begin->token_id()) : std::nullopt;
}

void require_plain_generation(const Model& model, TokenId end) {
  const auto path = settings_of(model);
  if (!path) return;
  const base::JsonFile file(*path);
  const base::JsonValue root = file.root();
  for (const auto& [key, neutral] : {std::pair<const char*, std::optional<double>>{"no_repeat_ngram_size", 0},
                                     {"encoder_no_repeat_ngram_size", 0},
                                     {"repetition_penalty", 1},
                                     {"encoder_repetition_penalty", 1},
                                     {"diversity_penalty", 0},
                                     {"min_length", 0},
                                     {"min_new_tokens", 0},
                                     {"forced_bos_token_id", std::nullopt},
                                     {"forced_eos_token_id", std::nullopt},
                                     {"forced_decoder_ids", std::nullopt},
                                     {"bad_words_ids", std::nullopt},
                                     {"force_words_ids", std::nullopt},
                                     {"suppress_tokens", std::nullopt},
                                     {"begin_suppress_tokens", std::nullopt},
                                     {"sequence_bias", std::nullopt}})
    if (changes(root, key, neutral))
      throw Error(
          ErrorCode::kUnsupported, *path,
          fmt::format("'{}' is set, which pare does not apply when it writes texts (expected {}); score a copy of "
                      "the model without it",
                      key, neutral ? fmt::format("{}", *neutral) : "null"));
  const auto ends = root.find("eos_token_id");
  if (!ends) return;
  std::vector<TokenId> all;
  if (ends->is_list())
    ends->for_elements([&](const base::JsonValue& id) { all.push_back(id.token_id()); });
  else
    all.push_back(ends->token_id());
  if (all.size() != 1 || all[0] != end)
    throw Error(ErrorCode::kUnsupported, *path,
                fmt::format("'eos_token_id' is not the tokenizer's end token alone (expected {}, found {})", end,
                            fmt::join(all, ", ")));
}

}  // namespace pare::run
