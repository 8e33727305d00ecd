#include "tokenize/tokenizer_files.h"

#include <limits>

#include "base/bytes.h"
#include "base/file_map.h"
#include "base/utf8.h"
#include "tokenize/token_map.h"
#include "tokenize/unicode.h"

namespace pare::tokenize {
namespace {

/// Calls visit(line, number) for each line of a text file, without its line end, numbered from 0.
template <class Visit>
void for_lines(const std::filesystem::path& path, Visit&& visit) {
  const auto map = base::FileMap::open(path);
  const std::string_view text = base::as_text(map->bytes());
  if (const auto wrong = base::first_invalid_utf8(text))
    throw Error(ErrorCode::kMalformed, path, "is not UTF-8 at byte " + std::to_string(*wrong));
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    visit(line, number);
    begin = end + 1;
  }
  if (number > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
    throw Error(ErrorCode::kLimit, path, "is too long");
}

std::string_view without_space_at_end(std::string_view line) {
  while (!line.empty()) {
    const base::Character last = base::character_before(line, line.size());
    if (!CodePoints::get()[last.code].is_space()) break;
    line.remove_suffix(last.size);
  }
  return line;
}

}  // namespace

Vocabulary vocabulary_of(const JsonValue& object) {
  struct Entry {
    std::string_view token;
    std::int64_t id;
  };
  std::vector<Entry> entries;
  std::int64_t highest = -1;
  object.for_members([&](std::string_view token, const JsonValue& id) {
    entries.push_back({token, id.integer()});
    highest = std::max(highest, entries.back().id);
  });
  constexpr std::int64_t kMostHoles = 1'000'000;
  if (highest >= static_cast<std::int64_t>(entries.size()) + kMostHoles)
    object.fail("has ids too far apart (expected less than " + std::to_string(kMostHoles) + " more than the " +
                    std::to_string(entries.size()) + " tokens, found " + std::to_string(highest) + ")",
                ErrorCode::kLimit);
  TokenMap tokens(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) tokens.insert(entries[i].token, static_cast<std::int32_t>(i));
  Vocabulary vocabulary(static_cast<std::size_t>(highest + 1));
  std::vector<bool> given(vocabulary.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    if (tokens[entry.token] != static_cast<std::int32_t>(i)) continue;  // of a token given twice, the last id counts
    if (entry.id < 0)
      object.fail("token '" + std::string(entry.token) + "' has id " + std::to_string(entry.id) +
                  " (expected 0 or more)");
    const auto id = static_cast<std::size_t>(entry.id);
    if (given[id])
      object.fail("tokens '" + vocabulary[id] + "' and '" + std::string(entry.token) + "' share id " +
                  std::to_string(id));
    given[id] = true;
    vocabulary[id] = entry.token;
  }
  return vocabulary;
}

Vocabulary read_vocab_json(const std::filesystem::path& path) {
  const JsonFile file(path);
  Vocabulary vocabulary = vocabulary_of(file.root());
  if (vocabulary.empty()) throw Error(ErrorCode::kMalformed, path, "has no tokens");
  return vocabulary;
}

Merges read_merges(const std::filesystem::path& path) {
  Merges merges;
  for_lines(path, [&](std::string_view line, std::size_t number) {
    if (line.starts_with("#version")) return;
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos)
      throw Error(ErrorCode::kMalformed, path, "line " + std::to_string(number + 1) + " is not two tokens");
    merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  });
  return merges;
}

Vocabulary read_vocab_text(const std::filesystem::path& path) {
  Vocabulary vocabulary;
  for_lines(path, [&](std::string_view line, std::size_t) { vocabulary.emplace_back(without_space_at_end(line)); });
  if (vocabulary.empty()) throw Error(ErrorCode::kMalformed, path, "has no tokens");
  return vocabulary;
}

}  // namespace pare::tokenize
