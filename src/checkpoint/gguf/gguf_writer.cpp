#include "checkpoint/gguf/gguf_writer.h"

#include <cstring>

namespace pare::checkpoint {
namespace {

constexpr std::uint64_t kAlignment = 32;
constexpr std::uint32_t kVersion = 3;

template <class T>
void append(std::string& bytes, T value) {
  char raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  bytes.append(raw, sizeof value);
}

void append_text(std::string& bytes, std::string_view text) {
  append<std::uint64_t>(bytes, text.size());
  bytes.append(text);
}

std::uint64_t aligned(std::uint64_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

void GgufText::begin(std::string_view key, GgufKind kind) {
  append_text(bytes_, key);
  append(bytes_, static_cast<std::uint32_t>(kind));
  ++count_;
}

void GgufText::begin_array(std::string_view key, GgufKind kind, std::uint64_t count) {
  begin(key, GgufKind::kArray);
  append(bytes_, static_cast<std::uint32_t>(kind));
  append(bytes_, count);
}

void GgufText::add(std::string_view key, std::string_view value) {
  begin(key, GgufKind::kText);
  append_text(bytes_, value);
}

void GgufText::add(std::string_view key, std::uint32_t value) {
  begin(key, GgufKind::kU32);
  append(bytes_, value);
}

void GgufText::add(std::string_view key, float value) {
  begin(key, GgufKind::kF32);
  append(bytes_, value);
}

void GgufText::add_flag(std::string_view key, bool value) {
  begin(key, GgufKind::kBool);
  append<std::uint8_t>(bytes_, value ? 1 : 0);
}

void GgufText::add(std::string_view key, const std::vector<std::string>& values) {
  begin_array(key, GgufKind::kText, values.size());
  for (const std::string& value : values) append_text(bytes_, value);
}

void GgufText::add(std::string_view key, const std::vector<std::int32_t>& values) {
  begin_array(key, GgufKind::kI32, values.size());
  for (const std::int32_t value : values) append(bytes_, value);
}

void GgufText::add(std::string_view key, const std::vector<float>& values) {
  begin_array(key, GgufKind::kF32, values.size());
  for (const float value : values) append(bytes_, value);
}

void GgufText::add(std::string_view key, const GgufValue& value) {
  value.is_array ? begin_array(key, value.kind, value.count) : begin(key, value.kind);
  bytes_.append(base::as_text(value.data));
}

std::uint64_t GgufOutput::elements() const noexcept {
  std::uint64_t product = 1;
  for (const std::uint64_t extent : shape) product *= extent;
  return product;
}

std::uint64_t GgufOutput::bytes() const noexcept { return elements() / type->block_elements() * type->block_bytes(); }

std::string gguf_header(const GgufText& metadata, std::vector<GgufOutput>& tensors) {
  std::string header = "GGUF";
  append(header, kVersion);
  append<std::uint64_t>(header, tensors.size());
  append(header, metadata.count());
  header += metadata.bytes();
  std::uint64_t offset = 0;
  for (GgufOutput& tensor : tensors) {
    append_text(header, tensor.name);
    append(header, static_cast<std::uint32_t>(tensor.shape.size()));
    for (auto extent = tensor.shape.rbegin(); extent != tensor.shape.rend(); ++extent) append(header, *extent);
    append(header, tensor.type->id);
    append(header, offset);
    tensor.offset = offset;
    offset = aligned(offset + tensor.bytes());
  }
  header.resize(aligned(header.size()));
  for (GgufOutput& tensor : tensors) tensor.offset += header.size();
  return header;
}

}  // namespace pare::checkpoint
