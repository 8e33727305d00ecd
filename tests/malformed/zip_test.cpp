// One named corruption of a zip archive per field; each must be refused by an Error that gives the cause.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "support/errors.h"
#include "unit/checkpoint/torch_builder.h"

namespace pare {
namespace {

using test::archive_items;
using test::failure;
using test::make_zip;
using test::ThrowsError;
using test::ZipItem;
using testing::HasSubstr;
using namespace test::pickle;

std::string good_pickle() {
  return whole(dict({{"x", test::pickle::tensor(storage("ByteStorage", "0", 4), 0, {4}, {1})}}));
}
std::vector<ZipItem> good_items() { return archive_items(good_pickle(), {{"0", "abcd"}}); }
constexpr std::size_t kStorage = 2;  // its index in good_items()

/// The message for a good archive with one entry changed.
std::string with_storage(const std::function<void(ZipItem&)>& change) {
  auto items = good_items();
  change(items[kStorage]);
  return failure(make_zip(items));
}
std::string with_layout(const test::ZipLayout& layout) { return failure(make_zip(good_items(), layout)); }

TEST(MalformedZip, TheGoodOneIsRead) { EXPECT_EQ(failure(make_zip(good_items(), {.zip64_end = true})), ""); }

TEST(MalformedZip, WrongChecksumNamesTheEntry) {
  EXPECT_THAT(with_storage([](ZipItem& item) { item.data[0] = 'x', item.crc = test::crc32("abcd"); }),
              HasSubstr("model.bin: entry 'archive/data/0': wrong CRC-32"));
}
TEST(MalformedZip, WrongChecksumOfThePickle) {
  auto items = good_items();
  items[0].crc = 1;
  EXPECT_THAT(failure(make_zip(items)), HasSubstr("entry 'archive/data.pkl': wrong CRC-32"));
}
TEST(MalformedZip, TruncatedAnywhere) {
  const std::string file = make_zip(good_items(), {.zip64_end = true});
  for (std::size_t size = 0; size < file.size(); ++size) EXPECT_NE(failure(file.substr(0, size)), "") << size;
  EXPECT_THAT(failure(file.substr(0, file.size() - 1)), HasSubstr("the file is cut off or is not a zip archive"));
}
TEST(MalformedZip, ExtraBytesAtTheEnd) { EXPECT_NE(failure(make_zip(good_items()) + "x"), ""); }
TEST(MalformedZip, ExtraBytesAtTheBeginning) { EXPECT_NE(failure("x" + make_zip(good_items())), ""); }
TEST(MalformedZip, EveryByteFlippedNeverCrashes) {
  const std::string good = make_zip(good_items(), {.zip64_end = true, .zip64_fields = true});
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const char flip : {'\x01', '\x80', '\xff'}) {
      std::string file = good;
      file[i] = static_cast<char>(file[i] ^ flip);
      failure(file);  // the file may still be readable; only Error may be thrown
    }
  }
}
TEST(MalformedZip, PathsThatLeadOutside) {
  for (const char* name : {"/etc/passwd", "archive/../../x", "..", "../x", "a/..", "C:/x", "a\\b", "", "a\nb"})
    EXPECT_THAT(with_storage([&](ZipItem& item) { item.name = name; }), HasSubstr("name")) << name;
}
TEST(MalformedZip, DotsInNamesAreNoPath) {
  EXPECT_EQ(with_storage([](ZipItem& item) { item.name = "archive/..x/...", item.data = ""; }),
            "model.bin: tensor 'x': entry 'archive/data/0', its storage, is missing");
}
TEST(MalformedZip, DuplicateEntry) {
  auto items = good_items();
  items.push_back(items[kStorage]);
  EXPECT_THAT(failure(make_zip(items)), HasSubstr("entry 'archive/data/0': occurs twice"));
}
TEST(MalformedZip, CompressedEntry) {
  EXPECT_THAT(with_storage([](ZipItem& item) { item.method = 8, item.size = 1ULL << 31, item.compressed_size = 4; }),
              HasSubstr("entry 'archive/data/0': is compressed (method 8)"));
}
TEST(MalformedZip, EncryptedEntry) {
  EXPECT_THAT(with_storage([](ZipItem& item) { item.flags |= 1; }), HasSubstr("is encrypted"));
  EXPECT_THAT(with_storage([](ZipItem& item) { item.flags |= 1 << 6; }), HasSubstr("is encrypted"));
}
TEST(MalformedZip, PatchedEntry) {
  EXPECT_THAT(with_storage([](ZipItem& item) { item.flags |= 1 << 5; }), HasSubstr("holds a patch"));
}
TEST(MalformedZip, SizesThatDiffer) {
  EXPECT_THAT(with_storage([](ZipItem& item) { item.compressed_size = 3; }), HasSubstr("its two sizes differ"));
}
TEST(MalformedZip, SizePastTheEnd) {
  EXPECT_THAT(with_storage([](ZipItem& item) { item.size = 100'000; }), HasSubstr("reach past the archive's data"));
}
TEST(MalformedZip, SizeThatWrapsAround) {
  auto items = good_items();
  items[kStorage].size = ~std::uint64_t{0} - 10;
  EXPECT_THAT(failure(make_zip(items, {.zip64_end = true, .zip64_fields = true})), HasSubstr("reach past"));
}
TEST(MalformedZip, OffsetOutside) {
  EXPECT_THAT(with_storage([](ZipItem& item) { item.offset = 1'000'000; }),
              HasSubstr("has no local header at byte 1000000"));
  auto items = good_items();
  items[kStorage].offset = ~std::uint64_t{0};
  EXPECT_THAT(failure(make_zip(items, {.zip64_end = true, .zip64_fields = true})), HasSubstr("has no local header"));
}
TEST(MalformedZip, OffsetOfAnotherEntry) {
  EXPECT_THAT(with_storage([](ZipItem& item) { item.offset = 0; }), HasSubstr("its local header has another name"));
}
TEST(MalformedZip, OverlappingEntries) {
  auto items = good_items();
  const std::string inner = make_zip({{"archive/data/1", "efgh"}});
  items[kStorage].data = inner.substr(0, inner.find("PK\1\2"));
  const std::string before = make_zip({items[0], items[1]});
  ZipItem overlapping{.name = "archive/data/1", .data = "efgh"};
  overlapping.offset = before.find("PK\1\2") + 30 + items[kStorage].name.size();
  items.push_back(overlapping);
  EXPECT_THAT(failure(make_zip(items)), HasSubstr("entry 'archive/data/1': overlaps entry 'archive/data/0'"));
}
TEST(MalformedZip, LocalHeaderThatDisagrees) {
  EXPECT_THAT(with_storage([](ZipItem& item) { item.local_name = "archive/data/1"; }), HasSubstr("another name"));
  EXPECT_THAT(with_storage([](ZipItem& item) { item.local_method = 8; }), HasSubstr("disagrees"));
}
TEST(MalformedZip, SeveralDisks) {
  EXPECT_THAT(with_storage([](ZipItem& item) { item.disk = 1; }), HasSubstr("on another disk"));
}
TEST(MalformedZip, MoreEntriesThanFit) {
  EXPECT_THAT(with_layout({.zip64_end = true, .entries = 1ULL << 60}), HasSubstr("claims 1152921504606846976 entries"));
  EXPECT_NE(with_layout({.entries = 5}), "");
  EXPECT_THAT(with_layout({.entries = 3}), HasSubstr("holds more than its entries"));
}
TEST(MalformedZip, DirectoryElsewhere) {
  EXPECT_THAT(with_layout({.directory_size = 10}), HasSubstr("does not end where"));
  EXPECT_THAT(with_layout({.directory_offset = 10}), HasSubstr("does not end where"));
  EXPECT_THAT(with_layout({.zip64_end = true, .directory_size = ~0ULL}), HasSubstr("does not end where"));
  EXPECT_THAT(with_layout({.zip64_end = true, .directory_offset = ~0ULL}), HasSubstr("does not end where"));
}
TEST(MalformedZip, Zip64FieldMissing) {
  EXPECT_THAT(with_storage([](ZipItem& item) { item.size = 0xffffffff; }), HasSubstr("needs a zip64 field"));
}
TEST(MalformedZip, OtherFiles) {
  EXPECT_THAT(failure(""), HasSubstr("is empty"));
  EXPECT_THAT(failure("hello"), HasSubstr("is not a PyTorch zip archive"));
  EXPECT_THAT(failure("version https://git-lfs.github.com/spec/v1\noid"), HasSubstr("git lfs pull"));
  EXPECT_THAT(failure(whole("N")), HasSubstr("is a bare pickle"));
  EXPECT_THAT(failure("\x80"), HasSubstr("is a bare pickle"));  // found by fuzz_torch_archive
  EXPECT_THAT(failure(make_zip({{"word/document.xml", "<x/>"}})), HasSubstr("has no data.pkl"));
}
TEST(MalformedZip, WrongByteOrder) {
  auto items = good_items();
  items[1].data = "big";
  EXPECT_THAT(failure(make_zip(items)), HasSubstr("has byte order 'big'"));
}
TEST(MalformedZip, TwoArchivesInOne) {
  auto items = good_items();
  items.push_back({"other/data.pkl", good_pickle()});
  EXPECT_THAT(failure(make_zip(items)), HasSubstr("holds two PyTorch archives"));
}
TEST(MalformedZip, TorchScript) {
  auto items = good_items();
  items.push_back({"archive/constants.pkl", whole(")")});
  EXPECT_THAT(failure(make_zip(items)), HasSubstr("is a TorchScript archive"));
}

TEST(MalformedZip, Codes) {
  const auto code_with = [](const std::function<void(ZipItem&)>& change) {
    auto items = good_items();
    change(items[kStorage]);
    return [file = make_zip(items)] { test::parse(file); };
  };
  const char* file = "model.bin";
  EXPECT_THAT(code_with([](ZipItem& item) { item.flags |= 1; }), ThrowsError(ErrorCode::kUnsupported, file));
  EXPECT_THAT(code_with([](ZipItem& item) { item.method = 8; }), ThrowsError(ErrorCode::kUnsupported, file, "", {"8"}));
  EXPECT_THAT(code_with([](ZipItem& item) { item.compressed_size = 3; }),
              ThrowsError(ErrorCode::kMalformed, file, "", {"3", "4"}));
  EXPECT_THAT(code_with([](ZipItem& item) { item.name = "archive/x"; }), ThrowsError(ErrorCode::kMalformed, file, "x"));
}

}  // namespace
}  // namespace pare
