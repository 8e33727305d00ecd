#include "bench/scratch.h"

#include <gtest/gtest.h>

#include "support/files.h"

namespace pare::bench {
namespace {

TEST(ScratchDirectory, IsGoneWithTheObject) {
  const test::TemporaryDirectory parent;
  {
    const ScratchDirectory scratch(parent.path());
    EXPECT_EQ(scratch.path().parent_path(), parent.path());
    test::write_text(scratch.path() / "file", "text");
  }
  EXPECT_TRUE(test::names_in(parent.path()).empty());
}

TEST(ScratchDirectory, ReplacesThoseOfKilledRunsAndNoOthers) {
  const test::TemporaryDirectory parent;
  const ScratchDirectory alive(parent.path());
  test::write_text(alive.path() / "file", "text");
  test::write_text(parent / ".pare-bench.pare-0123abcd/file", "text");
  test::write_text(parent / ".other.pare-0123abcd/file", "text");
  const ScratchDirectory next(parent.path());
  EXPECT_TRUE(std::filesystem::exists(alive.path() / "file"));
  EXPECT_FALSE(std::filesystem::exists(parent / ".pare-bench.pare-0123abcd"));
  EXPECT_TRUE(std::filesystem::exists(parent / ".other.pare-0123abcd/file"));
}

TEST(ScratchDirectory, NamesItsParentInErrors) {
  const test::TemporaryDirectory parent;
  const ScratchDirectory scratch(parent.path());
  const Error inside = scratch.described(Error(ErrorCode::kIo, scratch.path() / "dense/config.json", "cannot open"));
  EXPECT_EQ(inside.code(), ErrorCode::kIo);
  EXPECT_EQ(inside.file(), parent.path());
  EXPECT_EQ(std::string(inside.what()).find(scratch.path().filename().string()), std::string::npos);
  EXPECT_NE(std::string(inside.what()).find("dense/config.json: cannot open"), std::string::npos);
  const Error other = scratch.described(Error(ErrorCode::kMalformed, "model.bin", "is cut off"));
  EXPECT_EQ(other.file(), "model.bin");
  EXPECT_STREQ(other.what(), "model.bin: is cut off");
}

}  // namespace
}  // namespace pare::bench
