#include "base/files.h"

#include <gtest/gtest.h>

#include <string>

#include "support/files.h"

namespace pare::base {
namespace {

namespace fs = std::filesystem;

TEST(Files, AreThereOrNot) {
  const test::TemporaryDirectory directory;
  test::write_text(directory / "file", "");
  fs::create_symlink("gone", directory / "dangling");
  EXPECT_TRUE(is_there(directory.path()));
  EXPECT_FALSE(is_file(directory.path()));
  EXPECT_TRUE(base::is_directory(directory.path()));
  EXPECT_TRUE(is_there(directory / "file"));
  EXPECT_TRUE(is_file(directory / "file"));
  EXPECT_FALSE(base::is_directory(directory / "file"));
  for (const char* name : {"gone", "dangling", "file/below"}) {
    EXPECT_FALSE(is_there(directory / name)) << name;
    EXPECT_FALSE(is_file(directory / name)) << name;
  }
}

TEST(Files, ThatTheSystemDoesNotTellOfAreErrors) {
  const test::TemporaryDirectory directory;
  fs::create_symlink("loop", directory / "loop");
  for (const fs::path& path : {directory / "loop", directory / std::string(300, 'n')})
    for (bool (*asks)(const fs::path&) : {is_there, is_file, base::is_directory}) {
      try {
        asks(path);
        ADD_FAILURE() << path;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kIo);
        EXPECT_EQ(error.file(), path);
      }
    }
}

}  // namespace
}  // namespace pare::base
