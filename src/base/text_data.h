// Task data on disk: whole texts, lines, JSON lines, tab-separated tables; all of it UTF-8.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "pare/error.h"

namespace pare::base {

/// A whole file. Throws Error for one that cannot be read, is empty, or is not UTF-8 (naming the byte).
std::string read_text(const std::filesystem::path& path);

/// Lines without their ends (LF or CRLF), with their numbers in the file from 1 on; empty ones are left out.
struct Line {
  std::size_t number;
  std::string_view text;
};
std::vector<Line> lines_of(std::string_view text);

/// Lines of a file, at most `limit` of them (0: all). Throws Error for a file without any.
class LineFile {
 public:
  LineFile(const std::filesystem::path& path, std::size_t limit);
  const std::vector<Line>& lines() const noexcept { return lines_; }
  [[noreturn]] void fail(const Line& line, const std::string& cause, ErrorCode code = ErrorCode::kMalformed) const;

 private:
  std::filesystem::path path_;
  std::string text_;
  std::vector<Line> lines_;
};

/// The "text" of every line of a JSON-lines file. Throws Error for a line that has none.
std::vector<std::string> read_json_texts(const std::filesystem::path& path, std::size_t limit);

/// A table whose first line names the columns, as GLUE's: no quoting.
class TsvFile {
 public:
  /// `columns`: those to be read; an empty name stands for a column that is not wanted and reads as empty.
  TsvFile(const std::filesystem::path& path, const std::vector<std::string>& columns, std::size_t limit);
  std::size_t rows() const noexcept { return rows_.size(); }
  /// `column` as an index into the constructor's list.
  std::string_view cell(std::size_t row, std::size_t column) const { return rows_[row][column]; }
  /// Throws Error naming file and line.
  [[noreturn]] void fail(std::size_t row, const std::string& cause, ErrorCode code = ErrorCode::kMalformed) const {
    file_.fail(file_.lines()[row + 1], cause, code);
  }

 private:
  LineFile file_;
  std::vector<std::vector<std::string_view>> rows_;
};

/// len(re.split(r"\s+", text)) in Python, as lm-evaluation-harness counts words.
std::size_t count_words(std::string_view text);

/// str.split() in Python.
std::vector<std::string> split_words(std::string_view text);

/// str.strip() in Python.
std::string_view stripped(std::string_view text);

}  // namespace pare::base
