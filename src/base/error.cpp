#include "pare/error.h"

#include <array>
#include <utility>

namespace pare {
namespace {

/// `text`, with the middle of a long one left out, at boundaries of UTF-8 characters.
std::string shortened(const std::string& text, std::size_t head, std::size_t tail) {
  if (text.size() <= head + tail + 3) return text;
  const auto is_inside = [&](std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80; };
  std::size_t end = head, begin = text.size() - tail;
  for (int i = 0; i < 3 && is_inside(end); ++i) --end;
  for (int i = 0; i < 3 && begin + 1 < text.size() && is_inside(begin); ++i) ++begin;
  return text.substr(0, end) + "..." + text.substr(begin);
}

std::string sentence(const std::filesystem::path& file, const std::string& tensor, const std::string& cause) {
  std::string text;
  if (!file.empty()) text += shortened(file.string(), 1000, 1000) + ": ";
  if (!tensor.empty()) text += "tensor '" + shortened(tensor, 150, 47) + "': ";
  text += shortened(cause, 500, 500);  // the end says what was expected and found
  for (char& c : text)                 // hostile names must not break the line or control the terminal
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return text;
}

}  // namespace

std::string_view error_code_name(ErrorCode code) noexcept {
  constexpr std::array<std::string_view, 12> kNames = {"argument", "not-found",     "exists",      "io",
                                                       "no-space", "malformed",     "unsupported", "mismatch",
                                                       "limit",    "out-of-memory", "unavailable", "changed"};
  return kNames[static_cast<std::size_t>(code)];
}

Error::Error(std::filesystem::path file, std::string tensor, const std::string& cause, ErrorCode code)
    : std::runtime_error(sentence(file, tensor, cause)),
      code_(code),
      file_(std::move(file)),
      tensor_(std::move(tensor)) {}

}  // namespace pare
