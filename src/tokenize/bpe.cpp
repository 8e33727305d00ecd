#include "tokenize/bpe.h"

#include <algorithm>
#include <bit>

#include "base/utf8.h"
#include "pare/error.h"
#include "tokenize/byte_alphabet.h"

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

/// The state of one word: its symbols as a linked list, and pending merges in a heap with the first one on top.
struct ByteLevelBpe::Work {
  struct Symbol {
    std::int32_t id;
    std::int32_t previous, next;  // -1: none
    bool alive;
  };
  struct Candidate {
    std::int32_t rank, at, result;
    bool operator<(const Candidate& other) const {  // std::priority_queue keeps the greatest on top
      return rank != other.rank ? rank > other.rank : at > other.at;
    }
  };
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
  std::string prefixed;

  void push(const Candidate& candidate) {
    heap.push_back(candidate);
    std::push_heap(heap.begin(), heap.end());
  }
  Candidate pop() {
    std::pop_heap(heap.begin(), heap.end());
    const Candidate top = heap.back();
    heap.pop_back();
    return top;
  }
};

ByteLevelBpe::ByteLevelBpe(Vocabulary vocabulary, const Merges& merges, BpeOptions options,
                           const std::filesystem::path& path)
    : vocabulary_(std::move(vocabulary)),
      options_(options),
      ids_(vocabulary_.size()),
      merges_(std::bit_ceil(merges.size() * 2 + 16), Merge{kFree, 0, 0}) {
  for (std::size_t i = 0; i < vocabulary_.size(); ++i) ids_.insert(vocabulary_[i], static_cast<std::int32_t>(i));
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
  for (unsigned byte = 0; byte < 256; ++byte)
    byte_ids_[byte] = ids_[ByteAlphabet::get().token(static_cast<unsigned char>(byte))].value_or(-1);
  index_words();
}

void ByteLevelBpe::insert(const Merge& merge) noexcept {
  std::size_t slot = slot_of(merge.pair, merges_.size());
  while (merges_[slot].pair != kFree && merges_[slot].pair != merge.pair) slot = (slot + 1) & (merges_.size() - 1);
  merges_[slot] = merge;  // a repeated pair takes its last rank, as in `tokenizers`
}

const ByteLevelBpe::Merge* ByteLevelBpe::find(std::int32_t left, std::int32_t right) const noexcept {
  const std::uint64_t pair = pair_of(left, right);
  std::size_t slot = slot_of(pair, merges_.size());
  for (; merges_[slot].pair != kFree; slot = (slot + 1) & (merges_.size() - 1))
    if (merges_[slot].pair == pair) return &merges_[slot];
  return nullptr;
}

/// Most words of a text are tokens. Tokens that the merges can produce are found by one lookup.
void ByteLevelBpe::index_words() {
  Work work;
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> indexed;
  for (std::size_t i = 0; i < vocabulary_.size(); ++i) {
    auto bytes = ByteAlphabet::get().bytes(vocabulary_[i]);
    if (!bytes || bytes->empty()) continue;
    const auto id = static_cast<std::int32_t>(i);
    if (!options_.ignore_merges) {
      ids.clear();
      merge_word(*bytes, work, ids);
      if (ids.size() != 1 || ids[0] != id) continue;
    }
    word_bytes_.push_back(std::move(*bytes));
    indexed.push_back(id);
  }
  words_ = TokenMap(indexed.size());
  for (std::size_t i = 0; i < indexed.size(); ++i) words_.insert(word_bytes_[i], indexed[i]);
}

void ByteLevelBpe::encode(std::string_view normalized, bool, std::vector<std::int32_t>& ids) const {
  Work work;
  if (options_.add_prefix_space && !normalized.starts_with(' ')) {
    work.prefixed = " ";
    work.prefixed += normalized;
    normalized = work.prefixed;
  }
  if (!options_.use_pattern) return encode_word(normalized, work, ids);
  for (std::size_t begin = 0; begin < normalized.size();) {
    const std::size_t end = gpt2_piece_end(normalized, begin);
    encode_word(normalized.substr(begin, end - begin), work, ids);
    begin = end;
  }
}

void ByteLevelBpe::encode_word(std::string_view word, Work& work, std::vector<std::int32_t>& ids) const {
  if (const auto whole = words_[word])
    ids.push_back(*whole);
  else
    merge_word(word, work, ids);
}

void ByteLevelBpe::merge_word(std::string_view word, Work& work, std::vector<std::int32_t>& ids) const {
  auto& symbols = work.symbols;
  symbols.clear();
  work.heap.clear();
  for (const char c : word) {
    const std::int32_t id = byte_ids_[static_cast<unsigned char>(c)];
    if (id < 0) continue;  // a byte without a token is dropped, because there is no unknown token
    const auto at = static_cast<std::int32_t>(symbols.size());
    if (at != 0) symbols.back().next = at;
    symbols.push_back({id, at - 1, -1, true});
  }
  const auto offer = [&](std::int32_t at, std::int32_t next) {
    if (const Merge* merge = find(symbols[static_cast<std::size_t>(at)].id, symbols[static_cast<std::size_t>(next)].id))
      work.push({merge->rank, at, merge->result});
  };
  for (std::int32_t at = 0; at + 1 < static_cast<std::int32_t>(symbols.size()); ++at) offer(at, at + 1);
  while (!work.heap.empty()) {
    const Work::Candidate top = work.pop();
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

std::string ByteLevelBpe::decode(std::span<const std::string_view> tokens) const {
  std::string bytes;
  for (const std::string_view token : tokens) {
    if (const auto known = ByteAlphabet::get().bytes(token))
      bytes += *known;
    else
      bytes += token;  // an added token stands for itself
  }
  return base::repaired_utf8(bytes);
}

}  // namespace pare::tokenize
