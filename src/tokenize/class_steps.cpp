#include "tokenize/class_steps.h"

namespace pare::tokenize {
namespace {

using Pre = PreTokenizer::Step::Kind;

/// Qwen2's pattern (PRETOKENIZE_REGEX in tokenization_qwen2.py).
constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

void add_byte_level(const TokenizerConfig& config, bool pattern, PipelineParts& parts) {
  if (config.add_prefix_space.value_or(false)) parts.pre_tokenizer.add(Pre::kAddSpace);
  if (pattern) parts.pre_tokenizer.add(Pre::kGpt2);
  parts.pre_tokenizer.add(Pre::kAlphabet);
  parts.decoder.add(Decoder::Step::Kind::kByteLevel);
}

void add_llama(const TokenizerConfig& config, PipelineParts& parts) {
  const bool prefixed = config.add_prefix_space.value_or(true);
  const Prefix prefix = config.legacy.value_or(false) ? Prefix::kAlways : Prefix::kFirst;
  parts.pre_tokenizer.add_metaspace(prefixed ? prefix : Prefix::kNever, false);
  parts.decoder.add_replace(std::string(kSpaceMark), " ");
  parts.decoder.add(Decoder::Step::Kind::kByteFallback);
  parts.decoder.add(Decoder::Step::Kind::kFuse);
  if (prefixed) parts.decoder.add_strip(" ", 1, 0);
}

void add_gemma(PipelineParts& parts) {
  parts.normalizer.add_replace(" ", std::string(kSpaceMark));
  parts.pre_tokenizer.add_split(Regex(std::vector<std::string>{" "}), Split::kMergedWithPrevious);
  parts.decoder.add_replace(std::string(kSpaceMark), " ");
  parts.decoder.add(Decoder::Step::Kind::kByteFallback);
  parts.decoder.add(Decoder::Step::Kind::kFuse);
}

}  // namespace

void take_class_steps(const TokenizerConfig& config, Charsmap charsmap, PipelineParts& parts) {
  switch (config.kind) {
    case TokenizerClass::kGpt2:
    case TokenizerClass::kRoberta:
      return add_byte_level(config, true, parts);
    case TokenizerClass::kGptNeoX:
      parts.normalizer.add_form(NormalForm::kNfc);
      return add_byte_level(config, true, parts);
    case TokenizerClass::kQwen2:
      parts.normalizer.add_form(NormalForm::kNfc);
      parts.pre_tokenizer.add_split(Regex(kQwen2Pattern, {}), Split::kIsolated);
      return add_byte_level(config, false, parts);
    case TokenizerClass::kLlama:
      return add_llama(config, parts);
    case TokenizerClass::kGemma:
      return add_gemma(parts);
    case TokenizerClass::kBert:
    case TokenizerClass::kMpnet:
      parts.normalizer.add_bert(config.bert);
      parts.pre_tokenizer.add(Pre::kBert);
      return parts.decoder.add_wordpiece("##", true);
    case TokenizerClass::kT5:
      parts.normalizer.add_charsmap(std::move(charsmap));
      parts.pre_tokenizer.add(Pre::kWhitespaceSplit);
      parts.pre_tokenizer.add_metaspace(Prefix::kAlways, true);
      return parts.decoder.add_metaspace(Prefix::kAlways);
    case TokenizerClass::kJson:
      return;
  }
}

BpeOptions class_bpe_options(const TokenizerConfig& config) {
  BpeOptions options;
  options.fuse_unknown = options.byte_fallback =
      config.kind == TokenizerClass::kLlama || config.kind == TokenizerClass::kGemma;
  if (config.kind == TokenizerClass::kGemma) options.unknown = config.special_text(Special::kUnk);
  return options;
}

}  // namespace pare::tokenize
