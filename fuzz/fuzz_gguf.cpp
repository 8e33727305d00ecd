// GGUF: any bytes as a file; every tensor of it is decoded in pieces, and every metadata value is read.
#include <vector>

#include "checkpoint/gguf/gguf_metadata.h"
#include "fuzz/check.h"
#include "pare/error.h"

namespace {

constexpr std::size_t kMostBytes = 1 << 20;  // of one tensor

void read_metadata(const pare::checkpoint::GgufMetadata& metadata) {
  for (const std::string& key : metadata.keys())
    for (int kind = 0; kind < 7; ++kind) try {
        if (kind == 0) metadata.text(key);
        if (kind == 1) metadata.integer(key);
        if (kind == 2) metadata.number(key);
        if (kind == 3) metadata.boolean(key);
        if (kind == 4) metadata.texts(key);
        if (kind == 5) metadata.integers(key);
        if (kind == 6) metadata.numbers(key);
      } catch (const pare::Error&) {
      }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const auto file = pare::checkpoint::parse_gguf(bytes, "fuzz.gguf", nullptr);
    pare::fuzz::check_tensors(file);
    for (const pare::TensorView& tensor : file.tensors) {
      const pare::EncodedTensor* encoded = tensor.bytes.encoded();
      const std::size_t stored = encoded == nullptr ? tensor.bytes.size() : encoded->stored_bytes();
      pare::fuzz::require(stored <= size, "a tensor is not larger than the file");
      std::vector<std::byte> part(std::min<std::size_t>(tensor.bytes.size(), 1000));
      if (tensor.bytes.size() <= kMostBytes) tensor.bytes.read(tensor.bytes.size() - part.size(), part);
    }
    read_metadata(*file.gguf);
  } catch (const pare::Error&) {
  }
  return 0;
}
