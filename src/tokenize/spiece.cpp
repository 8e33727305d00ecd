// SentencePiece's model file (sentencepiece_model.proto): a protocol buffer, of which a few fields matter here.
// The library gives no access to the charsmap and depends on protobuf, so the wire format is read directly.
#include <bit>
#include <cstring>

#include "base/bytes.h"
#include "base/file_map.h"
#include "base/utf8.h"
#include "pare/error.h"
#include "tokenize/tokenizer_files.h"

namespace pare::tokenize {
namespace {

// Field numbers of the messages.
constexpr std::uint64_t kPieces = 1, kTrainerSpec = 2, kNormalizerSpec = 3;
constexpr std::uint64_t kPiece = 1, kScore = 2, kType = 3;
constexpr std::uint64_t kModelType = 3, kByteFallback = 35, kUnknownId = 40, kBeginId = 41, kEndId = 42;
constexpr std::uint64_t kUnknownPiece = 45, kBeginPiece = 46, kEndPiece = 47;
constexpr std::uint64_t kCharsmap = 2, kAddPrefix = 3, kRemoveExtraSpaces = 4, kEscapeSpaces = 5;

/// A field of a message: a number (varint or fixed) or bytes.
struct Field {
  std::uint64_t number = 0, value = 0;
  std::string_view bytes;
  bool has_bytes = false;
};

class Message {
 public:
  Message(std::string_view bytes, const std::filesystem::path& path) : rest_(bytes), path_(path) {}

  /// Takes the next field; false at the end.
  bool next(Field& field) {
    if (rest_.empty()) return false;
    const std::uint64_t tag = varint();
    field = {tag >> 3, 0, {}, false};
    switch (tag & 7) {
      case 0:
        field.value = varint();
        break;
      case 1:
        field.value = fixed(8);
        break;
      case 2:
        field.bytes = take(varint());
        field.has_bytes = true;
        break;
      case 5:
        field.value = fixed(4);
        break;
      default:
        fail("wire type " + std::to_string(tag & 7));
    }
    return true;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kMalformed, path_,
                "is not a SentencePiece model: " + what + " (" + std::to_string(rest_.size()) +
                    " bytes before the end of its message)");
  }

  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) fail("a field of " + std::to_string(size) + " bytes is cut off");
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    fail("a number is too long");
  }

  std::uint64_t fixed(std::size_t size) {
    const std::string_view bytes = take(size);
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data(), size);  // little-endian, like all machines that pare supports
    return value;
  }

  std::string_view rest_;
  const std::filesystem::path& path_;
};

void read_piece(std::string_view bytes, const std::filesystem::path& path, Spiece& model) {
  std::string_view piece;
  float score = 0;
  std::uint64_t type = 1;
  Message message(bytes, path);
  for (Field field; message.next(field);) {
    if (field.number == kPiece && field.has_bytes) piece = field.bytes;
    if (field.number == kScore && !field.has_bytes)
      score = std::bit_cast<float>(static_cast<std::uint32_t>(field.value));
    if (field.number == kType && !field.has_bytes) type = field.value;
  }
  if (base::first_invalid_utf8(piece))
    throw Error(ErrorCode::kMalformed, path, "piece " + std::to_string(model.pieces.size()) + " is not UTF-8");
  if (type == 0 || type > static_cast<std::uint64_t>(Spiece::Type::kByte))
    throw Error(
        ErrorCode::kMalformed, path,
        "piece " + std::to_string(model.pieces.size()) + " has type " + std::to_string(type) + " (expected 1 to 6)");
  model.types.push_back(static_cast<Spiece::Type>(type));
  model.pieces.emplace_back(piece);
  model.scores.push_back(static_cast<double>(score));
}

void read_trainer(std::string_view bytes, const std::filesystem::path& path, Spiece::Trainer& trainer) {
  Message message(bytes, path);
  for (Field field; message.next(field);) {
    const auto number = static_cast<std::int64_t>(field.value);
    if (field.has_bytes && field.number >= kUnknownPiece && field.number <= kEndPiece &&
        base::first_invalid_utf8(field.bytes))
      throw Error(ErrorCode::kMalformed, path, "the name of a special piece is not UTF-8");
    if (field.number == kModelType && !field.has_bytes) trainer.type = number;
    if (field.number == kByteFallback && !field.has_bytes) trainer.byte_fallback = number != 0;
    if (field.number == kUnknownId && !field.has_bytes) trainer.unknown_id = number;
    if (field.number == kBeginId && !field.has_bytes) trainer.begin_id = number;
    if (field.number == kEndId && !field.has_bytes) trainer.end_id = number;
    if (field.number == kUnknownPiece && field.has_bytes) trainer.unknown = field.bytes;
    if (field.number == kBeginPiece && field.has_bytes) trainer.begin = field.bytes;
    if (field.number == kEndPiece && field.has_bytes) trainer.end = field.bytes;
  }
}

void read_normalizer(std::string_view bytes, const std::filesystem::path& path, Spiece& model) {
  Message message(bytes, path);
  for (Field field; message.next(field);) {
    if (field.number == kCharsmap && field.has_bytes) model.charsmap = field.bytes;
    if (field.has_bytes) continue;
    if (field.number == kAddPrefix) model.normalizer.add_prefix = field.value != 0;
    if (field.number == kRemoveExtraSpaces) model.normalizer.remove_extra_spaces = field.value != 0;
    if (field.number == kEscapeSpaces) model.normalizer.escape_spaces = field.value != 0;
  }
}

}  // namespace

Spiece read_spiece(const std::filesystem::path& path) {
  const auto map = base::FileMap::open(path);
  Message message(base::as_text(map->bytes()), path);
  Spiece model;
  for (Field field; message.next(field);) {
    if (!field.has_bytes) continue;
    if (field.number == kPieces) read_piece(field.bytes, path, model);
    if (field.number == kTrainerSpec) read_trainer(field.bytes, path, model.trainer);
    if (field.number == kNormalizerSpec) read_normalizer(field.bytes, path, model);
  }
  if (model.pieces.empty()) throw Error(ErrorCode::kMalformed, path, "is not a SentencePiece model: it has no pieces");
  return model;
}

}  // namespace pare::tokenize
