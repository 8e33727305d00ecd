// Files of torch.save before 1.6: any bytes behind the magic number.
#include "fuzz/check.h"
#include "pare/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string file("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
  file.append(reinterpret_cast<const char*>(data), size);
  try {
    pare::fuzz::check_tensors(
        pare::checkpoint::parse_torch_archive(std::as_bytes(std::span(file)), "fuzz.bin", nullptr));
  } catch (const pare::Error&) {
  }
  return 0;
}
