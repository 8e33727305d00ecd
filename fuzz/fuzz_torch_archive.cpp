// PyTorch zip archives: any bytes as a file. The seeds carry no checksums, as torch.save writes them after
// torch.serialization.set_crc32_options(False); otherwise every change would end at the CRC.
#include "fuzz/check.h"
#include "pare/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    pare::fuzz::check_tensors(
        pare::checkpoint::parse_torch_archive(std::as_bytes(std::span(data, size)), "fuzz.bin", nullptr));
  } catch (const pare::Error&) {
  }
  return 0;
}
