// Scans of quantized weights as they are stored, against scans of their elements.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "checkpoint/quantized/quantized.h"
#include "pare/checkpoint.h"
#include "pare/stats.h"
#include "support/files.h"
#include "support/gguf.h"
#include "support/tensors.h"

namespace pare {
namespace {

using test::OwnedTensor;

void expect_scan_of_elements(const TensorView& tensor) {
  SCOPED_TRACE(tensor.name);
  ASSERT_NE(tensor.bytes.encoded(), nullptr);
  std::vector<std::byte> elements(tensor.bytes.size());
  tensor.bytes.read(0, elements);
  TensorView plain = tensor;
  plain.bytes = elements;
  ScanOptions options;
  options.cutoffs = {0.1, 1, 2};
  const Stats expected = scan({&plain, 1}, options).tensors[0];
  const Stats one = scan({&tensor, 1}, options, Context(1)).tensors[0];
  const Stats found = scan({&tensor, 1}, options, Context(3)).tensors[0];
  EXPECT_EQ(found.sum, one.sum);
  EXPECT_EQ(found.sum_of_squares, one.sum_of_squares);
  EXPECT_EQ(found.count, expected.count);
  EXPECT_EQ(found.zeros, expected.zeros);
  EXPECT_EQ(found.nans, expected.nans);
  EXPECT_EQ(found.min, expected.min);
  EXPECT_EQ(found.max, expected.max);
  EXPECT_EQ(found.max_magnitude, expected.max_magnitude);
  for (std::size_t i = 0; i < expected.cutoffs.size(); ++i) {
    EXPECT_EQ(found.cutoffs[i].above, expected.cutoffs[i].above) << i;
    EXPECT_EQ(found.cutoffs[i].inside, expected.cutoffs[i].inside) << i;
  }
  EXPECT_NEAR(found.sum_of_squares, expected.sum_of_squares, 1e-13 * expected.sum_of_squares);
  EXPECT_NEAR(found.sum, expected.sum,
              1e-13 * std::sqrt(expected.sum_of_squares * static_cast<double>(expected.count)));
}

/// More than a piece of blocks; `unusual` is the first scale of one of them.
void expect_scan_of_blocks(std::uint32_t type, std::size_t elements, std::size_t bytes, std::uint16_t scale,
                           std::uint16_t unusual) {
  constexpr std::size_t kRows = 70, kColumns = 4096 + 256;
  std::mt19937 engine(type);
  std::string data;
  const std::size_t blocks = kRows * kColumns / elements;
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::size_t begin = data.size();
    for (std::size_t i = 0; i < bytes; ++i) data += static_cast<char>(engine() % 255);
    for (const std::size_t at : {std::size_t{0}, std::size_t{2}}) {
      if (at == 2 && elements == 32) continue;
      const auto half = static_cast<std::uint16_t>(block == 1000 ? unusual : scale | (engine() & 0x3ff));
      std::memcpy(data.data() + begin + at, &half, sizeof half);
    }
  }
  test::GgufBuilder builder;
  builder.tensor("w", type, {kColumns, kRows}, data);
  const test::TemporaryDirectory room;
  test::write_text(room / "model.gguf", builder.file());
  const Checkpoint checkpoint = Checkpoint::open((room / "model.gguf").string());
  expect_scan_of_elements(checkpoint.tensors()[0]);
}

TEST(StoredScan, OfBlocks) {
  // A usual scale, one with elements above a further cutoff, infinity, and zero.
  for (const std::uint16_t unusual :
       {std::uint16_t{0x1000}, std::uint16_t{0x2c00}, std::uint16_t{0x7c00}, std::uint16_t{0}}) {
    expect_scan_of_blocks(8, 32, 34, 0x1000, unusual);
    expect_scan_of_blocks(12, 256, 144, 0x0800, unusual);
  }
}

TEST(StoredScan, OfFp8) {
  constexpr std::uint64_t kRows = 300, kColumns = 1000;
  std::mt19937 engine(7);
  for (const std::uint8_t unusual : {std::uint8_t{0x10}, std::uint8_t{0x7f}})
    for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16})
      for (const auto& shape : {std::vector<std::uint64_t>{1}, {kRows, 1}, {3, 8}}) {
        std::vector<std::byte> codes(kRows * kColumns);
        for (std::byte& code : codes) code = static_cast<std::byte>(engine() % 0x7f | (engine() & 0x80));
        codes[123456] = static_cast<std::byte>(unusual);
        const std::size_t count = shape.size() == 1 ? 1 : shape[0] * shape[1], size = dtype_bits(dtype) / 8;
        std::vector<std::byte> scales(count * size);
        for (std::size_t i = 0; i < count; ++i) {
          // About 0.0005, and one that lets elements exceed a further cutoff.
          const std::uint32_t bits = (i == 2 ? 0x3c000000 : 0x3a000000) | (engine() & 0x7f0000);
          const std::uint16_t half = static_cast<std::uint16_t>(i == 2 ? 0x2000 : 0x1000 | (engine() & 0x3ff));
          const auto upper = static_cast<std::uint16_t>(bits >> 16);
          std::memcpy(scales.data() + i * size,
                      dtype == DType::kF32   ? static_cast<const void*>(&bits)
                      : dtype == DType::kF16 ? static_cast<const void*>(&half)
                                             : static_cast<const void*>(&upper),
                      size);
        }
        const OwnedTensor weight(DType::kF8E4M3, {kRows, kColumns}, codes, "w"), scale(dtype, shape, scales, "w_scale");
        std::vector<TensorView> tensors{weight.view(), scale.view()};
        std::vector<CheckpointFile> files(1);
        files[0].tensors = {0, 1};
        std::vector<std::string> notes;
        checkpoint::fold_quantized(tensors, files, {}, notes);
        ASSERT_EQ(tensors.size(), 1U);
        expect_scan_of_elements(tensors[0]);
      }
}

}  // namespace
}  // namespace pare
