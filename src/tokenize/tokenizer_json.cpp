#include "tokenize/tokenizer_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <unordered_map>

#include "base/utf8.h"
#include "tokenize/tokenizer_files.h"

namespace pare::tokenize {
namespace {

using Prefix = UnigramOptions::Prefix;

std::string_view type_of(const JsonValue& step) { return step.at("type").text(); }

[[noreturn]] void refuse(const JsonValue& step) {
  step.fail("'" + std::string(type_of(step)) + "' is not a step of GPT-2's, BERT's or T5's tokenizer",
            ErrorCode::kUnsupported);
}

void require(const JsonValue& step, std::string_view type) {
  if (type_of(step) != type) refuse(step);
}

void require_unset(const JsonValue& model, std::string_view key) {
  const auto value = model.find(key);
  if (!value) return;
  if (value->is_text() ? !value->text().empty() : value->boolean())
    value->fail("is not supported for any tokenizer family", ErrorCode::kUnsupported);
}

/// The steps of a normalizer or pre-tokenizer: the members of a Sequence, or the single step itself.
std::vector<JsonValue> steps_of(const JsonFile& file, std::string_view key, std::string_view list) {
  std::vector<JsonValue> steps;
  const auto step = file.root().find(key);
  if (!step) return steps;
  if (type_of(*step) != "Sequence") return {*step};
  step->at(list).for_elements([&](const JsonValue& inner) { steps.push_back(inner); });
  return steps;
}

std::string base64_decoded(const JsonValue& value) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<int, 256> digits;
  digits.fill(-1);
  for (std::size_t i = 0; i < kDigits.size(); ++i) digits[static_cast<unsigned char>(kDigits[i])] = static_cast<int>(i);
  std::string_view text = value.text();
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  unsigned pending = 0, bits = 0;
  for (const char c : text) {
    const int digit = digits[static_cast<unsigned char>(c)];
    if (digit < 0) value.fail("is not valid base64");
    pending = (pending << 6 | static_cast<unsigned>(digit)) & 0xFFFFFF;
    bits += 6;
    if (bits >= 8) bytes.push_back(static_cast<char>(pending >> (bits -= 8) & 0xFF));
  }
  return bytes;
}

Charsmap charsmap_of(const JsonFile& file, const JsonValue& step) {
  const auto map = step.find("precompiled_charsmap");
  return map ? Charsmap(base64_decoded(*map), file.path()) : Charsmap();
}

/// A number as serde_json reads it, which `tokenizers` uses: its shortest digits as a double, times or over a power of
/// ten. The result is not always the nearest double, and the last bit decides between tied segmentations.
double as_serde_reads(double value) {
  char text[32];
  const char* end = std::to_chars(text, text + sizeof text, std::fabs(value), std::chars_format::scientific).ptr;
  std::uint64_t digits = 0;
  int exponent = 0;
  const char* at = text;
  for (; at != end && *at != 'e'; ++at) {
    if (*at == '.') continue;
    digits = digits * 10 + static_cast<unsigned>(*at - '0');
    if (at > text) --exponent;
  }
  int scientific = 0;
  if (at != end) std::from_chars(at + (at[1] == '+' ? 2 : 1), end, scientific);
  exponent += scientific;
  if (digits == 0 || exponent < -308 || exponent > 308) return value;
  const double power = std::pow(10.0, std::abs(exponent));
  const double magnitude = exponent < 0 ? static_cast<double>(digits) / power : static_cast<double>(digits) * power;
  return std::copysign(magnitude, value);
}

Prefix prefix_of(const JsonValue& metaspace) {
  require(metaspace, "Metaspace");
  if (const auto replacement = metaspace.find("replacement"); replacement && replacement->text() != "\xE2\x96\x81")
    replacement->fail("is not U+2581", ErrorCode::kUnsupported);
  const auto scheme = metaspace.find("prepend_scheme");
  if (!scheme) return metaspace.flag("add_prefix_space", true) ? Prefix::kAlways : Prefix::kNever;
  const std::string_view name = scheme->text();
  if (name == "always") return Prefix::kAlways;
  if (name == "first") return Prefix::kFirst;
  if (name != "never") scheme->fail("is not one of always, first and never");
  return Prefix::kNever;
}

std::unique_ptr<Algorithm> json_bpe(const JsonFile& file) {
  const JsonValue model = file.root().at("model");
  for (const char* key : {"unk_token", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"})
    require_unset(model, key);
  if (model.find("dropout")) model.fail("dropout: is not supported for any tokenizer family", ErrorCode::kUnsupported);
  if (const auto normalizer = file.root().find("normalizer")) refuse(*normalizer);
  const JsonValue step = file.root().at("pre_tokenizer");
  require(step, "ByteLevel");
  if (const auto decoder = file.root().find("decoder")) require(*decoder, "ByteLevel");
  BpeOptions options;
  options.add_prefix_space = step.flag("add_prefix_space", true);
  options.use_pattern = step.flag("use_regex", true);
  options.ignore_merges = model.flag("ignore_merges", false);
  return std::make_unique<ByteLevelBpe>(json_vocabulary(file), json_merges(file), options, file.path());
}

std::unique_ptr<Algorithm> json_wordpiece(const JsonFile& file) {
  const JsonValue model = file.root().at("model");
  WordPieceOptions options;
  options.unknown = model.at("unk_token").text();
  options.continuing_prefix = model.at("continuing_subword_prefix").text();
  const std::int64_t longest = model.at("max_input_chars_per_word").integer();
  if (longest < 0) model.fail("max_input_chars_per_word: is negative");
  options.longest_word = static_cast<std::size_t>(longest);
  if (const auto normalizer = file.root().find("normalizer")) {
    require(*normalizer, "BertNormalizer");
    options.normalization.clean_text = normalizer->flag("clean_text", true);
    options.normalization.handle_chinese_chars = normalizer->flag("handle_chinese_chars", true);
    options.normalization.lowercase = normalizer->flag("lowercase", true);
    if (const auto strip = normalizer->find("strip_accents")) options.normalization.strip_accents = strip->boolean();
  } else {
    options.normalization = {false, false, false, false};
  }
  require(file.root().at("pre_tokenizer"), "BertPreTokenizer");
  const JsonValue decoder = file.root().at("decoder");
  require(decoder, "WordPiece");
  if (decoder.at("prefix").text() != options.continuing_prefix)
    decoder.fail("prefix: is not the model's", ErrorCode::kUnsupported);
  options.decode_cleanup = decoder.flag("cleanup", true);
  return std::make_unique<WordPiece>(json_vocabulary(file), std::move(options), file.path());
}

void take_normalizer(const JsonFile& file, const JsonValue& step, UnigramOptions& options) {
  const std::string_view type = type_of(step);
  if (type == "Precompiled") {
    if (options.strip_left || options.strip_right || options.collapse_spaces)
      step.fail("comes too late", ErrorCode::kUnsupported);
    options.charsmap = charsmap_of(file, step);
  } else if (type == "Strip") {
    if (options.collapse_spaces) step.fail("comes too late", ErrorCode::kUnsupported);
    options.strip_left = step.flag("strip_left", false);
    options.strip_right = step.flag("strip_right", false);
  } else if (type == "Replace") {
    const auto pattern = step.at("pattern").find("Regex");
    if (!pattern || pattern->text() != " {2,}" || step.at("content").text() != "\xE2\x96\x81")
      step.fail("is supported only as T5 has it: ' {2,}' to U+2581", ErrorCode::kUnsupported);
    options.collapse_spaces = true;
  } else {
    refuse(step);
  }
}

std::unique_ptr<Algorithm> json_unigram(const JsonFile& file) {
  const JsonValue model = file.root().at("model");
  require_unset(model, "byte_fallback");
  UnigramOptions options;
  const std::int64_t unknown = model.at("unk_id").integer();
  if (unknown < 0) model.fail("unk_id: is negative");
  options.unknown = static_cast<std::size_t>(unknown);
  for (const JsonValue& step : steps_of(file, "normalizer", "normalizers")) take_normalizer(file, step, options);
  const auto steps = steps_of(file, "pre_tokenizer", "pretokenizers");
  if (steps.empty() || steps.size() > 2)
    file.root().fail("pre_tokenizer: is not Metaspace, with or without WhitespaceSplit", ErrorCode::kUnsupported);
  if (steps.size() == 2) require(steps.front(), "WhitespaceSplit");
  options.split_at_space = steps.size() == 2;
  options.prefix = prefix_of(steps.back());
  if (!steps.back().flag("split", true)) steps.back().fail("split: is supported only as true", ErrorCode::kUnsupported);
  options.decode_prefix = prefix_of(file.root().at("decoder"));
  auto [pieces, scores] = json_scored_vocabulary(file);
  std::transform(scores.begin(), scores.end(), scores.begin(), as_serde_reads);
  return std::make_unique<Unigram>(std::move(pieces), std::move(scores), std::move(options), file.path());
}

void append_template(const JsonValue& step, Surroundings& result) {
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

Charsmap json_charsmap(const JsonFile& file) {
  for (const JsonValue& step : steps_of(file, "normalizer", "normalizers"))
    if (type_of(step) == "Precompiled") return charsmap_of(file, step);
  return {};
}

std::unique_ptr<Algorithm> json_algorithm(const JsonFile& file) {
  const std::string type = model_type(file);
  if (type == "BPE") return json_bpe(file);
  if (type == "WordPiece") return json_wordpiece(file);
  if (type == "Unigram") return json_unigram(file);
  file.root().at("model").fail("'" + type + "' is not one of BPE, WordPiece and Unigram", ErrorCode::kUnsupported);
}

Surroundings json_surroundings(const JsonFile& file) {
  Surroundings result;
  for (const JsonValue& step : steps_of(file, "post_processor", "processors")) {
    const std::string_view type = type_of(step);
    if (type == "TemplateProcessing") {
      append_template(step, result);
    } else if (type == "BertProcessing") {
      const auto id = [&](std::string_view key) {
        std::vector<JsonValue> parts;
        step.at(key).for_elements([&](const JsonValue& part) { parts.push_back(part); });
        if (parts.size() != 2) step.fail(std::string(key) + ": is not a token and its id");
        return parts[1].token_id();
      };
      result.before.push_back(id("cls"));
      result.after.push_back(id("sep"));
    } else if (type != "ByteLevel") {  // ByteLevel affects only offsets
      refuse(step);
    }
  }
  return result;
}

}  // namespace pare::tokenize
