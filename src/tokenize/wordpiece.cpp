#include "tokenize/wordpiece.h"

#include <algorithm>
#include <utility>

#include "pare/error.h"

namespace pare::tokenize {

WordPiece::WordPiece(Vocabulary vocabulary, WordPieceOptions options, const std::filesystem::path& path)
    : vocabulary_(std::move(vocabulary)), options_(std::move(options)), ids_(vocabulary_.size()) {
  std::vector<std::pair<std::string_view, std::int32_t>> beginnings, continuations;
  for (std::size_t i = 0; i < vocabulary_.size(); ++i) ids_.insert(vocabulary_[i], static_cast<std::int32_t>(i));
  for (std::size_t i = 0; i < vocabulary_.size(); ++i) {
    const std::string_view token = vocabulary_[i];
    const auto id = static_cast<std::int32_t>(i);
    if (token.empty() || ids_[token] != id) continue;  // no token, or one that is given again: the last id counts
    beginnings.emplace_back(token, id);
    if (token.starts_with(options_.continuing_prefix))
      continuations.emplace_back(token.substr(options_.continuing_prefix.size()), id);
  }
  beginnings_ = ByteTrie(std::move(beginnings));
  continuations_ = ByteTrie(std::move(continuations));
  const auto unknown = ids_[options_.unknown];
  if (!unknown) throw Error(ErrorCode::kMalformed, path, "has no unknown token '" + options_.unknown + "'");
  unknown_ = *unknown;
}

void WordPiece::encode_word(std::string_view word, Scratch&, std::vector<std::int32_t>& ids) const {
  if (word.size() > options_.longest_word) {
    const auto characters = std::count_if(word.begin(), word.end(), [](char c) { return (c & 0xC0) != 0x80; });
    if (static_cast<std::size_t>(characters) > options_.longest_word) return ids.push_back(unknown_);
  }
  if (const auto whole = ids_[word]) return ids.push_back(*whole);
  const std::size_t before = ids.size();
  const ByteTrie* trie = &beginnings_;
  while (!word.empty()) {
    const ByteTrie::Match match = trie->longest(word);
    if (match.length == 0) {  // one unknown piece makes the word unknown
      ids.resize(before);
      return ids.push_back(unknown_);
    }
    ids.push_back(match.value);
    word.remove_prefix(match.length);
    trie = &continuations_;
  }
}

}  // namespace pare::tokenize
