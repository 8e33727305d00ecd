#include "tokenize/bpe.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <limits>

#include "base/utf8.h"
#include "pare/error.h"
#include "tokenize/byte_alphabet.h"
#include "tokenize/steps/pre_tokenizer.h"

namespace pare::tokenize {
namespace {

std::uint64_t pair_of(std::int32_t left, std::int32_t right) {
  return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
}

std::size_t slot_of(std::uint64_t pair, std::size_t slots) {
  return static_cast<std::size_t>(pair * 0x9E3779B97F4A7C15U >> 32) & (slots - 1);
}

constexpr std::uint64_t kFree = ~std::uint64_t{0};

}  // namespace

Bpe::Bpe(Vocabulary vocabulary, const Merges& merges, BpeOptions options, const std::filesystem::path& path)
    : vocabulary_(std::move(vocabulary)),
      options_(std::move(options)),
      ids_(vocabulary_.size()),
      merges_(std::bit_ceil(merges.size() * 2 + 16), Merge{kFree, 0, 0}) {
  for (std::size_t i = 0; i < vocabulary_.size(); ++i) ids_.insert(vocabulary_[i], static_cast<std::int32_t>(i));
  take_merges(merges, path);
  for (unsigned byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    byte_ids_[byte] =
        ids_[options_.bytes ? ByteAlphabet::get().token(static_cast<unsigned char>(byte)) : name].value_or(-1);
  }
  for (unsigned code = 0; code < ascii_ids_.size(); ++code) {
    const char character = static_cast<char>(code);
    ascii_ids_[code] = ids_[{&character, 1}].value_or(-1);
  }
  if (!options_.unknown.empty()) {
    unknown_ = ids_[options_.unknown];
    if (!unknown_)
      throw Error(ErrorCode::kMismatch, path, "unk_token: '" + options_.unknown + "' is not in the vocabulary");
  }
  splits_at_marks_ = may_split_at_marks(merges);
  index_words();
}

void Bpe::take_merges(const Merges& merges, const std::filesystem::path& path) {
  std::string joined;
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const auto& [left, right] = merges[rank];
    joined.assign(left).append(right);
    const auto a = ids_[left], b = ids_[right], c = ids_[joined];
    if (!a || !b || !c)
      throw Error(ErrorCode::kMismatch, path,
                  "merge " + std::to_string(rank + 1) + " ('" + left + "' '" + right + "'): token '" +
                      (!a   ? left
                       : !b ? right
                            : joined) +
                      "' is not in the vocabulary");
    insert({pair_of(*a, *b), static_cast<std::int32_t>(rank), *c});
  }
}

bool Bpe::may_split_at_marks(const Merges& merges) const {
  if (options_.bytes || !ids_[kSpaceMark]) return false;
  // A symbol's text may differ from what it stands for if it is unknown or a byte; all those end in '>'.
  if (!options_.unknown.empty() && !options_.unknown.ends_with('>')) return false;
  return std::all_of(merges.begin(), merges.end(), [](const auto& merge) {
    return merge.first.ends_with(kSpaceMark) || !merge.second.starts_with(kSpaceMark);
  });
}

void Bpe::insert(const Merge& merge) noexcept {
  std::size_t slot = slot_of(merge.pair, merges_.size());
  while (merges_[slot].pair != kFree && merges_[slot].pair != merge.pair) slot = (slot + 1) & (merges_.size() - 1);
  merges_[slot] = merge;  // a repeated pair takes its last rank, as in `tokenizers`
}

const Bpe::Merge* Bpe::find(std::int32_t left, std::int32_t right) const noexcept {
  const std::uint64_t pair = pair_of(left, right);
  std::size_t slot = slot_of(pair, merges_.size());
  for (; merges_[slot].pair != kFree; slot = (slot + 1) & (merges_.size() - 1))
    if (merges_[slot].pair == pair) return &merges_[slot];
  return nullptr;
}

/// Most words of a text are tokens. Tokens that the merges can produce are found by one lookup.
void Bpe::index_words() {
  Scratch scratch;
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> indexed;
  for (std::size_t i = 0; i < vocabulary_.size(); ++i) {
    auto word = options_.bytes ? ByteAlphabet::get().bytes(vocabulary_[i]) : std::optional(vocabulary_[i]);
    if (!word || word->empty()) continue;
    const auto id = static_cast<std::int32_t>(i);
    if (!options_.ignore_merges || splits_at_marks_) {
      ids.clear();
      merge_word(*word, scratch, ids);
      if (ids.size() != 1 || ids[0] != id) continue;
    }
    word_bytes_.push_back(std::move(*word));
    indexed.push_back(id);
  }
  words_ = TokenMap(indexed.size());
  for (std::size_t i = 0; i < indexed.size(); ++i) words_.insert(word_bytes_[i], indexed[i]);
}

/// Cuts a text, which may be a whole document, before each "▁" that follows another character.
void Bpe::encode_marked(std::string_view text, Scratch& scratch, std::vector<std::int32_t>& ids) const {
  if (options_.ignore_merges)
    if (const auto whole = ids_[text]) return ids.push_back(*whole);
  std::size_t begin = 0;
  for (std::size_t at = text.find(kSpaceMark, 1); at < text.size();
       at = text.find(kSpaceMark, at + kSpaceMark.size())) {
    if (text.substr(0, at).ends_with(kSpaceMark)) continue;
    encode_whole(text.substr(begin, at - begin), scratch, ids);
    begin = at;
  }
  encode_whole(text.substr(begin), scratch, ids);
}

bool Bpe::take_bytes(std::string_view character, std::vector<std::int32_t>& parts) const {
  const auto id = [&](char byte) { return byte_ids_[static_cast<unsigned char>(byte)]; };
  if (std::any_of(character.begin(), character.end(), [&](char byte) { return id(byte) < 0; })) return false;
  for (const char byte : character) parts.push_back(id(byte));
  return true;
}

void Bpe::take_characters(std::string_view word, std::vector<std::int32_t>& parts) const {
  std::size_t pending = 0;  // unknown tokens that come before the next known character, as in `tokenizers`
  const auto put_unknown = [&] {
    for (; pending > 0; --pending) parts.push_back(*unknown_);
  };
  for (std::size_t at = 0; at < word.size();) {
    const std::string_view character = word.substr(at, base::character_size(word[at]));
    at += character.size();
    const auto id =
        character.size() == 1 ? ascii_ids_[static_cast<unsigned char>(character[0])] : ids_[character].value_or(-1);
    if (id >= 0) {
      put_unknown();
      parts.push_back(id);
      continue;
    }
    if (options_.byte_fallback && take_bytes(character, parts)) continue;
    if (!unknown_) continue;
    if (!options_.fuse_unknown) put_unknown();
    pending = 1;
  }
  put_unknown();
}

void Bpe::merge_word(std::string_view word, Scratch& scratch, std::vector<std::int32_t>& ids) const {
  auto& parts = scratch.parts;
  parts.clear();
  if (!options_.bytes) {
    take_characters(word, parts);
  } else {
    for (const char c : word) {  // a byte without a token is dropped, because there is no unknown token
      const std::int32_t id = byte_ids_[static_cast<unsigned char>(c)];
      if (id >= 0) parts.push_back(id);
    }
  }
  if (parts.size() <= kFewParts)
    merge_few(parts, ids);
  else
    merge_many(scratch, ids);
}

/// Merges the first pair of the lowest rank until there is none; for a few parts, looking at all of them is fastest.
void Bpe::merge_few(std::vector<std::int32_t>& parts, std::vector<std::int32_t>& ids) const {
  constexpr std::int32_t kNone = std::numeric_limits<std::int32_t>::max();
  std::array<std::int32_t, kFewParts> ranks, results;  // of each part and the one after it
  const auto look_up = [&](std::size_t at) {
    const Merge* merge = at + 1 < parts.size() ? find(parts[at], parts[at + 1]) : nullptr;
    ranks[at] = merge != nullptr ? merge->rank : kNone;
    results[at] = merge != nullptr ? merge->result : 0;
  };
  for (std::size_t at = 0; at < parts.size(); ++at) look_up(at);
  while (parts.size() > 1) {
    const auto count = static_cast<std::ptrdiff_t>(parts.size());
    const auto* lowest = std::min_element(ranks.begin(), ranks.begin() + count);
    if (*lowest == kNone) break;
    const auto at = static_cast<std::size_t>(lowest - ranks.begin());
    parts[at] = results[at];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    std::copy(ranks.begin() + static_cast<std::ptrdiff_t>(at) + 2, ranks.begin() + count,
              ranks.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    std::copy(results.begin() + static_cast<std::ptrdiff_t>(at) + 2, results.begin() + count,
              results.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    look_up(at);
    if (at > 0) look_up(at - 1);
  }
  ids.insert(ids.end(), parts.begin(), parts.end());
}

/// The same with a heap of the pairs, whose time grows little faster than the number of parts.
void Bpe::merge_many(Scratch& scratch, std::vector<std::int32_t>& ids) const {
  auto& symbols = scratch.symbols;
  symbols.clear();
  scratch.heap.clear();
  const auto count = static_cast<std::int32_t>(scratch.parts.size());
  for (std::int32_t at = 0; at < count; ++at)
    symbols.push_back({scratch.parts[static_cast<std::size_t>(at)], at - 1, at + 1 < count ? at + 1 : -1, true});
  const auto offer = [&](std::int32_t at, std::int32_t next) {
    if (const Merge* merge =
            find(symbols[static_cast<std::size_t>(at)].id, symbols[static_cast<std::size_t>(next)].id)) {
      scratch.heap.push_back({merge->rank, at, merge->result});
      std::push_heap(scratch.heap.begin(), scratch.heap.end());
    }
  };
  for (std::int32_t at = 0; at + 1 < static_cast<std::int32_t>(symbols.size()); ++at) offer(at, at + 1);
  while (!scratch.heap.empty()) {
    std::pop_heap(scratch.heap.begin(), scratch.heap.end());
    const Scratch::Candidate top = scratch.heap.back();
    scratch.heap.pop_back();
    auto& left = symbols[static_cast<std::size_t>(top.at)];
    if (!left.alive || left.next < 0) continue;
    auto& right = symbols[static_cast<std::size_t>(left.next)];
    const Merge* merge = find(left.id, right.id);
    if (merge == nullptr || merge->result != top.result) continue;  // one of the two symbols has changed since
    left.id = top.result;
    right.alive = false;
    left.next = right.next;
    if (left.next >= 0) symbols[static_cast<std::size_t>(left.next)].previous = top.at;
    if (left.previous >= 0) offer(left.previous, top.at);
    if (left.next >= 0) offer(top.at, left.next);
  }
  for (std::int32_t at = symbols.empty() ? -1 : 0; at >= 0; at = symbols[static_cast<std::size_t>(at)].next)
    ids.push_back(symbols[static_cast<std::size_t>(at)].id);
}

}  // namespace pare::tokenize
