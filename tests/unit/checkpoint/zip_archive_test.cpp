#include "checkpoint/torch/zip_archive.h"

#include <gtest/gtest.h>

#include "unit/checkpoint/torch_builder.h"

namespace pare {
namespace {

using checkpoint::ZipArchive;
using test::make_zip;

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }
std::string_view text(std::span<const std::byte> data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

struct Variant {
  const char* name;
  test::ZipLayout layout;
};
class ZipVariants : public testing::TestWithParam<Variant> {};

TEST_P(ZipVariants, AreRead) {
  const std::string file =
      make_zip({{"a/x", "first"}, {"a/empty", ""}, {"c", std::string(1000, 'b')}}, GetParam().layout);
  const ZipArchive zip(bytes(file), "f.zip");
  ASSERT_EQ(zip.entries().size(), 3U);
  EXPECT_EQ(zip.entries()[0].name, "a/x");
  EXPECT_EQ(text(zip.find("a/x")->data), "first");
  EXPECT_EQ(text(zip.find("a/empty")->data), "");
  EXPECT_EQ(text(zip.find("c")->data), std::string(1000, 'b'));
  EXPECT_EQ(zip.find("a"), nullptr);
  EXPECT_NO_THROW(zip.verify_all());
  EXPECT_EQ(zip.find("c")->data.data(), bytes(file).data() + file.find("bbb"));  // no copy
}

INSTANTIATE_TEST_SUITE_P(Layouts, ZipVariants,
                         testing::Values(Variant{"plain", {}}, Variant{"zip64_end", {.zip64_end = true}},
                                         Variant{"zip64_fields", {.zip64_end = true, .zip64_fields = true}},
                                         Variant{"zip64_fields_only", {.zip64_fields = true}},
                                         Variant{"comment", {.comment = "PK\5\6 is no end record here"}}),
                         [](const auto& variant) { return std::string(variant.param.name); });

TEST(ZipArchive, MayHaveNoEntries) {
  const std::string file = make_zip({});
  EXPECT_TRUE(ZipArchive(bytes(file), "f.zip").entries().empty());
}

TEST(ZipArchive, SkipsPaddingBeforeTheData) {
  const std::string padding = "FB" + test::u16(20) + std::string(20, 'Z');
  const std::string file = make_zip({{.name = "x", .data = "data", .local_extra = padding}});
  EXPECT_EQ(text(ZipArchive(bytes(file), "f.zip").find("x")->data), "data");
}

TEST(ZipArchive, WithoutAnyChecksumIsNotVerified) {
  const std::string file = make_zip({{.name = "x", .data = "data", .crc = 0}, {.name = "y", .data = "more", .crc = 0}});
  EXPECT_NO_THROW(ZipArchive(bytes(file), "f.zip").verify_all());
}

TEST(ZipArchive, WithOneChecksumMissingIsVerified) {
  const std::string file = make_zip({{.name = "x", .data = "data"}, {.name = "y", .data = "more", .crc = 0}});
  EXPECT_THROW(ZipArchive(bytes(file), "f.zip").verify_all(), Error);
}

}  // namespace
}  // namespace pare
