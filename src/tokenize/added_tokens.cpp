#include "tokenize/added_tokens.h"

#include <algorithm>
#include <cstring>

#include "base/utf8.h"
#include "tokenize/unicode.h"

namespace pare::tokenize {
namespace {

bool is_word_before(std::string_view text, std::size_t end) {
  return end != 0 && CodePoints::get()[base::character_before(text, end).code].is_word();
}

bool is_word_after(std::string_view text, std::size_t begin) {
  return begin != text.size() && CodePoints::get()[base::character_at(text, begin).code].is_word();
}

std::size_t without_space_before(std::string_view text, std::size_t end) {
  while (end != 0) {
    const base::Character character = base::character_before(text, end);
    if (!CodePoints::get()[character.code].is_space()) break;
    end -= character.size;
  }
  return end;
}

std::size_t without_space_after(std::string_view text, std::size_t begin) {
  while (begin != text.size()) {
    const base::Character character = base::character_at(text, begin);
    if (!CodePoints::get()[character.code].is_space()) break;
    begin += character.size;
  }
  return begin;
}

}  // namespace

void AddedTokens::add(const AddedToken& token, const Algorithm& algorithm) {
  if (token.content.empty()) return;
  if (token.special) specials_.insert(token.content);
  std::int32_t id = 0;
  if (const auto known = id_of(token.content)) {
    id = *known;
  } else if (const auto given = algorithm.id_of(token.content)) {
    id = *given;
  } else {
    id = std::max(static_cast<std::int32_t>(algorithm.size()), highest_ + 1);
  }
  highest_ = std::max(highest_, id);
  ids_[token.content] = id;
  tokens_[id] = token;
  in_order_.push_back(token);
}

void AddedTokens::finish(const Normalizer& normalizer) {
  // Of equal patterns, the first counts; special tokens come before others.
  std::stable_partition(in_order_.begin(), in_order_.end(), [&](const auto& t) { return is_special(t.content); });
  std::vector<std::pair<std::string, std::int32_t>> plain, normalized;
  for (auto token = in_order_.rbegin(); token != in_order_.rend(); ++token) {
    const std::int32_t id = ids_.at(token->content);
    if (!token->normalized) {
      plain.emplace_back(token->content, id);
    } else {
      std::string buffer, other;
      std::size_t first = 0;
      normalized.emplace_back(normalizer.apply(token->content, first, buffer, other), id);
    }
  }
  plain_ = compile(plain);
  normalized_ = compile(normalized);
}

AddedTokens::Patterns AddedTokens::compile(const std::vector<std::pair<std::string, std::int32_t>>& tokens) {
  Patterns patterns;
  std::vector<std::pair<std::string_view, std::int32_t>> entries;
  for (const auto& [content, id] : tokens) {
    if (content.empty()) continue;
    entries.emplace_back(content, id);
    patterns.begins.set(static_cast<unsigned char>(content.front()));
    patterns.only_begin = static_cast<unsigned char>(content.front());
  }
  if (patterns.begins.count() != 1) patterns.only_begin = -1;
  patterns.trie = ByteTrie(std::move(entries));
  return patterns;
}

std::optional<std::int32_t> AddedTokens::id_of(std::string_view content) const {
  const auto found = ids_.find(std::string(content));
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

const AddedToken* AddedTokens::find(std::int32_t id) const {
  const auto found = tokens_.find(id);
  return found == tokens_.end() ? nullptr : &found->second;
}

std::size_t AddedTokens::beyond(std::size_t vocabulary) const {
  return static_cast<std::size_t>(std::count_if(ids_.begin(), ids_.end(), [&](const auto& entry) {
    return static_cast<std::size_t>(entry.second) >= vocabulary;
  }));
}

AddedTokens::Match AddedTokens::next(const Patterns& patterns, std::string_view text, std::size_t at,
                                     std::size_t done) const {
  if (patterns.trie.empty()) return {};
  for (; at < text.size(); ++at) {
    if (patterns.only_begin >= 0) {
      const void* found = std::memchr(text.data() + at, patterns.only_begin, text.size() - at);
      if (found == nullptr) return {};
      at = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    } else if (!patterns.begins[static_cast<unsigned char>(text[at])]) {
      continue;
    }
    const ByteTrie::Match match = patterns.trie.longest(text.substr(at));
    if (match.length == 0) continue;
    const AddedToken& token = tokens_.at(match.value);
    Match result{at, at + match.length, at + match.length, match.value};
    if (token.single_word && (is_word_before(text, result.begin) || is_word_after(text, result.end))) {
      at = result.end - 1;  // continue the search after the match, not inside it
      continue;
    }
    if (token.lstrip) result.begin = std::max(without_space_before(text, result.begin), done);
    if (token.rstrip) result.resume = result.end = without_space_after(text, result.end);
    return result;
  }
  return {};
}

}  // namespace pare::tokenize
