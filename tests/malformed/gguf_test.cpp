// Damaged GGUF files: each gives one message that names the file, the tensor or key, and the cause.
#include "support/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/source.h"
#include "pare/error.h"
#include "support/files.h"

namespace pare {
namespace {

using test::GgufBuilder;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::uint64_t kHuge = std::uint64_t{1} << 62;

std::string error_of_bytes(const std::string& bytes) {
  return test::error_of([&] { checkpoint::parse_gguf(std::as_bytes(std::span(bytes)), "f.gguf", nullptr); });
}

std::string error_of_tensor(std::uint32_t type, const std::vector<std::uint64_t>& axes, const std::string& data) {
  GgufBuilder builder;
  builder.tensor("w", type, axes, data);
  return error_of_bytes(builder.file());
}

TEST(MalformedGguf, Headers) {
  EXPECT_THAT(error_of_bytes("GGU"), HasSubstr("does not begin with 'GGUF'"));
  EXPECT_THAT(error_of_bytes("GGUF"), HasSubstr("is truncated: the version should take 4 bytes, and 0 are left"));
  EXPECT_THAT(error_of_bytes(GgufBuilder(1).file()), HasSubstr("has GGUF version 1 (expected 2 or 3)"));
  EXPECT_THAT(error_of_bytes(GgufBuilder(0x03000000U).file()), HasSubstr("is a big-endian GGUF file"));
  GgufBuilder tensors, values;
  tensors.more_tensors = kHuge;
  EXPECT_THAT(error_of_bytes(tensors.file()), HasSubstr("claims 4611686018427387904 tensors, and only"));
  values.more_values = kHuge;
  EXPECT_THAT(error_of_bytes(values.file()), HasSubstr("claims 4611686018427387904 metadata values, and only"));
  EXPECT_EQ(error_of_bytes(GgufBuilder().file()), "");
}

TEST(MalformedGguf, Metadata) {
  const auto error_of_value = [](std::uint32_t type, const std::string& bytes) {
    GgufBuilder builder;
    builder.raw("key", type, bytes);
    return error_of_bytes(builder.file());
  };
  const auto array = [](std::uint32_t type, std::uint64_t count) {
    return GgufBuilder::number(type) + GgufBuilder::number(count);
  };
  EXPECT_THAT(error_of_value(13, ""), HasSubstr("the metadata value 'key' has type 13 (expected 0 to 12)"));
  EXPECT_THAT(error_of_value(8, GgufBuilder::number(kHuge)), HasSubstr("a text should take 4611686018427387904 bytes"));
  EXPECT_THAT(error_of_value(9, array(4, kHuge)), HasSubstr("'key' claims 4611686018427387904 elements"));
  EXPECT_THAT(error_of_value(9, array(8, kHuge)), HasSubstr("'key' claims 4611686018427387904 elements"));
  EXPECT_THAT(error_of_value(9, array(9, 1) + array(4, 0)), HasSubstr("'key' is an array of arrays"));
  EXPECT_THAT(error_of_value(9, array(99, 1)), HasSubstr("has type 99"));
  GgufBuilder twice;
  twice.add("key", std::uint32_t{1});
  twice.add("key", std::uint32_t{1});
  EXPECT_THAT(error_of_bytes(twice.file()), HasSubstr("the metadata key 'key' appears twice"));
  GgufBuilder latin;
  latin.add("\xff", std::uint32_t{1});
  EXPECT_THAT(error_of_bytes(latin.file()), HasSubstr("a metadata key is not UTF-8"));
  GgufBuilder longest;
  longest.add(std::string(65537, 'k'), std::uint32_t{1});
  EXPECT_THAT(error_of_bytes(longest.file()), HasSubstr("a metadata key claims 65537 bytes; the limit is 65536"));
  for (const std::uint32_t alignment : {0U, 24U}) {
    GgufBuilder builder;
    builder.add("general.alignment", alignment);
    EXPECT_THAT(error_of_bytes(builder.file()),
                HasSubstr("an alignment of " + std::to_string(alignment) + " bytes (expected a power of two)"));
  }
}

TEST(MalformedGguf, Tensors) {
  EXPECT_THAT(error_of_tensor(17, {256}, ""),
              StartsWith("f.gguf: tensor 'w': has the type IQ2_XS, which pare does not read"));
  EXPECT_THAT(error_of_tensor(1000, {256}, ""), HasSubstr("has the type 1000"));
  EXPECT_THAT(error_of_tensor(0, {1, 1, 1, 1, 1}, ""), HasSubstr("has 5 axes (expected at most 4)"));
  EXPECT_THAT(error_of_tensor(8, {33}, ""),
              HasSubstr("rows of 33 elements (expected a multiple of 32, as Q8_0 needs)"));
  EXPECT_THAT(error_of_tensor(0, {kHuge, 4}, ""), HasSubstr("its shape overflows"));
  EXPECT_THAT(error_of_tensor(2, {std::uint64_t{1} << 61}, ""), HasSubstr("its shape overflows"));
  EXPECT_THAT(error_of_tensor(0, {2}, "1234"), HasSubstr("takes 8 bytes from offset 0, and the file has 4 bytes"));
  EXPECT_THAT(error_of_tensor(8, {32, 2}, std::string(67, 'x')), HasSubstr("takes 68 bytes from offset 0"));
  GgufBuilder odd;
  odd.tensor_at("w", 24, {1}, 1);
  EXPECT_THAT(error_of_bytes(odd.file() + std::string(64, 'x')), HasSubstr("at offset 1 (expected a multiple of 32)"));
  GgufBuilder far;
  far.tensor_at("w", 24, {1}, kHuge);
  EXPECT_THAT(error_of_bytes(far.file()), HasSubstr("takes 1 bytes from offset 4611686018427387904"));
  GgufBuilder twice;
  twice.tensor("w", 24, {1}, "1");
  twice.tensor("w", 24, {1}, "1");
  EXPECT_THAT(error_of_bytes(twice.file()), StartsWith("f.gguf: tensor 'w': the name appears twice"));
  GgufBuilder overlap;
  overlap.tensor("a", 24, {64}, std::string(64, 'x'));
  overlap.tensor_at("b", 24, {32}, 32);
  EXPECT_THAT(error_of_bytes(overlap.file()), StartsWith("f.gguf: tensor 'b': overlaps 'a'"));
}

TEST(MalformedGguf, AnyPrefixIsRefused) {
  GgufBuilder builder;
  builder.add("words", std::vector<std::string>{"x", "yz"});
  builder.add("ids", std::vector<std::int32_t>{1, 2});
  builder.tensor("w", 8, {32}, std::string(34, 'x'));
  const std::string whole = builder.file();
  EXPECT_EQ(error_of_bytes(whole), "");
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_NE(error_of_bytes(whole.substr(0, size)), "") << size;
}

}  // namespace
}  // namespace pare
