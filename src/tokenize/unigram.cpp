#include "tokenize/unigram.h"

#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "pare/error.h"
#include "tokenize/unicode.h"

namespace pare::tokenize {
namespace {

/// "▁" (U+2581), which stands for a space.
constexpr std::string_view kSpace = "\xE2\x96\x81";

/// Score of an unknown character, relative to the worst piece.
constexpr double kUnknownPenalty = 10;

}  // namespace

/// Viterbi's table: an entry for each byte at which a piece may end.
struct Unigram::Work {
  struct Node {
    double score;
    std::int32_t begin;  // of the last piece of the best path; -1 if no path ends here
    std::int32_t id;
  };
  struct Piece {
    std::size_t begin, end;
    std::int32_t id;
  };
  std::vector<Node> best;
  std::vector<Piece> pieces;  // last one first
  std::string spaced;
};

Unigram::Unigram(Vocabulary vocabulary, std::vector<double> scores, UnigramOptions options,
                 const std::filesystem::path& path)
    : vocabulary_(std::move(vocabulary)),
      scores_(std::move(scores)),
      options_(std::move(options)),
      ids_(vocabulary_.size()) {
  if (options_.unknown >= vocabulary_.size())
    throw Error(ErrorCode::kMalformed, path,
                "has " + std::to_string(vocabulary_.size()) + " tokens, and " + std::to_string(options_.unknown) +
                    " as the unknown one");
  std::vector<std::pair<std::string_view, std::int32_t>> entries;
  for (std::size_t i = 0; i < vocabulary_.size(); ++i) {
    if (!std::isfinite(scores_[i]))
      throw Error(ErrorCode::kMalformed, path, "token " + std::to_string(i) + ": its score is not a finite number");
    ids_.insert(vocabulary_[i], static_cast<std::int32_t>(i));
    entries.emplace_back(vocabulary_[i], static_cast<std::int32_t>(i));
  }
  trie_ = ByteTrie(std::move(entries));
  unknown_score_ = *std::min_element(scores_.begin(), scores_.end()) - kUnknownPenalty;
}

void Unigram::normalize(std::string_view text, std::string& normalized) const {
  const std::size_t begin = normalized.size();
  options_.charsmap.normalize(text, normalized);
  const CodePoints& points = CodePoints::get();
  const auto is_space = [&](const base::Character& character) { return points[character.code].is_space(); };
  if (options_.strip_right)
    while (normalized.size() > begin && is_space(base::character_before(normalized, normalized.size())))
      normalized.resize(normalized.size() - base::character_before(normalized, normalized.size()).size);
  if (options_.strip_left) {
    std::size_t end = begin;
    while (end < normalized.size() && is_space(base::character_at(normalized, end)))
      end += base::character_at(normalized, end).size;
    normalized.erase(begin, end - begin);
  }
  if (!options_.collapse_spaces) return;
  std::string collapsed;
  for (std::size_t at = begin; at < normalized.size();) {
    std::size_t end = std::min(normalized.find_first_not_of(' ', at), normalized.size());
    if (end - at >= 2) {
      collapsed += kSpace;
    } else {
      end = at + 1;
      collapsed.push_back(normalized[at]);
    }
    at = end;
  }
  normalized.replace(begin, std::string::npos, collapsed);
}

void Unigram::encode(std::string_view normalized, bool first, std::vector<std::int32_t>& ids) const {
  Work work;
  const auto prefixed = [&](bool at_begin) {
    return options_.prefix == UnigramOptions::Prefix::kAlways ||
           (options_.prefix == UnigramOptions::Prefix::kFirst && at_begin);
  };
  if (!options_.split_at_space) {
    if (!normalized.empty()) encode_spaced(normalized, prefixed(first), work, ids);
    return;
  }
  const CodePoints& points = CodePoints::get();
  std::size_t begin = 0;
  const auto end_word = [&](std::size_t end) {
    if (begin < end) encode_spaced(normalized.substr(begin, end - begin), prefixed(first && begin == 0), work, ids);
  };
  for (std::size_t at = 0; at < normalized.size();) {
    const base::Character character = base::character_at(normalized, at);
    if (points[character.code].is_space()) {
      end_word(at);
      begin = at + character.size;
    }
    at += character.size;
  }
  end_word(normalized.size());
}

/// Replaces spaces by "▁"; each begins a word.
void Unigram::encode_spaced(std::string_view text, bool prefixed, Work& work, std::vector<std::int32_t>& ids) const {
  work.spaced.clear();
  if (prefixed && !text.starts_with(' ') && !text.starts_with(kSpace)) work.spaced += kSpace;
  for (const char c : text) {
    if (c == ' ')
      work.spaced += kSpace;
    else
      work.spaced.push_back(c);
  }
  const std::string_view spaced = work.spaced;
  for (std::size_t begin = 0; begin < spaced.size();) {
    const std::size_t end = std::min(spaced.find(kSpace, begin + 1), spaced.size());
    encode_word(spaced.substr(begin, end - begin), work, ids);
    begin = end;
  }
}

void Unigram::encode_word(std::string_view word, Work& work, std::vector<std::int32_t>& ids) const {
  work.best.assign(word.size() + 1, {0, -1, 0});
  const auto unknown = static_cast<std::int32_t>(options_.unknown);
  for (std::size_t begin = 0; begin < word.size();) {
    const std::size_t size = base::character_size(word[begin]);
    const double score = work.best[begin].score;
    const auto offer = [&](std::size_t length, double candidate, std::int32_t id) {
      Work::Node& node = work.best[begin + length];
      if (node.begin < 0 || candidate > node.score) node = {candidate, static_cast<std::int32_t>(begin), id};
    };
    bool single = false;
    trie_.prefixes(word.substr(begin), [&](std::size_t length, std::int32_t id) {
      offer(length, scores_[static_cast<std::size_t>(id)] + score, id);
      single |= length == size;
    });
    if (!single) offer(size, unknown_score_ + score, unknown);
    begin += size;
  }
  work.pieces.clear();
  for (std::size_t end = word.size(); end > 0;) {
    const Work::Node& node = work.best[end];
    const auto begin = static_cast<std::size_t>(node.begin);
    // Consecutive unknown characters form one token.
    if (node.id == unknown && !work.pieces.empty() && work.pieces.back().id == unknown)
      work.pieces.back().begin = begin;
    else
      work.pieces.push_back({begin, end, node.id});
    end = begin;
  }
  for (auto piece = work.pieces.rbegin(); piece != work.pieces.rend(); ++piece) {
    // The joined characters may be in the vocabulary after all.
    if (piece->id == unknown) piece->id = ids_[word.substr(piece->begin, piece->end - piece->begin)].value_or(unknown);
    ids.push_back(piece->id);
  }
}

std::string Unigram::decode(std::span<const std::string_view> tokens) const {
  std::string text;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool drops = i == 0 && options_.decode_prefix != UnigramOptions::Prefix::kNever;
    for (std::size_t at = 0; at < tokens[i].size();) {
      if (!tokens[i].substr(at).starts_with(kSpace)) {
        text.push_back(tokens[i][at++]);
        continue;
      }
      if (!drops) text.push_back(' ');
      at += kSpace.size();
    }
  }
  return text;
}

}  // namespace pare::tokenize
