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
  object.for_members([&](std::string_view token, const JsonValue& id) { entries.push_back({token, id.integer()}); });
  Vocabulary vocabulary(entries.size());
  std::vector<bool> given(entries.size());
  TokenMap tokens(entries.size());
  for (const Entry& entry : entries) {
    const std::string name = "token '" + std::string(entry.token) + "'";
    if (entry.id < 0 || static_cast<std::size_t>(entry.id) >= entries.size())
      object.fail(name + " has id " + std::to_string(entry.id) + ", of " + std::to_string(entries.size()) + " tokens");
    const auto id = static_cast<std::size_t>(entry.id);
    if (given[id])
      object.fail("tokens '" + vocabulary[id] + "' and '" + std::string(entry.token) + "' share id " +
                  std::to_string(id));
    if (tokens[entry.token]) object.fail(name + " is given twice");
    tokens.insert(entry.token, static_cast<std::int32_t>(id));
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
  TokenMap tokens(vocabulary.size());
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    if (const auto first = tokens[vocabulary[i]])
      throw Error(ErrorCode::kMalformed, path,
                  "lines " + std::to_string(*first + 1) + " and " + std::to_string(i + 1) + " are both '" +
                      vocabulary[i] + "'");
    tokens.insert(vocabulary[i], static_cast<std::int32_t>(i));
  }
  return vocabulary;
}

}  // namespace pare::tokenize
