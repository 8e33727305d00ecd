// Encodings in memory: round trips, exact bytes, and the choice of encoding.
#include "pack/encode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "checkpoint/packed/packed_tensor.h"
#include "pare/error.h"
#include "support/tensors.h"

namespace pare::pack {
namespace {

using checkpoint::Bytes;
using test::OwnedTensor;
using testing::ElementsAre;

constexpr Encoding kEncodings[] = {Encoding::kDense, Encoding::kBitmask,   Encoding::kGaps8,
                                   Encoding::kGaps4, Encoding::kDenseZstd, Encoding::kGaps8Zstd};

/// Random bit patterns, a given percentage of them +0. The others include -0, NaN and subnormals.
OwnedTensor sparse_tensor(DType dtype, std::vector<std::uint64_t> shape, double percent, std::uint64_t seed) {
  std::uint64_t n = 1;
  for (const std::uint64_t extent : shape) n *= extent;
  const OwnedTensor wild = test::random_tensor(dtype, n, seed, true);
  const std::size_t size = dtype_bits(dtype) / 8;
  std::vector<std::byte> bytes(wild.view().bytes.begin(), wild.view().bytes.end());
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0, 100);
  for (std::uint64_t i = 0; i < n; ++i)
    if (uniform(random) < percent)
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(i * size), size, std::byte{});
  return OwnedTensor(dtype, std::move(shape), std::move(bytes), "h.weight");
}

/// The tensor that a reader decodes from a plan's data.
std::shared_ptr<const PackedTensor> stored(const TensorPlan& plan, const PartData& data) {
  checkpoint::StoredTensor tensor;
  tensor.path = "model.safetensors";
  tensor.name = plan.tensor->name;
  tensor.dtype = plan.tensor->dtype;
  tensor.shape = plan.tensor->shape;
  tensor.encoding = plan.encoding;
  tensor.nonzeros = plan.nonzeros;
  const std::vector<Bytes>& parts = data.parts();
  (parts.size() == 1 ? tensor.values : tensor.positions) = parts[0];
  if (parts.size() > 1) tensor.values = parts[1];
  if (parts.size() > 2) {
    tensor.extents = parts[2];
    tensor.row_offsets = parts[3];
  }
  return checkpoint::make_packed_tensor(std::move(tensor));
}

SparseRows plain_rows(const TensorView& tensor) {
  const std::size_t size = dtype_bits(tensor.dtype) / 8;
  const std::uint64_t columns = tensor.shape.empty() ? 1 : tensor.shape.back();
  SparseRows rows{{0}, {}, {}};
  for (std::uint64_t i = 0; i < tensor.elements(); ++i) {
    const Bytes element = tensor.bytes.subspan(i * size, size);
    if (std::any_of(element.begin(), element.end(), [](std::byte b) { return b != std::byte{}; })) {
      rows.column.push_back(static_cast<std::uint32_t>(i % columns));
      rows.values.insert(rows.values.end(), element.begin(), element.end());
    }
    if ((i + 1) % columns == 0) rows.begin.push_back(rows.column.size());
  }
  return rows;
}

std::uint64_t plain_negative_zeros(const TensorView& tensor) {
  const std::size_t size = dtype_bits(tensor.dtype) / 8;
  std::uint64_t count = 0;
  for (std::uint64_t i = 0; i < tensor.elements(); ++i) {
    const Bytes element = tensor.bytes.subspan(i * size, size);
    const bool empty = std::all_of(element.begin(), element.end() - 1, [](std::byte b) { return b == std::byte{}; });
    count += empty && element.back() == std::byte{0x80} ? 1 : 0;
  }
  return count;
}

class EveryDtype : public testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(Packed, EveryDtype, testing::ValuesIn(test::analyzed_dtypes()),
                         [](const auto& dtype) { return std::string(dtype_name(dtype.param)); });

TEST_P(EveryDtype, ComesBackToTheBit) {
  const std::vector<std::vector<std::uint64_t>> shapes{
      {}, {1}, {7}, {8}, {300}, {5, 1}, {1, 5}, {3, 17}, {64, 64}, {33, 128}, {4, 3, 9}, {2, 3, 64}, {1, 5000}};
  for (const double percent : {0., 1., 50., 75., 90., 99., 99.9, 100.})
    for (const auto& shape : shapes)
      for (const Encoding encoding : kEncodings) {
        if (shape.empty() && encoding == Encoding::kBitmask) continue;
        const OwnedTensor tensor = sparse_tensor(GetParam(), shape, percent, shape.size() + 7);
        SCOPED_TRACE(testing::Message() << encoding_name(encoding) << ", " << percent << " %, "
                                        << testing::PrintToString(shape));
        const TensorPlan plan = plan_as(tensor.view(), encoding);
        const PartData data(plan);
        ASSERT_EQ(data.parts().size(), plan.parts.size());
        for (std::size_t i = 0; i < plan.parts.size(); ++i) ASSERT_EQ(data.parts()[i].size(), plan.parts[i].size);
        const auto packed = stored(plan, data);
        EXPECT_EQ(packed->stored_bytes(), plan.stored_bytes());
        std::vector<std::byte> decoded(tensor.view().bytes.size(), std::byte{0xee});
        packed->decode(decoded);
        ASSERT_TRUE(std::equal(decoded.begin(), decoded.end(), tensor.view().bytes.begin()));
        if (encoding == Encoding::kGaps4) {
          EXPECT_EQ(packed->negative_zeros(), plain_negative_zeros(tensor.view()));
        }
        const SparseRows rows = packed->sparse_rows(), expected = plain_rows(tensor.view());
        ASSERT_EQ(rows.begin, expected.begin);
        ASSERT_EQ(rows.column, expected.column);
        ASSERT_EQ(rows.values, expected.values);
      }
}

std::vector<unsigned> numbers(Bytes bytes) {
  std::vector<unsigned> numbers;
  for (const std::byte byte : bytes) numbers.push_back(std::to_integer<unsigned>(byte));
  return numbers;
}

/// Two rows of 20: nonzeros 3, 4 and 19 in the first, 18 in the second.
OwnedTensor by_hand() {
  std::vector<std::uint8_t> elements(40, 0);
  elements[3] = 0x80;  // -0
  elements[4] = 0x7f;  // NaN
  elements[19] = 1;
  elements[38] = 2;
  OwnedTensor flat = test::from_patterns(DType::kF8E4M3, elements, "w.weight");
  return OwnedTensor(DType::kF8E4M3, {2, 20}, flat.bytes(), "w.weight");
}

TEST(Encodings, BitmaskToTheByte) {
  const OwnedTensor tensor = by_hand();
  const TensorPlan plan = plan_as(tensor.view(), Encoding::kBitmask);
  const PartData data(plan);
  EXPECT_THAT(numbers(data.parts()[0]), ElementsAre(0x18, 0, 8, 0, 0, 4));
  EXPECT_THAT(numbers(data.parts()[1]), ElementsAre(0x80, 0x7f, 1, 2));
  EXPECT_THAT(numbers(data.parts()[2]), ElementsAre(2, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0));
  EXPECT_THAT(numbers(data.parts()[3]), ElementsAre(0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0));
  EXPECT_EQ(plan.parts[0].name, "w.bitmask");
  EXPECT_THAT(plan.parts[0].shape, ElementsAre(2, 3));
  EXPECT_EQ(plan.parts[1].name, "w.compressed");
  EXPECT_EQ(plan.parts[2].name, "w.shape");
  EXPECT_EQ(plan.parts[3].name, "w.row_offsets");
  EXPECT_THAT(plan.parts[3].shape, ElementsAre(2));
}

TEST(Encodings, GapsToTheByte) {
  const OwnedTensor tensor = by_hand();
  const TensorPlan bytes = plan_as(tensor.view(), Encoding::kGaps8), halves = plan_as(tensor.view(), Encoding::kGaps4);
  EXPECT_THAT(numbers(PartData(bytes).parts()[0]), ElementsAre(3, 0, 14, 18));
  // 3, 0, 14, then 18 = 15 + 3; the low half of a byte comes first, the last half is unused.
  EXPECT_THAT(numbers(PartData(halves).parts()[0]), ElementsAre(0x03, 0xfe, 0x03));
  EXPECT_EQ(bytes.parts[0].name, "w.weight.gaps8");
  EXPECT_EQ(halves.parts[0].name, "w.weight.gaps4");
  EXPECT_EQ(halves.parts[1].name, "w.weight.values");
}

TEST(Encodings, LongGapsAndWhatIsBehindTheLast) {
  std::vector<std::uint8_t> elements(1100, 0);
  elements[255] = 1;  // a gap of exactly one unit
  elements[766] = 2;  // of 510: exactly two
  const OwnedTensor tensor = test::from_patterns(DType::kF8E5M2, elements, "w");
  EXPECT_THAT(numbers(PartData(plan_as(tensor.view(), Encoding::kGaps8)).parts()[0]),
              ElementsAre(255, 0, 255, 255, 0, 255));  // 333 zeros at the end: one more unit fits
  const OwnedTensor zeros = test::from_patterns(DType::kF8E5M2, std::vector<std::uint8_t>(46, 0), "w");
  EXPECT_THAT(numbers(PartData(plan_as(zeros.view(), Encoding::kGaps4)).parts()[0]), ElementsAre(0xff, 0x0f));
}

TEST(Encodings, AreDecompressedOnceForNegativeZerosAndRows) {
  const OwnedTensor tensor = sparse_tensor(DType::kF32, {8, 64}, 60, 5);
  TensorPlan plan = plan_as(tensor.view(), Encoding::kGaps8Zstd);
  const PartData data(plan);
  const auto packed = stored(plan, data);
  const SparseRows expected = packed->sparse_rows();
  packed->negative_zeros();
  // The next reader uses the decompressed data and does not need the frames.
  for (std::vector<std::byte>& frame : plan.compressed) std::fill(frame.begin() + 16, frame.end(), std::byte{0xFF});
  const SparseRows rows = packed->sparse_rows();
  EXPECT_EQ(rows.column, expected.column);
  EXPECT_EQ(rows.values, expected.values);
  // The data are not stored for a second reader.
  EXPECT_THROW(packed->sparse_rows(), Error);
}

TEST(Choice, FollowsTheSparsity) {
  const auto chosen = [](double percent, DType dtype) {
    const OwnedTensor tensor = sparse_tensor(dtype, {200, 256}, percent, 3);
    return plan_tensor(tensor.view(), {}).encoding;
  };
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    EXPECT_EQ(chosen(0, dtype), Encoding::kDense);
    EXPECT_EQ(chosen(50, dtype), Encoding::kBitmask);
    EXPECT_EQ(chosen(90, dtype), Encoding::kGaps4);
    EXPECT_EQ(chosen(99, dtype), Encoding::kGaps8);
  }
}

TEST(Choice, TakesTheLeastBytes) {
  for (const DType dtype : test::analyzed_dtypes())
    for (const double percent : {0., 5., 20., 50., 70., 80., 90., 96., 99., 100.}) {
      const OwnedTensor tensor = sparse_tensor(dtype, {100, 130}, percent, 5);
      const std::uint64_t chosen = plan_tensor(tensor.view(), {}).stored_bytes();
      for (const Encoding encoding : {Encoding::kDense, Encoding::kBitmask, Encoding::kGaps8, Encoding::kGaps4})
        EXPECT_LE(chosen, plan_as(tensor.view(), encoding).stored_bytes() + 300)  // header entries count as well
            << dtype_name(dtype) << " " << percent << " % " << encoding_name(encoding);
    }
}

TEST(Choice, ComesNearTheEntropy) {
  for (const double percent : {50., 75., 90., 95., 99.}) {
    const double p = 1 - percent / 100, n = 500 * 512;
    const OwnedTensor tensor = sparse_tensor(DType::kBF16, {500, 512}, percent, 11);
    const TensorPlan plan = plan_tensor(tensor.view(), {});
    const double q = static_cast<double>(plan.nonzeros) / n;
    const double bound =
        n * (-q * std::log2(q) - (1 - q) * std::log2(1 - q)) / 8 + static_cast<double>(plan.nonzeros) * 2;
    EXPECT_LE(static_cast<double>(plan.stored_bytes()), 1.15 * bound) << percent << " " << p;
  }
}

TEST(Choice, LeavesIntegersEmptyAndSmallTensorsAlone) {
  const OwnedTensor integers(DType::kI32, {1000}, std::vector<std::byte>(4000), "i");
  EXPECT_EQ(plan_tensor(integers.view(), {}).encoding, Encoding::kDense);
  const OwnedTensor empty(DType::kF32, {0, 4}, {}, "e");
  EXPECT_EQ(plan_tensor(empty.view(), {}).encoding, Encoding::kDense);
  const OwnedTensor scalar(DType::kF32, {}, std::vector<std::byte>(4), "s");
  EXPECT_EQ(plan_tensor(scalar.view(), {}).encoding, Encoding::kDense);
}

TEST(Choice, NeverMakesWhatAReaderTakesForABomb) {
  for (const DType dtype : test::analyzed_dtypes()) {
    const OwnedTensor zeros(dtype, {3000, 1000}, std::vector<std::byte>(3000000 * dtype_bits(dtype) / 8), "z.weight");
    PackOptions options;
    options.zstd = true;
    const TensorPlan plan = plan_tensor(zeros.view(), options);
    const PartData data(plan);
    std::vector<std::byte> decoded(zeros.view().bytes.size(), std::byte{1});
    stored(plan, data)->decode(decoded);
    EXPECT_TRUE(std::equal(decoded.begin(), decoded.end(), zeros.view().bytes.begin())) << dtype_name(dtype);
    EXPECT_LT(plan.stored_bytes(), zeros.view().bytes.size() / 50);
  }
}

TEST(Choice, ZstdWinsWhereBytesRepeat) {
  // Few different values, so the byte planes compress well with any mask.
  std::vector<std::byte> bytes(90000 * 4);
  std::mt19937 random(1);
  for (std::size_t i = 3; i < bytes.size(); i += 4) bytes[i] = static_cast<std::byte>(0x3c + random() % 3);
  const OwnedTensor coarse(DType::kF32, {300, 300}, bytes, "c.weight");
  PackOptions options;
  options.zstd = true;
  EXPECT_EQ(plan_tensor(coarse.view(), options).encoding, Encoding::kDenseZstd);
  EXPECT_EQ(plan_tensor(sparse_tensor(DType::kF32, {300, 300}, 90, 1).view(), options).encoding, Encoding::kGaps8Zstd);
}

}  // namespace
}  // namespace pare::pack
