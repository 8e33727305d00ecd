#include "tokenize/spiece_steps.h"

#include <algorithm>
#include <functional>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "base/utf8.h"
#include "pare/error.h"
#include "tokenize/unigram.h"

namespace pare::tokenize {
namespace {

/// Two tokens that form a third one.
struct Pair {
  std::int32_t whole, left, right;
};

/// All pairs of tokens from `tokens` (id by text, -1: not to be used) that form another, in the order of the whole and
/// of the left one's length. A vocabulary of long tokens that begin and end alike may have very many.
std::vector<Pair> pairs_of(const Vocabulary& vocabulary, const std::vector<bool>& used,
                           const std::filesystem::path& path) {
  constexpr std::size_t kMostPairs = std::size_t{1} << 23;
  TokenMap ids(vocabulary.size());
  for (std::size_t i = 0; i < vocabulary.size(); ++i)
    if (used[i]) ids.insert(vocabulary[i], static_cast<std::int32_t>(i));
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const std::string_view token = vocabulary[i];
    if (!used[i] || ids[token] != static_cast<std::int32_t>(i)) continue;
    for (std::size_t at = 0; at < token.size();) {
      at += base::character_size(token[at]);
      if (at == token.size()) break;
      const auto left = ids[token.substr(0, at)];
      if (!left) continue;
      const auto right = ids[token.substr(at)];
      if (right) pairs.push_back({static_cast<std::int32_t>(i), *left, *right});
    }
    if (pairs.size() > kMostPairs)
      throw Error(ErrorCode::kLimit, path, "its pieces have more than " + std::to_string(kMostPairs) + " merges");
  }
  return pairs;
}

Merges merges_of(const Vocabulary& vocabulary, const std::vector<Pair>& pairs) {
  Merges merges;
  merges.reserve(pairs.size());
  for (const Pair& pair : pairs)
    merges.emplace_back(vocabulary[static_cast<std::size_t>(pair.left)],
                        vocabulary[static_cast<std::size_t>(pair.right)]);
  return merges;
}

/// Normal pieces only, the most likely whole first.
Merges merges_by_score(const Spiece& model, const Vocabulary& vocabulary, const std::filesystem::path& path) {
  std::vector<bool> normal(vocabulary.size());
  for (std::size_t i = 0; i < normal.size(); ++i) normal[i] = model.types[i] == Spiece::Type::kNormal;
  std::vector<Pair> pairs = pairs_of(vocabulary, normal, path);
  const auto key = [&](const Pair& pair) {
    return std::tuple(-model.scores[static_cast<std::size_t>(pair.whole)], pair.whole,
                      std::string_view(vocabulary[static_cast<std::size_t>(pair.left)]));
  };
  std::sort(pairs.begin(), pairs.end(), [&](const Pair& a, const Pair& b) { return key(a) < key(b); });
  return merges_of(vocabulary, pairs);
}

/// The pieces, of which some only hold a place for a token that the configuration names.
Vocabulary renamed(const Spiece& model, const TokenizerConfig& config) {
  Vocabulary vocabulary = model.pieces;
  if (model.trainer.type != Spiece::Trainer::kBpe) return vocabulary;
  std::unordered_map<std::int64_t, std::string_view> names;
  for (const auto& [id, token] : config.added) names[id] = token.content;
  std::unordered_set<std::string_view> kept;
  for (std::size_t i = 0; i < vocabulary.size(); ++i)
    if (names.count(static_cast<std::int64_t>(i)) == 0) kept.insert(model.pieces[i]);
  for (const auto& [id, name] : names)
    if (id >= 0 && static_cast<std::size_t>(id) < vocabulary.size() && kept.count(name) == 0)
      vocabulary[static_cast<std::size_t>(id)] = name;
  return vocabulary;
}

void add_normalizers(const Spiece& model, bool legacy, const std::filesystem::path& path, Normalizer& normalizer) {
  const auto fail = [&](const std::string& cause) { throw Error(ErrorCode::kUnsupported, path, cause); };
  if (!model.charsmap.empty()) normalizer.add_charsmap(Charsmap(model.charsmap, path));
  if (model.normalizer.remove_extra_spaces) {
    normalizer.add_trim_spaces();
    normalizer.add_replace(Regex(" {2,}", fail), " ");
  }
  if (model.normalizer.escape_spaces) normalizer.add_replace(" ", std::string(kSpaceMark));
  if (model.normalizer.add_prefix && legacy)
    normalizer.add_replace(Regex("\\A" + std::string(kSpaceMark), fail),
                           std::string(kSpaceMark) + std::string(kSpaceMark));
}

void add_decoders(const Spiece& model, Decoder& decoder) {
  decoder.add_replace(std::string(kSpaceMark), " ");
  if (model.trainer.byte_fallback) decoder.add(Decoder::Step::Kind::kByteFallback);
  if (model.trainer.byte_fallback || model.normalizer.add_prefix) decoder.add(Decoder::Step::Kind::kFuse);
  if (model.normalizer.add_prefix) decoder.add_strip(" ", 1, 0);
}

}  // namespace

Merges merges_by_id(const Vocabulary& vocabulary, const std::filesystem::path& path) {
  return merges_of(vocabulary, pairs_of(vocabulary, std::vector<bool>(vocabulary.size(), true), path));
}

void take_spiece_steps(const Spiece& model, const TokenizerConfig& config, const std::filesystem::path& path,
                       PipelineParts& parts) {
  const bool legacy = config.legacy.value_or(true);
  Vocabulary vocabulary = renamed(model, config);
  std::vector<std::string> defined;
  for (std::size_t i = 0; i < vocabulary.size(); ++i)
    if (model.types[i] == Spiece::Type::kUserDefined) defined.push_back(vocabulary[i]);
  add_normalizers(model, legacy, path, parts.normalizer);
  if (model.normalizer.add_prefix) parts.pre_tokenizer.add_metaspace(legacy ? Prefix::kAlways : Prefix::kFirst, false);
  const bool isolates = !defined.empty();
  if (isolates) {
    const auto length = [](const std::string& text) {
      return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
    };
    std::stable_sort(defined.begin(), defined.end(),
                     [&](const std::string& a, const std::string& b) { return length(a) > length(b); });
    parts.pre_tokenizer.add_split(Regex(defined), Split::kIsolated);
  }
  add_decoders(model, parts.decoder);
  if (model.trainer.type == Spiece::Trainer::kBpe) {
    BpeOptions options;
    options.bytes = false;
    options.unknown = model.trainer.unknown;
    options.fuse_unknown = true;
    options.byte_fallback = model.trainer.byte_fallback;
    options.ignore_merges = isolates;
    Merges merges = merges_by_score(model, vocabulary, path);
    parts.algorithm = std::make_unique<Bpe>(std::move(vocabulary), merges, std::move(options), path);
  } else {
    if (model.trainer.unknown_id < 0) throw Error(ErrorCode::kMalformed, path, "unk_id: is negative");
    std::vector<double> scores = model.scores;
    // transformers copies this tokenizer by way of its JSON text.
    std::transform(scores.begin(), scores.end(), scores.begin(), as_serde_reads);
    parts.algorithm = std::make_unique<Unigram>(std::move(vocabulary), std::move(scores),
                                                static_cast<std::size_t>(model.trainer.unknown_id),
                                                model.trainer.byte_fallback, path);
  }
}

}  // namespace pare::tokenize
