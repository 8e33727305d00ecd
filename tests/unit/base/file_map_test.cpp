// Files as memory, and scratch files.
#include "base/file_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "support/errors.h"
#include "support/files.h"

namespace pare::base {
namespace {

using test::error_of;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;
namespace fs = std::filesystem;

std::string text_of(const FileMap& map) {
  return {reinterpret_cast<const char*>(map.bytes().data()), map.bytes().size()};
}

class FileMapTest : public testing::Test {
 protected:
  std::string open_failure(const fs::path& path) const {
    return error_of([&] { FileMap::open(path); });
  }
  test::TemporaryDirectory directory_;
};

TEST_F(FileMapTest, HoldsTheFilesBytes) {
  const std::string text = "some\0bytes\xff" + std::string(10000, 'x');  // over several pages, none full
  test::write_text(directory_ / "file", text);
  EXPECT_EQ(text_of(*FileMap::open(directory_ / "file")), text);
}

TEST_F(FileMapTest, OutlivesTheName) {
  test::write_text(directory_ / "file", "still here");
  const auto map = FileMap::open(directory_ / "file");
  fs::remove(directory_ / "file");
  EXPECT_EQ(text_of(*map), "still here");
}

TEST_F(FileMapTest, ReadsTheSameAfterItsPagesAreReleased) {
  const std::string text(100'000, 'x');
  test::write_text(directory_ / "file", text);
  auto map = FileMap::open(directory_ / "file");
  const std::byte* data = map->bytes().data();
  EXPECT_EQ(text_of(*map), text);
  for (const std::size_t place : {0, 50'000, 99'999}) {
    release_pages(data + place);
    EXPECT_EQ(text_of(*map), text);
  }
  map.reset();
  release_pages(data);  // of no file any more
  release_pages(nullptr);
  std::string own = "not of a file";
  release_pages(reinterpret_cast<const std::byte*>(own.data()));
  EXPECT_EQ(own, "not of a file");
}

TEST_F(FileMapTest, FollowsLinks) {
  test::write_text(directory_ / "blob", "data");  // the Hugging Face cache is made of them
  fs::create_symlink("blob", directory_ / "link");
  EXPECT_EQ(text_of(*FileMap::open(directory_ / "link")), "data");
}

TEST_F(FileMapTest, EmptyFile) {
  test::write_text(directory_ / "empty", "");
  EXPECT_TRUE(FileMap::open(directory_ / "empty")->bytes().empty());
}

TEST_F(FileMapTest, MissingFile) {
  EXPECT_THAT([&] { FileMap::open(directory_ / "gone"); },
              test::ThrowsError(ErrorCode::kNotFound, directory_ / "gone"));
}

TEST_F(FileMapTest, Directory) {
  EXPECT_THAT([&] { FileMap::open(directory_.path()); }, test::ThrowsError(ErrorCode::kIo, directory_.path()));
}

TEST_F(FileMapTest, PipeDoesNotHang) {
  ASSERT_EQ(::mkfifo((directory_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(open_failure(directory_ / "pipe"), HasSubstr("is not a regular file"));
}

TEST_F(FileMapTest, LinkToItself) {
  fs::create_symlink("loop", directory_ / "loop");
  EXPECT_THAT(open_failure(directory_ / "loop"), HasSubstr("cannot open: "));
}

TEST_F(FileMapTest, FileThatChanges) {
  test::write_text(directory_ / "file", "four");
  const auto map = FileMap::open(directory_ / "file");
  EXPECT_NO_THROW(map->version().require_unchanged());
  test::write_text(directory_ / "file", "eleven byte");
  EXPECT_THAT([&] { map->version().require_unchanged(); },
              test::ThrowsError(ErrorCode::kChanged, directory_ / "file", "", {"4", "11"}));
}

class ScratchFileTest : public testing::Test {
 protected:
  void SetUp() override { ::setenv("TMPDIR", directory_.path().c_str(), 1); }
  void TearDown() override { ::unsetenv("TMPDIR"); }
  test::TemporaryDirectory directory_;
};

TEST_F(ScratchFileTest, IsWritableZeroedAndNameless) {
  ScratchFile scratch(100'000);
  ASSERT_EQ(scratch.bytes().size(), 100'000U);
  EXPECT_TRUE(
      std::all_of(scratch.bytes().begin(), scratch.bytes().end(), [](std::byte b) { return b == std::byte{}; }));
  std::memset(scratch.bytes().data(), 7, scratch.bytes().size());
  EXPECT_EQ(scratch.bytes().back(), std::byte{7});
  EXPECT_TRUE(test::names_in(directory_.path()).empty()) << "nothing may stay behind, even after a kill";
}

TEST_F(ScratchFileTest, MayBeEmpty) { EXPECT_TRUE(ScratchFile(0).bytes().empty()); }

TEST_F(ScratchFileTest, LargerThanAnyDisk) {
  EXPECT_THAT(error_of([] { ScratchFile scratch(1ULL << 62); }),
              AllOf(StartsWith(directory_.path().string()), HasSubstr("cannot make room for a scratch file: ")));
  EXPECT_TRUE(test::names_in(directory_.path()).empty());
}

TEST_F(ScratchFileTest, DirectoryThatIsNotThere) {
  ::setenv("TMPDIR", (directory_ / "gone").c_str(), 1);
  EXPECT_THAT(error_of([] { ScratchFile scratch(10); }), HasSubstr("cannot create a scratch file: No such file"));
}

}  // namespace
}  // namespace pare::base
