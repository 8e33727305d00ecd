// The safetensors header: any bytes as a file.
#include "fuzz/check.h"
#include "pare/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const auto file = pare::checkpoint::parse_safetensors(bytes, "fuzz.safetensors", nullptr);
    pare::fuzz::check_tensors(file);
    if (!file.stored_names.empty()) return 0;  // packed: see fuzz_packed
    // The format's own promise: the tensors fill the file after the header, without hole or overlap.
    std::uint64_t filled = file.header.size();
    for (const pare::TensorView& tensor : file.tensors) filled += tensor.bytes.size();
    pare::fuzz::require(filled == size, "header and tensors fill the file");
    for (const pare::TensorView& tensor : file.tensors)
      pare::fuzz::require(tensor.bytes.empty() || (tensor.bytes.data() >= bytes.data() &&
                                                   tensor.bytes.data() + tensor.bytes.size() <= bytes.data() + size),
                          "tensors lie inside the file");
  } catch (const pare::Error&) {
  }
  return 0;
}
