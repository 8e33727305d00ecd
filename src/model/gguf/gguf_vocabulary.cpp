// Tokenizer files as the metadata of a GGUF file.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "base/bytes.h"
#include "base/file_map.h"
#include "base/json.h"
#include "checkpoint/gguf/gguf_header.h"
#include "checkpoint/source.h"
#include "model/config.h"
#include "model/gguf/gguf_settings.h"
#include "model/gguf/gguf_tokenizer.h"
#include "pare/error.h"

namespace pare::model {
namespace {

namespace fs = std::filesystem;
using base::JsonFile;
using base::JsonValue;

// Kinds of tokens, numbered as in tokenizer.ggml.token_type.
constexpr std::int32_t kNormal = 1, kControlToken = 3, kDefinedToken = 4, kUnusedToken = 5;
constexpr std::int64_t kMostTokens = 1 << 24;

struct Vocabulary {
  std::vector<std::string> tokens, merges;
  std::vector<std::int32_t> types;
  std::string pre = "gpt-2";
  bool add_bos = false, add_eos = false;
};

const fs::path* side_file(const Model& model, std::string_view name) {
  for (const auto& [path, as] : model.side_files)
    if (as == name) return &path;
  return nullptr;
}

void place(Vocabulary& vocabulary, std::string_view token, std::int64_t id, std::int32_t type, const fs::path& path) {
  if (id < 0 || id >= kMostTokens)
    throw Error(ErrorCode::kLimit, path,
                fmt::format("has a token with the id {} (expected less than {})", id, kMostTokens));
  const auto at = static_cast<std::size_t>(id);
  if (at >= vocabulary.tokens.size()) {
    vocabulary.tokens.resize(at + 1);
    vocabulary.types.resize(at + 1, kUnusedToken);
  }
  vocabulary.tokens[at] = token;
  vocabulary.types[at] = type;
}

/// The name that llama.cpp has for the steps that split text before byte-level BPE.
std::string pre_tokenizer_of(const JsonFile& file) {
  std::vector<std::string> steps, splits;
  const auto take = [&](const JsonValue& step) {
    steps.emplace_back(step.at("type").text());
    if (steps.back() == "Split")
      if (const auto regex = step.at("pattern").find("Regex")) splits.emplace_back(regex->text());
    if (steps.back() == "ByteLevel" && step.flag("use_regex", true)) steps.back() = "ByteLevel+";
  };
  if (const auto pre = file.root().find("pre_tokenizer")) {
    if (pre->at("type").text() == "Sequence")
      pre->at("pretokenizers").for_elements(take);
    else
      take(*pre);
  }
  if (steps == std::vector<std::string>{"ByteLevel+"}) return "gpt-2";
  if (steps == std::vector<std::string>{"Digits", "ByteLevel+"}) return "smollm";
  if (splits.size() == 1 && steps.size() == 2)
    for (const char* name : {"llama-bpe", "qwen2", "tekken"})
      if (splits[0] == split_expression(name)) return name;
  throw Error(
      ErrorCode::kUnsupported, file.path(),
      "splits text in a way that pare cannot name for llama.cpp (expected that of GPT-2, SmolLM, Llama 3, Qwen2 "
      "or Tekken)");
}

/// Whether tokens are put before and after a text.
void take_surroundings(const JsonFile& file, Vocabulary& vocabulary) {
  auto processor = file.root().find("post_processor");
  if (!processor) return;
  const auto take = [&](const JsonValue& step) {
    const auto single = step.find("single");
    if (!single) return;
    bool before = true;
    single->for_elements([&](const JsonValue& part) {
      if (part.find("Sequence")) before = false;
      if (part.find("SpecialToken")) (before ? vocabulary.add_bos : vocabulary.add_eos) = true;
    });
  };
  if (const auto steps = processor->find("processors"))
    steps->for_elements(take);
  else
    take(*processor);
}

Vocabulary read_json(const fs::path& path) {
  const JsonFile file(path);
  const JsonValue model = file.root().at("model");
  if (model.at("type").text() != "BPE" || model.flag("byte_fallback", false))
    throw Error(ErrorCode::kUnsupported, path, "is not a byte-level BPE tokenizer, which pare needs for GGUF");
  Vocabulary vocabulary;
  model.at("vocab").for_members(
      [&](std::string_view token, const JsonValue& id) { place(vocabulary, token, id.integer(), kNormal, path); });
  model.at("merges").for_elements([&](const JsonValue& merge) {
    if (merge.is_text()) return vocabulary.merges.emplace_back(merge.text()), void();
    std::string pair;
    merge.for_elements([&](const JsonValue& part) { pair += (pair.empty() ? "" : " ") + std::string(part.text()); });
    vocabulary.merges.push_back(std::move(pair));
  });
  if (const auto added = file.root().find("added_tokens"))
    added->for_elements([&](const JsonValue& token) {
      place(vocabulary, token.at("content").text(), token.at("id").integer(),
            token.flag("special", false) ? kControlToken : kDefinedToken, path);
    });
  vocabulary.pre = pre_tokenizer_of(file);
  take_surroundings(file, vocabulary);
  return vocabulary;
}

/// GPT-2's files.
Vocabulary read_pair(const fs::path& vocab, const fs::path& merges) {
  Vocabulary vocabulary;
  const JsonFile file(vocab);
  file.root().for_members([&](std::string_view token, const JsonValue& id) {
    const bool control = token == "<|endoftext|>";
    place(vocabulary, token, id.integer(), control ? kControlToken : kNormal, vocab);
  });
  const auto map = base::FileMap::open(merges);
  std::istringstream lines{std::string(base::as_text(map->bytes()))};
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty() && !line.starts_with("#version")) vocabulary.merges.push_back(line);
  }
  return vocabulary;
}

/// Copies the tokenizer of the GGUF file that the model was read from; false if it was not.
bool copy_tokenizer(const Model& model, checkpoint::GgufText& text) {
  if (model.side_texts.empty() || model.checkpoint.files().empty()) return false;
  const checkpoint::SourceFile source = checkpoint::read_gguf(model.checkpoint.files()[0].path);
  for (const std::string& key : source.gguf->keys())
    if (key.starts_with("tokenizer.")) text.add(key, *source.gguf->find(key));
  return true;
}

}  // namespace

void add_gguf_tokenizer(const Model& model, std::uint64_t rows, checkpoint::GgufText& text) {
  if (copy_tokenizer(model, text)) return;
  Vocabulary vocabulary;
  const fs::path *json = side_file(model, "tokenizer.json"), *vocab = side_file(model, "vocab.json");
  const fs::path* merges = side_file(model, "merges.txt");
  if (json != nullptr)
    vocabulary = read_json(*json);
  else if (vocab != nullptr && merges != nullptr)
    vocabulary = read_pair(*vocab, *merges);
  else
    throw Error(ErrorCode::kNotFound, model.source, "has neither tokenizer.json nor vocab.json and merges.txt");
  if (vocabulary.tokens.size() > rows)
    throw Error(
        ErrorCode::kMismatch, json != nullptr ? *json : *vocab,
        fmt::format("has {} tokens (expected at most {}, the rows of the embedding)", vocabulary.tokens.size(), rows));
  vocabulary.tokens.resize(rows);
  vocabulary.types.resize(rows, kUnusedToken);
  for (std::size_t id = 0; id < rows; ++id)
    if (vocabulary.types[id] == kUnusedToken) vocabulary.tokens[id] = fmt::format("[PAD{}]", id);
  text.add("tokenizer.ggml.model", std::string_view("gpt2"));
  text.add("tokenizer.ggml.pre", std::string_view(vocabulary.pre));
  text.add("tokenizer.ggml.tokens", vocabulary.tokens);
  text.add("tokenizer.ggml.token_type", vocabulary.types);
  text.add("tokenizer.ggml.merges", vocabulary.merges);
  const Config config(model.config, model.checkpoint.directory() / "config.json");
  for (const auto& [key, name] : {std::pair("bos_token_id", "bos"), std::pair("eos_token_id", "eos"),
                                  std::pair("unk_token_id", "unknown"), std::pair("pad_token_id", "padding")}) {
    // A list of ends is not in GGUF; the first one is the model's own.
    std::optional<double> id;
    try {
      id = config.real(key);
    } catch (const Error&) {
      const std::vector<double> several = config.reals(key);
      if (!several.empty()) id = several.front();
    }
    if (id && *id >= 0 && *id < static_cast<double>(rows))
      text.add(fmt::format("tokenizer.ggml.{}_token_id", name), static_cast<std::uint32_t>(*id));
  }
  text.add_flag("tokenizer.ggml.add_bos_token", vocabulary.add_bos);
  text.add_flag("tokenizer.ggml.add_eos_token", vocabulary.add_eos);
}

}  // namespace pare::model
