#include "checkpoint/gguf/gguf_metadata.h"

#include <fmt/format.h>

#include <cstring>

#include "pare/error.h"

namespace pare::checkpoint {
namespace {

template <class T>
T load_value(base::Bytes data, std::uint64_t index) {
  T value;
  std::memcpy(&value, data.data() + index * sizeof value, sizeof value);
  return value;
}

std::optional<std::int64_t> integer_at(const GgufValue& value, std::uint64_t index) {
  switch (value.kind) {
    case GgufKind::kU8:
      return load_value<std::uint8_t>(value.data, index);
    case GgufKind::kI8:
      return load_value<std::int8_t>(value.data, index);
    case GgufKind::kU16:
      return load_value<std::uint16_t>(value.data, index);
    case GgufKind::kI16:
      return load_value<std::int16_t>(value.data, index);
    case GgufKind::kU32:
      return load_value<std::uint32_t>(value.data, index);
    case GgufKind::kI32:
      return load_value<std::int32_t>(value.data, index);
    case GgufKind::kI64:
      return load_value<std::int64_t>(value.data, index);
    case GgufKind::kU64: {
      const auto number = load_value<std::uint64_t>(value.data, index);
      if (number > INT64_MAX) return std::nullopt;
      return static_cast<std::int64_t>(number);
    }
    default:
      return std::nullopt;
  }
}

std::optional<double> number_at(const GgufValue& value, std::uint64_t index) {
  if (value.kind == GgufKind::kF32) return load_value<float>(value.data, index);
  if (value.kind == GgufKind::kF64) return load_value<double>(value.data, index);
  if (const auto integer = integer_at(value, index)) return static_cast<double>(*integer);
  return std::nullopt;
}

/// The first text of `data`, whose sizes were checked when the file was opened.
std::string_view take_text(base::Bytes& data) {
  const auto size = load_value<std::uint64_t>(data, 0);
  const std::string_view text = base::as_text(data.subspan(sizeof size, size));
  data = data.subspan(sizeof size + size);
  return text;
}

}  // namespace

GgufMetadata::GgufMetadata(std::filesystem::path path, std::map<std::string, GgufValue, std::less<>> values,
                           std::vector<std::string> order, std::shared_ptr<const void> owner)
    : path_(std::move(path)), values_(std::move(values)), order_(std::move(order)), owner_(std::move(owner)) {}

void GgufMetadata::fail(std::string_view key, const std::string& cause) const {
  throw Error(ErrorCode::kMismatch, path_, fmt::format("the metadata value '{}' {}", key, cause));
}

const GgufValue* GgufMetadata::find(std::string_view key) const noexcept {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

const GgufValue* GgufMetadata::expect(std::string_view key, bool array) const {
  const GgufValue* value = find(key);
  if (value != nullptr && value->is_array != array)
    fail(key, array ? "is a single value (expected an array)" : "is an array (expected a single value)");
  return value;
}

std::optional<std::string> GgufMetadata::text(std::string_view key) const {
  const GgufValue* value = expect(key, false);
  if (value == nullptr) return std::nullopt;
  if (value->kind != GgufKind::kText) fail(key, "is not a text");
  base::Bytes data = value->data;
  return std::string(take_text(data));
}

std::optional<std::int64_t> GgufMetadata::integer(std::string_view key) const {
  const GgufValue* value = expect(key, false);
  if (value == nullptr) return std::nullopt;
  const auto integer = integer_at(*value, 0);
  if (!integer) fail(key, "is not an integer below 2^63");
  return integer;
}

std::optional<double> GgufMetadata::number(std::string_view key) const {
  const GgufValue* value = expect(key, false);
  if (value == nullptr) return std::nullopt;
  const auto number = number_at(*value, 0);
  if (!number) fail(key, "is not a number");
  return number;
}

std::optional<bool> GgufMetadata::boolean(std::string_view key) const {
  const GgufValue* value = expect(key, false);
  if (value == nullptr) return std::nullopt;
  if (value->kind != GgufKind::kBool) fail(key, "is not true or false");
  return load_value<std::uint8_t>(value->data, 0) != 0;
}

std::vector<std::string_view> GgufMetadata::texts(std::string_view key) const {
  const GgufValue* value = expect(key, true);
  std::vector<std::string_view> all;
  if (value == nullptr) return all;
  if (value->kind != GgufKind::kText) fail(key, "is not an array of texts");
  base::Bytes data = value->data;
  for (std::uint64_t i = 0; i < value->count; ++i) all.push_back(take_text(data));
  return all;
}

std::vector<std::int64_t> GgufMetadata::integers(std::string_view key) const {
  const GgufValue* value = expect(key, true);
  std::vector<std::int64_t> all;
  for (std::uint64_t i = 0; value != nullptr && i < value->count; ++i) {
    const auto integer = integer_at(*value, i);
    if (!integer) fail(key, "is not an array of integers below 2^63");
    all.push_back(*integer);
  }
  return all;
}

std::vector<double> GgufMetadata::numbers(std::string_view key) const {
  const GgufValue* value = expect(key, true);
  std::vector<double> all;
  for (std::uint64_t i = 0; value != nullptr && i < value->count; ++i) {
    const auto number = number_at(*value, i);
    if (!number) fail(key, "is not an array of numbers");
    all.push_back(*number);
  }
  return all;
}

}  // namespace pare::checkpoint
