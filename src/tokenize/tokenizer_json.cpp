#include "tokenize/tokenizer_json.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "tokenize/byte_alphabet.h"
#include "tokenize/steps/json_steps.h"
#include "tokenize/tokenizer_files.h"
#include "tokenize/unigram.h"
#include "tokenize/wordpiece.h"

namespace pare::tokenize {
namespace {

void require_unset(const JsonValue& model, std::string_view key) {
  const auto value = model.find(key);
  if (!value) return;
  if (value->is_text() ? !value->text().empty() : value->boolean())
    value->fail("is not supported (expected none)", ErrorCode::kUnsupported);
}

std::unique_ptr<Algorithm> json_bpe(const JsonFile& file, PreTokenizer& pre_tokenizer) {
  const JsonValue model = file.root().at("model");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) require_unset(model, key);
  if (const auto dropout = model.find("dropout"); dropout && dropout->number() != 0)
    dropout->fail("is not supported (expected null)", ErrorCode::kUnsupported);
  BpeOptions options;
  options.ignore_merges = model.flag("ignore_merges", false);
  options.byte_fallback = model.flag("byte_fallback", false);
  options.fuse_unknown = model.flag("fuse_unk", false);
  if (const auto unknown = model.find("unk_token")) options.unknown = unknown->text();
  Vocabulary vocabulary = json_vocabulary(file);
  read_bytes_directly(options, vocabulary, pre_tokenizer);
  return std::make_unique<Bpe>(std::move(vocabulary), json_merges(file), std::move(options), file.path());
}

std::unique_ptr<Algorithm> json_wordpiece(const JsonFile& file) {
  const JsonValue model = file.root().at("model");
  WordPieceOptions options;
  options.unknown = model.at("unk_token").text();
  options.continuing_prefix = model.at("continuing_subword_prefix").text();
  const std::int64_t longest = model.at("max_input_chars_per_word").integer();
  if (longest < 0) model.fail("max_input_chars_per_word: is negative");
  options.longest_word = static_cast<std::size_t>(longest);
  return std::make_unique<WordPiece>(json_vocabulary(file), std::move(options), file.path());
}

std::unique_ptr<Algorithm> json_unigram(const JsonFile& file) {
  const JsonValue model = file.root().at("model");
  const std::int64_t unknown = model.at("unk_id").integer();
  if (unknown < 0) model.fail("unk_id: is negative");
  auto [pieces, scores] = json_scored_vocabulary(file);
  std::transform(scores.begin(), scores.end(), scores.begin(), as_serde_reads);
  return std::make_unique<Unigram>(std::move(pieces), std::move(scores), static_cast<std::size_t>(unknown),
                                   model.flag("byte_fallback", false), file.path());
}

Surroundings template_of(const JsonValue& step) {
  Surroundings result;
  constexpr std::size_t kMostIds = 4096;  // a template repeats a special token's ids at each use
  std::unordered_map<std::string_view, JsonValue> specials;
  step.at("special_tokens").for_members([&](std::string_view name, const JsonValue& special) {
    specials.insert_or_assign(name, special);
  });
  bool seen = false;
  step.at("single").for_elements([&](const JsonValue& part) {
    if (const auto sequence = part.find("Sequence")) {
      if (seen || sequence->at("id").text() != "A") part.fail("is not one text", ErrorCode::kUnsupported);
      seen = true;
      return;
    }
    const std::string_view name = part.at("SpecialToken").at("id").text();
    const auto special = specials.find(name);
    if (special == specials.end()) step.fail("special_tokens: has no '" + std::string(name) + "'");
    special->second.at("ids").for_elements([&](const JsonValue& id) {
      if (result.before.size() + result.after.size() == kMostIds)
        step.fail("single: adds more than 4096 tokens", ErrorCode::kLimit);
      (seen ? result.after : result.before).push_back(id.token_id());
    });
  });
  if (!seen) step.fail("single: has no place for the text");
  return result;
}

}  // namespace

std::string model_type(const JsonFile& file) { return std::string(file.root().at("model").at("type").text()); }

Vocabulary json_vocabulary(const JsonFile& file) {
  Vocabulary vocabulary = vocabulary_of(file.root().at("model").at("vocab"));
  if (vocabulary.empty()) throw Error(ErrorCode::kMalformed, file.path(), "has no tokens");
  return vocabulary;
}

ScoredVocabulary json_scored_vocabulary(const JsonFile& file) {
  ScoredVocabulary result;
  file.root().at("model").at("vocab").for_elements([&](const JsonValue& entry) {
    std::size_t part = 0;
    entry.for_elements([&](const JsonValue& value) {
      if (part == 0) result.pieces.emplace_back(value.text());
      if (part == 1) result.scores.push_back(value.number());
      ++part;
    });
    if (part != 2) entry.fail("entry " + std::to_string(result.pieces.size()) + " is not a token and its score");
  });
  return result;
}

Merges json_merges(const JsonFile& file) {
  Merges merges;
  file.root().at("model").at("merges").for_elements([&](const JsonValue& merge) {
    if (merge.is_text()) {  // written by `tokenizers` before 0.20
      const std::string_view text = merge.text();
      const std::size_t space = text.find(' ');
      if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos)
        merge.fail("merge " + std::to_string(merges.size() + 1) + " is not two tokens");
      merges.emplace_back(text.substr(0, space), text.substr(space + 1));
      return;
    }
    std::vector<std::string> parts;
    merge.for_elements([&](const JsonValue& part) { parts.emplace_back(part.text()); });
    if (parts.size() != 2) merge.fail("merge " + std::to_string(merges.size() + 1) + " is not two tokens");
    merges.emplace_back(std::move(parts[0]), std::move(parts[1]));
  });
  return merges;
}

void read_bytes_directly(BpeOptions& options, const Vocabulary& vocabulary, PreTokenizer& pre_tokenizer) {
  options.bytes = false;
  if (!pre_tokenizer.ends_in(PreTokenizer::Step::Kind::kAlphabet)) return;
  if (options.byte_fallback || !options.unknown.empty()) {  // which only matter if a byte has no token
    const auto spelled = [](unsigned byte) { return ByteAlphabet::get().token(static_cast<unsigned char>(byte)); };
    const std::unordered_set<std::string_view> tokens(vocabulary.begin(), vocabulary.end());
    for (unsigned byte = 0; byte < 256; ++byte)
      if (tokens.count(spelled(byte)) == 0) return;
  }
  pre_tokenizer.remove_last();
  options.bytes = true;
}

void take_json_steps(const JsonFile& file, PipelineParts& parts) {
  parts.normalizer = json_normalizer(file);
  parts.pre_tokenizer = json_pre_tokenizer(file);
  parts.decoder = json_decoder(file);
  const std::string type = model_type(file);
  if (type == "BPE")
    parts.algorithm = json_bpe(file, parts.pre_tokenizer);
  else if (type == "WordPiece")
    parts.algorithm = json_wordpiece(file);
  else if (type == "Unigram")
    parts.algorithm = json_unigram(file);
  else
    file.root().at("model").fail("'" + type + "' is not one of BPE, WordPiece and Unigram", ErrorCode::kUnsupported);
}

Surroundings json_surroundings(const JsonFile& file) {
  Surroundings result;
  const auto put_around = [&](const Surroundings& outer) {
    result.before.insert(result.before.begin(), outer.before.begin(), outer.before.end());
    result.after.insert(result.after.end(), outer.after.begin(), outer.after.end());
  };
  for (const JsonValue& step : json_steps(file, "post_processor", "processors")) {
    const std::string_view type = json_type(step);
    if (type == "TemplateProcessing") {
      put_around(template_of(step));
    } else if (type == "BertProcessing" || type == "RobertaProcessing") {
      const auto id = [&](std::string_view key) {
        std::vector<JsonValue> parts;
        step.at(key).for_elements([&](const JsonValue& part) { parts.push_back(part); });
        if (parts.size() != 2) step.fail(std::string(key) + ": is not a token and its id");
        return parts[1].token_id();
      };
      put_around({{id("cls")}, {id("sep")}});
    } else if (type != "ByteLevel") {  // ByteLevel affects only offsets
      refuse_step(step);
    }
  }
  return result;
}

}  // namespace pare::tokenize
