#include "tokenize/steps/json_steps.h"

#include <array>
#include <tuple>
#include <utility>

namespace pare::tokenize {
namespace {

void append_steps(const JsonValue& step, std::string_view list, std::vector<JsonValue>& steps) {
  constexpr std::size_t kMostSteps = 64;
  if (json_type(step) == "Sequence") {
    step.at(list).for_elements([&](const JsonValue& inner) { append_steps(inner, list, steps); });
  } else {
    if (steps.size() == kMostSteps) step.fail("is one of more than 64 steps", ErrorCode::kLimit);
    steps.push_back(step);
  }
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

Regex regex_of(const JsonValue& pattern) {
  return Regex(pattern.text(), [&](const std::string& cause) { pattern.fail(cause, ErrorCode::kUnsupported); });
}

/// A step's pattern: a text, or a regular expression.
std::pair<std::string, std::optional<Regex>> pattern_of(const JsonValue& step) {
  const JsonValue pattern = step.at("pattern");
  if (const auto text = pattern.find("String")) return {std::string(text->text()), std::nullopt};
  return {{}, regex_of(pattern.at("Regex"))};
}

BertNormalization bert_of(const JsonValue& step) {
  BertNormalization bert;
  bert.clean_text = step.flag("clean_text", true);
  bert.handle_chinese_chars = step.flag("handle_chinese_chars", true);
  bert.lowercase = step.flag("lowercase", true);
  if (const auto strip = step.find("strip_accents")) bert.strip_accents = strip->boolean();
  return bert;
}

void add_replace(const JsonValue& step, Normalizer& normalizer) {
  std::string content(step.at("content").text());
  const auto regex = step.at("pattern").find("Regex");
  // Matched as written, this pattern would look for the end of the text at every space.
  if (regex && regex->text() == "\\A +| +\\z" && content.empty()) return normalizer.add_trim_spaces();
  auto [literal, compiled] = pattern_of(step);
  if (compiled)
    normalizer.add_replace(std::move(*compiled), std::move(content));
  else
    normalizer.add_replace(std::move(literal), std::move(content));
}

void add_normalizer(const JsonFile& file, const JsonValue& step, Normalizer& normalizer) {
  const std::string_view type = json_type(step);
  Normalizer::Step plain;
  if (type == "NFC") return normalizer.add_form(NormalForm::kNfc);
  if (type == "NFD") return normalizer.add_form(NormalForm::kNfd);
  if (type == "NFKC") return normalizer.add_form(NormalForm::kNfkc);
  if (type == "NFKD") return normalizer.add_form(NormalForm::kNfkd);
  if (type == "Replace") return add_replace(step, normalizer);
  if (type == "Prepend") return normalizer.add_prepend(std::string(step.at("prepend").text()));
  if (type == "BertNormalizer") return normalizer.add_bert(bert_of(step));
  if (type == "Precompiled") return normalizer.add_charsmap(charsmap_of(file, step));
  if (type == "Strip") return normalizer.add_strip(step.flag("strip_left", false), step.flag("strip_right", false));
  if (type == "Lowercase")
    plain.kind = Normalizer::Step::Kind::kLowercase;
  else if (type == "StripAccents")
    plain.kind = Normalizer::Step::Kind::kStripAccents;
  else
    refuse_step(step);
  normalizer.add(std::move(plain));
}

Split behavior_of(const JsonValue& step) {
  const auto behavior = step.find("behavior");
  const std::string_view name = behavior ? behavior->text() : "Isolated";
  if (name == "Removed") return Split::kRemoved;
  if (name == "Isolated") return Split::kIsolated;
  if (name == "MergedWithPrevious") return Split::kMergedWithPrevious;
  if (name == "MergedWithNext") return Split::kMergedWithNext;
  if (name != "Contiguous")
    behavior->fail("'" + std::string(name) +
                   "' is not one of Removed, Isolated, MergedWithPrevious, MergedWithNext and Contiguous");
  return Split::kContiguous;
}

Prefix prefix_of(const JsonValue& metaspace) {
  if (const auto mark = metaspace.find("replacement"); mark && mark->text() != kSpaceMark)
    mark->fail("'" + std::string(mark->text()) + "' is not supported (expected U+2581)", ErrorCode::kUnsupported);
  const auto scheme = metaspace.find("prepend_scheme");
  if (!scheme) return metaspace.flag("add_prefix_space", true) ? Prefix::kAlways : Prefix::kNever;
  const std::string_view name = scheme->text();
  if (name == "always") return Prefix::kAlways;
  if (name == "first") return Prefix::kFirst;
  if (name != "never") scheme->fail("'" + std::string(name) + "' is not one of always, first and never");
  return Prefix::kNever;
}

void add_split(const JsonValue& step, PreTokenizer& result) {
  auto [literal, regex] = pattern_of(step);
  if (!regex) regex.emplace(std::vector<std::string>{literal});
  result.add_split(std::move(*regex), behavior_of(step), step.flag("invert", false));
}

void add_pre_tokenizer(const JsonValue& step, PreTokenizer& result) {
  using Kind = PreTokenizer::Step::Kind;
  const std::string_view type = json_type(step);
  if (type == "ByteLevel") {
    if (step.flag("add_prefix_space", true)) result.add(Kind::kAddSpace);
    if (step.flag("use_regex", true)) result.add(Kind::kGpt2);
    result.add(Kind::kAlphabet);
  } else if (type == "Split") {
    add_split(step, result);
  } else if (type == "Metaspace") {
    result.add_metaspace(prefix_of(step), step.flag("split", true));
  } else if (type == "Digits") {
    const bool each = step.flag("individual_digits", false);
    result.add_runs(Kind::kDigits, each ? Split::kIsolated : Split::kContiguous);
  } else if (type == "Punctuation") {
    result.add_runs(Kind::kPunctuation, behavior_of(step));
  } else if (type == "BertPreTokenizer") {
    result.add(Kind::kBert);
  } else if (type == "Whitespace") {
    result.add(Kind::kWhitespace);
  } else if (type == "WhitespaceSplit") {
    result.add(Kind::kWhitespaceSplit);
  } else {
    refuse_step(step);
  }
}

std::size_t count_of(const JsonValue& step, std::string_view key) {
  const std::int64_t count = step.at(key).integer();
  if (count < 0) step.fail(std::string(key) + ": is negative");
  return static_cast<std::size_t>(count);
}

void add_decoder(const JsonValue& step, Decoder& decoder) {
  const std::string_view type = json_type(step);
  if (type == "ByteLevel") return decoder.add(Decoder::Step::Kind::kByteLevel);
  if (type == "ByteFallback") return decoder.add(Decoder::Step::Kind::kByteFallback);
  if (type == "Fuse") return decoder.add(Decoder::Step::Kind::kFuse);
  if (type == "Metaspace") return decoder.add_metaspace(prefix_of(step));
  if (type == "WordPiece")
    return decoder.add_wordpiece(std::string(step.at("prefix").text()), step.flag("cleanup", true));
  if (type == "Strip")
    return decoder.add_strip(std::string(step.at("content").text()), count_of(step, "start"), count_of(step, "stop"));
  if (type != "Replace") refuse_step(step);
  Decoder::Step replace;
  replace.kind = Decoder::Step::Kind::kReplace;
  std::tie(replace.literal, replace.regex) = pattern_of(step);
  if (!replace.regex) return decoder.add_replace(std::move(replace.literal), std::string(step.at("content").text()));
  replace.content = step.at("content").text();
  decoder.add(std::move(replace));
}

}  // namespace

std::string_view json_type(const JsonValue& step) { return step.at("type").text(); }

void refuse_step(const JsonValue& step) {
  step.fail("'" + std::string(json_type(step)) + "' is not a supported step", ErrorCode::kUnsupported);
}

std::vector<JsonValue> json_steps(const JsonFile& file, std::string_view key, std::string_view list) {
  std::vector<JsonValue> steps;
  if (const auto step = file.root().find(key)) append_steps(*step, list, steps);
  return steps;
}

Normalizer json_normalizer(const JsonFile& file) {
  Normalizer normalizer;
  for (const JsonValue& step : json_steps(file, "normalizer", "normalizers")) add_normalizer(file, step, normalizer);
  return normalizer;
}

PreTokenizer json_pre_tokenizer(const JsonFile& file) {
  PreTokenizer result;
  for (const JsonValue& step : json_steps(file, "pre_tokenizer", "pretokenizers")) add_pre_tokenizer(step, result);
  return result;
}

Decoder json_decoder(const JsonFile& file) {
  Decoder decoder;
  for (const JsonValue& step : json_steps(file, "decoder", "decoders")) add_decoder(step, decoder);
  return decoder;
}

Charsmap json_charsmap(const JsonFile& file) {
  for (const JsonValue& step : json_steps(file, "normalizer", "normalizers"))
    if (json_type(step) == "Precompiled") return charsmap_of(file, step);
  return {};
}

}  // namespace pare::tokenize
