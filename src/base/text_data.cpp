#include "base/text_data.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file_map.h"
#include "base/json.h"
#include "base/utf8.h"
#include "pare/error.h"

namespace pare::base {
namespace {

/// str.isspace() in Python, which is also what \s matches there.
bool is_space(char32_t c) {
  return (c >= 0x9 && c <= 0xD) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  for (std::size_t begin = 0;;) {
    const std::size_t end = line.find('\t', begin);
    cells.push_back(line.substr(begin, end - begin));
    if (end == std::string_view::npos) return cells;
    begin = end + 1;
  }
}

}  // namespace

std::string read_text(const std::filesystem::path& path) {
  const auto map = FileMap::open(path);
  std::string_view bytes(reinterpret_cast<const char*>(map->bytes().data()), map->bytes().size());
  if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
  std::string text(bytes);
  if (text.empty()) throw Error(ErrorCode::kMalformed, path, "is empty");
  if (const auto at = first_invalid_utf8(text))
    throw Error(ErrorCode::kMalformed, path, fmt::format("is not UTF-8 at byte {}", *at));
  return text;
}

std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> lines;
  std::size_t number = 1;
  for (std::size_t begin = 0; begin < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) lines.push_back({number, line});
    begin = end + 1;
  }
  return lines;
}

LineFile::LineFile(const std::filesystem::path& path, std::size_t limit)
    : path_(path), text_(read_text(path)), lines_(lines_of(text_)) {
  if (lines_.empty()) throw Error(ErrorCode::kMalformed, path_, "has nothing but empty lines");
  if (limit != 0 && lines_.size() > limit) lines_.resize(limit);
}

void LineFile::fail(const Line& line, const std::string& cause, ErrorCode code) const {
  throw Error(code, path_, fmt::format("line {}: {}", line.number, cause));
}

std::vector<std::string> read_json_texts(const std::filesystem::path& path, std::size_t limit) {
  const LineFile file(path, limit);
  std::vector<std::string> texts;
  for (const Line& line : file.lines()) {
    const JsonDocument document(line.text, path, kJsonDepth, fmt::format("line {}", line.number));
    const auto member = document.root().find("text");
    if (!member) file.fail(line, "has no string 'text'");
    const std::string_view text = member->text();
    if (stripped(text).empty()) file.fail(line, "has a 'text' without a word");
    texts.emplace_back(text);
  }
  return texts;
}

TsvFile::TsvFile(const std::filesystem::path& path, const std::vector<std::string>& columns, std::size_t limit)
    : file_(path, limit == 0 ? 0 : limit + 1) {
  const std::vector<std::string_view> header = cells_of(file_.lines().front().text);
  std::vector<std::size_t> places;
  for (const std::string& column : columns) {
    const auto found = std::find(header.begin(), header.end(), column);
    if (!column.empty() && found == header.end())
      throw Error(ErrorCode::kArgument, path,
                  fmt::format("has no column '{}'; its first line names {}", column, fmt::join(header, ", ")));
    places.push_back(column.empty() ? SIZE_MAX : static_cast<std::size_t>(found - header.begin()));
  }
  for (std::size_t i = 1; i < file_.lines().size(); ++i) {
    const std::vector<std::string_view> cells = cells_of(file_.lines()[i].text);
    std::vector<std::string_view>& row = rows_.emplace_back();
    for (const std::size_t place : places) {
      if (place != SIZE_MAX && place >= cells.size())
        file_.fail(file_.lines()[i], fmt::format("has {} of the first line's {} columns", cells.size(), header.size()));
      row.push_back(place == SIZE_MAX ? std::string_view() : cells[place]);
    }
  }
  if (rows_.empty()) throw Error(ErrorCode::kMalformed, path, "has no rows below the names of its columns");
}

std::size_t count_words(std::string_view text) {
  std::size_t parts = 1;
  bool in_space = false;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    const bool space = is_space(character.code);
    if (space && !in_space) ++parts;
    in_space = space;
    at += character.size;
  }
  return parts;
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  bool in_word = false;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    const bool space = is_space(character.code);
    if (!space && !in_word) words.emplace_back();
    if (!space) words.back().append(text, at, character.size);
    in_word = !space;
    at += character.size;
  }
  return words;
}

std::string_view stripped(std::string_view text) {
  while (!text.empty()) {
    const Character first = character_at(text, 0);
    if (!is_space(first.code)) break;
    text.remove_prefix(first.size);
  }
  while (!text.empty()) {
    const Character last = character_before(text, text.size());
    if (!is_space(last.code)) break;
    text.remove_suffix(last.size);
  }
  return text;
}

}  // namespace pare::base
