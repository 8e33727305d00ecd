#include "model/gguf/gguf_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/json_append.h"
#include "base/json_text.h"
#include "base/utf8.h"
#include "pare/error.h"

namespace pare::model {
namespace {

using checkpoint::GgufMetadata;
using Json = nlohmann::ordered_json;

constexpr std::string_view kLlama3Split = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})"
                                          R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2Split =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kTekkenSplit =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
    R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr std::pair<std::string_view, std::string_view> kSplits[] = {
    {"llama3", kLlama3Split},  {"llama-v3", kLlama3Split},        {"llama-bpe", kLlama3Split},
    {"falcon3", kLlama3Split}, {"pixtral", kLlama3Split},         {"lfm2", kLlama3Split},
    {"dbrx", kLlama3Split},    {"smaug-bpe", kLlama3Split},       {"tekken", kTekkenSplit},
    {"qwen2", kQwen2Split},    {"deepseek-r1-qwen", kQwen2Split}, {"megrez", kQwen2Split},
};

/// Kinds of tokens, numbered as in tokenizer.ggml.token_type.
constexpr std::int64_t kControl = 3, kUserDefined = 4;

/// The character that stands for each byte in byte-level BPE.
const std::array<std::string, 256>& byte_spellings() {
  static const std::array<std::string, 256> spellings = [] {
    std::array<std::string, 256> all;
    char32_t next = 256;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
      base::append_utf8(all[byte], printable ? byte : next++);
    }
    return all;
  }();
  return spellings;
}

/// Whether a token consists of such characters alone.
bool is_spelled(std::string_view token) {
  static const std::set<std::string, std::less<>> alphabet(byte_spellings().begin(), byte_spellings().end());
  for (std::size_t at = 0; at < token.size();) {
    const std::size_t size = base::character_size(token[at]);
    if (!alphabet.contains(token.substr(at, size))) return false;
    at += size;
  }
  return true;
}

std::string spelled(std::string_view token) {
  std::string text;
  for (const char byte : token) text += byte_spellings()[static_cast<unsigned char>(byte)];
  return text;
}

/// Whether a token consists of two or more spaces, which Gemma's files store as they are.
bool is_spaces(std::string_view token) {
  return !token.empty() && token.find_first_not_of(' ') == std::string_view::npos;
}

Json text_pattern(std::string_view text) { return Json{{"String", text}}; }

class TokenizerTexts {
 public:
  explicit TokenizerTexts(const GgufMetadata& metadata)
      : metadata_(metadata),
        architecture_(metadata.text("general.architecture").value_or("")),
        bytes_(metadata.text("tokenizer.ggml.model") == "gpt2"),
        gemma_(architecture_.starts_with("gemma")),
        types_(metadata.integers("tokenizer.ggml.token_type")) {
    for (const std::string_view token : metadata.texts("tokenizer.ggml.tokens")) {
      if (base::first_invalid_utf8(token))
        metadata.fail("tokenizer.ggml.tokens", fmt::format("has a token {} that is not UTF-8", tokens_.size()));
      originals_.emplace_back(token);
      if (bytes_ && !is_spelled(token))
        tokens_.push_back(spelled(token));
      else if (gemma_ && is_spaces(token))
        tokens_.push_back(underscores(token.size()));
      else
        tokens_.emplace_back(token);
      ids_[tokens_.back()] = tokens_.size() - 1;
    }
    if (!types_.empty() && types_.size() != tokens_.size())
      metadata.fail("tokenizer.ggml.token_type",
                    fmt::format("has {} elements (expected {}, one for each token)", types_.size(), tokens_.size()));
  }

  std::string tokenizer() {
    Json json{{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}};
    json["added_tokens"] = added_tokens();
    if (bytes_)
      add_byte_steps(json);
    else
      add_piece_steps(json);
    json["post_processor"] = surroundings();
    json["model"] = model();
    return base::compact_text(json);
  }

  std::string config() const {
    Json json{{"backend", "tokenizers"}};
    for (const auto& [key, name] : kSpecial)
      if (const auto id = special(key)) json[std::string(name)] = originals_[*id];
    if (const auto text = metadata_.text("tokenizer.chat_template")) json["chat_template"] = *text;
    json["tokenizer_class"] = "TokenizersBackend";
    return base::indented_text(json);
  }

 private:
  static constexpr std::pair<std::string_view, std::string_view> kSpecial[] = {
      {"bos", "bos_token"}, {"eos", "eos_token"}, {"unknown", "unk_token"}, {"padding", "pad_token"}};

  static std::string underscores(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "▁";
    return text;
  }

  std::optional<std::size_t> special(std::string_view key) const {
    const std::string name = fmt::format("tokenizer.ggml.{}_token_id", key);
    const auto id = metadata_.integer(name);
    if (!id) return std::nullopt;
    if (*id < 0 || static_cast<std::size_t>(*id) >= tokens_.size())
      metadata_.fail(name, fmt::format("is {} (expected less than the {} tokens)", *id, tokens_.size()));
    return static_cast<std::size_t>(*id);
  }

  Json added_tokens() const {
    std::set<std::size_t> specials;
    for (const auto& [key, name] : kSpecial)
      if (const auto id = special(key)) specials.insert(*id);
    Json added = Json::array();
    for (std::size_t id = 0; id < tokens_.size(); ++id) {
      const std::int64_t type = types_.empty() ? 0 : types_[id];
      // A control token of a byte-level vocabulary that has other characters is llama.cpp's mistake.
      const bool control = (type == kControl || specials.contains(id)) && tokens_[id] == originals_[id];
      if ((!control && type != kUserDefined) || tokens_[id] != originals_[id] || ids_.at(tokens_[id]) != id) continue;
      added.push_back({{"id", id},
                       {"content", tokens_[id]},
                       {"single_word", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false},
                       {"special", control}});
    }
    return added;
  }

  void add_byte_steps(Json& json) const {
    const std::string_view split = split_expression(metadata_.text("tokenizer.ggml.pre").value_or(""));
    Json bytes{
        {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", split.empty()}};
    json["normalizer"] = nullptr;
    if (split.empty()) {
      json["pre_tokenizer"] = bytes;
    } else {
      const Json cut{{"type", "Split"}, {"pattern", {{"Regex", split}}}, {"behavior", "Isolated"}, {"invert", false}};
      json["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {cut, bytes}}};
    }
    json["decoder"] = {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}};
  }

  /// SentencePiece's: spaces become "▁".
  void add_piece_steps(Json& json) const {
    const Json replaced{{"type", "Replace"}, {"pattern", text_pattern(" ")}, {"content", "▁"}};
    Json decoders{{{"type", "Replace"}, {"pattern", text_pattern("▁")}, {"content", " "}},
                  {{"type", "ByteFallback"}},
                  {{"type", "Fuse"}}};
    json["pre_tokenizer"] = nullptr;
    if (gemma_) {
      json["normalizer"] = replaced;
      json["pre_tokenizer"] = {
          {"type", "Split"}, {"pattern", text_pattern(" ")}, {"behavior", "MergedWithPrevious"}, {"invert", false}};
    } else {
      decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
      if (architecture_ == "phi3") {
        json["normalizer"] = {{"type", "Sequence"},
                              {"normalizers", {{{"type", "Prepend"}, {"prepend", "▁"}}, replaced}}};
      } else {
        json["normalizer"] = nullptr;
        json["pre_tokenizer"] = {
            {"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", "first"}, {"split", false}};
      }
    }
    json["decoder"] = {{"type", "Sequence"}, {"decoders", decoders}};
  }

  Json surroundings() const {
    const bool add_bos = metadata_.boolean("tokenizer.ggml.add_bos_token").value_or(!bytes_);
    const bool add_eos = metadata_.boolean("tokenizer.ggml.add_eos_token").value_or(false);
    Json single = Json::array(), pair = Json::array(), special_tokens = Json::object();
    const auto put = [&](bool wanted, std::string_view key) {
      const auto id = special(key);
      if (!wanted || !id) return;
      const std::string& token = originals_[*id];
      special_tokens[token] = {{"id", token}, {"ids", {*id}}, {"tokens", {token}}};
      single.push_back({{"SpecialToken", {{"id", token}, {"type_id", 0}}}});
      pair.push_back(single.back());
    };
    put(add_bos, "bos");
    single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
    pair.push_back(single.back());
    pair.push_back({{"Sequence", {{"id", "B"}, {"type_id", 1}}}});
    put(add_eos, "eos");
    return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", special_tokens}};
  }

  Json model() const {
    Json vocabulary = Json::object();
    for (std::size_t id = 0; id < tokens_.size(); ++id)
      if (ids_.at(tokens_[id]) == id) base::append_member(vocabulary, tokens_[id], id);  // the last of equal ones
    Json unknown;
    const auto unknown_id = special("unknown");
    if (gemma_ && unknown_id) unknown = tokens_[*unknown_id];
    Json json{{"type", "BPE"}, {"dropout", nullptr}, {"unk_token", unknown}};
    json["continuing_subword_prefix"] = bytes_ ? Json("") : Json();
    json["end_of_word_suffix"] = bytes_ ? Json("") : Json();
    json["fuse_unk"] = !bytes_;
    json["byte_fallback"] = !bytes_;
    json["ignore_merges"] = false;
    json["vocab"] = std::move(vocabulary);
    json["merges"] = metadata_.find("tokenizer.ggml.merges") != nullptr ? listed_merges() : implied_merges();
    return json;
  }

  Json listed_merges() const {
    Json merges = Json::array();
    for (const std::string_view merge : metadata_.texts("tokenizer.ggml.merges")) {
      const std::size_t space = merge.find(' ');
      if (space == std::string_view::npos || merge.find(' ', space + 1) != std::string_view::npos)
        metadata_.fail("tokenizer.ggml.merges", fmt::format("has a merge {} that is not a pair", merges.size()));
      merges.push_back({merge.substr(0, space), merge.substr(space + 1)});
    }
    return merges;
  }

  /// Every way to cut a token into two tokens. The tokens with the highest scores come first; Gemma's in their order.
  Json implied_merges() const {
    struct Merge {
      std::size_t token, left, right, left_size, right_size;  ///< sizes in characters
    };
    const std::vector<double> scores = metadata_.numbers("tokenizer.ggml.scores");
    if (!gemma_ && scores.size() != tokens_.size())
      metadata_.fail("tokenizer.ggml.scores",
                     fmt::format("has {} elements (expected {}, one for each token)", scores.size(), tokens_.size()));
    const auto score = [&](std::size_t id) { return gemma_ ? -static_cast<double>(id) : scores[id]; };
    std::vector<Merge> merges;
    for (std::size_t id = 0; id < tokens_.size(); ++id) {
      if (ids_.at(tokens_[id]) != id) continue;
      const std::string_view token = tokens_[id];
      std::vector<std::size_t> cuts{0};
      for (std::size_t at = 0; at < token.size(); at += base::character_size(token[at])) cuts.push_back(at);
      const std::size_t first = merges.size(), characters = cuts.size() - 1;
      for (std::size_t i = 2; i < cuts.size(); ++i) {
        const auto left = ids_.find(std::string(token.substr(0, cuts[i])));
        const auto right = ids_.find(std::string(token.substr(cuts[i])));
        if (left != ids_.end() && right != ids_.end())
          merges.push_back({id, left->second, right->second, i - 1, characters - (i - 1)});
      }
      std::stable_sort(
          merges.begin() + static_cast<std::ptrdiff_t>(first), merges.end(),
          [](const Merge& a, const Merge& b) { return a.left != b.left ? a.left < b.left : a.right < b.right; });
    }
    // Like Python's sorted(reverse=True): descending, and equal ones in their order.
    std::stable_sort(merges.begin(), merges.end(), [&](const Merge& a, const Merge& b) {
      if (score(a.token) != score(b.token)) return score(a.token) > score(b.token);
      return a.left_size != b.left_size ? a.left_size > b.left_size : a.right_size > b.right_size;
    });
    Json list = Json::array();
    for (const Merge& merge : merges) list.push_back({tokens_[merge.left], tokens_[merge.right]});
    return list;
  }

  const GgufMetadata& metadata_;
  std::string architecture_;
  bool bytes_, gemma_;
  std::vector<std::string> tokens_, originals_;  ///< as the vocabulary spells them; as the file does
  std::unordered_map<std::string, std::size_t> ids_;
  std::vector<std::int64_t> types_;
};

}  // namespace

std::string_view split_expression(std::string_view pre_tokenizer) noexcept {
  for (const auto& [name, split] : kSplits)
    if (name == pre_tokenizer) return split;
  return {};
}

std::vector<std::pair<std::string, std::string>> gguf_tokenizer_texts(const GgufMetadata& metadata,
                                                                      std::vector<std::string>& notes) {
  const auto kind = metadata.text("tokenizer.ggml.model");
  if (!kind || metadata.find("tokenizer.ggml.tokens") == nullptr) {
    notes.push_back("the file has no tokenizer");
    return {};
  }
  if (*kind != "gpt2" && *kind != "llama") {
    notes.push_back(fmt::format("the tokenizer of kind '{}' is not read", *kind));
    return {};
  }
  TokenizerTexts texts(metadata);
  return {{"tokenizer.json", texts.tokenizer()}, {"tokenizer_config.json", texts.config()}};
}

}  // namespace pare::model
