// The restricted pickle machine and the views it describes: any bytes as data.pkl of an otherwise sound archive
// with storages "0" to "3" of 0, 16, 64 and 256 bytes.
#include "fuzz/check.h"
#include "unit/checkpoint/torch_builder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string pickle(reinterpret_cast<const char*>(data), size);
  const std::string archive = pare::test::make_zip(pare::test::archive_items(
      pickle, {{"0", ""}, {"1", std::string(16, '1')}, {"2", std::string(64, '2')}, {"3", std::string(256, '3')}}));
  try {
    const auto file = pare::test::parse(archive);
    pare::fuzz::check_tensors(file);
    pare::fuzz::require(!file.tensors.empty(), "a state dict that is accepted holds tensors");
  } catch (const pare::Error&) {
  }
  return 0;
}
