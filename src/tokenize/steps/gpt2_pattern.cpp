#include "tokenize/steps/gpt2_pattern.h"

#include "base/utf8.h"
#include "tokenize/unicode.h"

namespace pare::tokenize {
namespace {

PatternClass class_at(const CodePoints& points, std::string_view text, std::size_t at, std::size_t& size) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x80) {
    size = 1;
    return points.ascii(byte).pattern();
  }
  const base::Character character = base::character_at(text, at);
  size = character.size;
  return points[character.code].pattern();
}

/// Length of the contraction whose apostrophe is at `at`; 0 if there is none.
std::size_t contraction(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at + 1, 2);
  if (rest.empty()) return 0;
  if (rest[0] == 's' || rest[0] == 't' || rest[0] == 'm' || rest[0] == 'd') return 2;
  return rest == "re" || rest == "ve" || rest == "ll" ? 3 : 0;
}

}  // namespace

std::size_t gpt2_piece_end(std::string_view text, std::size_t begin) {
  if (text[begin] == '\'')
    if (const std::size_t length = contraction(text, begin)) return begin + length;
  const CodePoints& points = CodePoints::get();
  std::size_t size = 0, at = begin;
  PatternClass kind = class_at(points, text, at, size);
  if (text[at] == ' ' && at + 1 < text.size()) {
    std::size_t next_size = 0;
    const PatternClass next = class_at(points, text, at + 1, next_size);
    if (next != PatternClass::kSpace) {
      kind = next;
      at += 1;
      size = next_size;
    }
  }
  at += size;
  std::size_t last = size;  // of the run's last character
  while (at < text.size() && class_at(points, text, at, size) == kind) {
    at += size;
    last = size;
  }
  // White space before a word leaves its last character to the word.
  const bool leaves_one = kind == PatternClass::kSpace && at < text.size() && at - last > begin;
  return leaves_one ? at - last : at;
}

}  // namespace pare::tokenize
