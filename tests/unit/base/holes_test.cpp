// Holes of mapped files are found, and nothing else is taken for one.
#include "base/holes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/file_map.h"
#include "support/files.h"

namespace pare::base {
namespace {

TEST(Holes, AreThoseOfTheFileSystem) {
  constexpr std::size_t kSize = 64 << 20, kWritten = 32 << 20;
  const test::TemporaryDirectory directory;
  const std::filesystem::path path = directory / "sparse";
  {
    std::ofstream file(path, std::ios::binary);
    file << "data at the beginning";
    file.seekp(kWritten);
    file << "and in the middle";
  }
  std::filesystem::resize_file(path, kSize);
  const auto map = FileMap::open(path);
  const std::byte* data = map->bytes().data();
  if (!is_hole(data + (16 << 20), 4096)) GTEST_SKIP() << "the file system does not tell of holes";
  EXPECT_FALSE(is_hole(data, 1));
  EXPECT_FALSE(is_hole(data + kWritten, 1));
  EXPECT_FALSE(is_hole(data + kWritten - 4096, 8192));
  EXPECT_TRUE(is_hole(data + kSize - 100, 100));
  EXPECT_FALSE(is_hole(data + kSize - 100, 101));
  for (std::size_t begin = 0; begin < kSize; begin += 1 << 20)  // a hole reads as zeros
    if (is_hole(data + begin, 1 << 20)) {
      EXPECT_TRUE(
          std::all_of(data + begin, data + begin + (1 << 20), [](std::byte byte) { return byte == std::byte{}; }));
    }
}

TEST(Holes, AreForgottenWithTheirFile) {
  const test::TemporaryDirectory directory;
  const std::filesystem::path path = directory / "sparse";
  std::ofstream(path).close();
  std::filesystem::resize_file(path, 1 << 20);
  auto map = FileMap::open(path);
  const std::byte* data = map->bytes().data();
  map.reset();
  EXPECT_FALSE(is_hole(data, 1));
}

}  // namespace
}  // namespace pare::base
