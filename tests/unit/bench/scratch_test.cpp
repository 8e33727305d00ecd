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

}  // namespace
}  // namespace pare::bench
