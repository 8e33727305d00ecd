#include "tokenize/unigram.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iterator>

#include "base/utf8.h"
#include "pare/error.h"

namespace pare::tokenize {
namespace {

/// Score of an unknown character, relative to the worst piece.
constexpr double kUnknownPenalty = 10;

}  // namespace

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

Unigram::Unigram(Vocabulary vocabulary, std::vector<double> scores, std::size_t unknown, bool byte_fallback,
                 const std::filesystem::path& path)
    : vocabulary_(std::move(vocabulary)), scores_(std::move(scores)), ids_(vocabulary_.size()), unknown_(unknown) {
  if (unknown_ >= vocabulary_.size())
    throw Error(ErrorCode::kMalformed, path,
                "has " + std::to_string(vocabulary_.size()) + " tokens, and " + std::to_string(unknown_) +
                    " as the unknown one");
  std::vector<std::pair<std::string_view, std::int32_t>> entries;
  for (std::size_t i = 0; i < vocabulary_.size(); ++i) {
    if (!std::isfinite(scores_[i]))
      throw Error(ErrorCode::kMalformed, path, "token " + std::to_string(i) + ": its score is not a finite number");
    ids_.insert(vocabulary_[i], static_cast<std::int32_t>(i));
    entries.emplace_back(vocabulary_[i], static_cast<std::int32_t>(i));
  }
  trie_ = ByteTrie(std::move(entries));
  for (unsigned byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    byte_ids_[byte] = byte_fallback ? ids_[name].value_or(-1) : -1;
  }
  unknown_score_ = *std::min_element(scores_.begin(), scores_.end()) - kUnknownPenalty;
}

void Unigram::encode_word(std::string_view word, Scratch& work, std::vector<std::int32_t>& ids) const {
  work.best.assign(word.size() + 1, {0, -1, 0});
  Scratch::Node* const best = work.best.data();
  const double* const scores = scores_.data();
  const auto unknown = static_cast<std::int32_t>(unknown_);
  for (std::size_t begin = 0; begin < word.size();) {
    const std::size_t size = base::character_size(word[begin]);
    const double score = best[begin].score;
    const auto offer = [&](std::size_t length, double candidate, std::int32_t id) {
      Scratch::Node& node = best[begin + length];
      if (node.begin < 0 || candidate > node.score) node = {candidate, static_cast<std::int32_t>(begin), id};
    };
    bool single = false;
    trie_.prefixes(word.substr(begin), [&](std::size_t length, std::int32_t id) {
      offer(length, scores[id] + score, id);
      single |= length == size;
    });
    if (!single) offer(size, unknown_score_ + score, unknown);
    begin += size;
  }
  const Scratch::Node& last = best[word.size()];
  if (last.begin == 0 && last.id != unknown) return ids.push_back(last.id);
  work.pieces.clear();
  for (std::size_t end = word.size(); end > 0;) {
    const Scratch::Node& node = best[end];
    const auto begin = static_cast<std::size_t>(node.begin);
    // Consecutive unknown characters form one token.
    if (node.id == unknown && !work.pieces.empty() && work.pieces.back().id == unknown)
      work.pieces.back().begin = begin;
    else
      work.pieces.push_back({begin, end, node.id});
    end = begin;
  }
  for (auto piece = work.pieces.rbegin(); piece != work.pieces.rend(); ++piece) {
    if (piece->id == unknown)
      put_unknown(word.substr(piece->begin, piece->end - piece->begin), ids);
    else
      ids.push_back(piece->id);
  }
}

/// Joined unknown characters may be in the vocabulary after all.
void Unigram::put_unknown(std::string_view text, std::vector<std::int32_t>& ids) const {
  const auto id = [&](char byte) { return byte_ids_[static_cast<unsigned char>(byte)]; };
  if (const auto known = ids_[text])
    ids.push_back(*known);
  else if (std::all_of(text.begin(), text.end(), [&](char byte) { return id(byte) >= 0; }))
    std::transform(text.begin(), text.end(), std::back_inserter(ids), id);
  else
    ids.push_back(static_cast<std::int32_t>(unknown_));
}

}  // namespace pare::tokenize
