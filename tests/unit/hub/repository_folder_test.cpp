// A model's folder in the cache.
#include "hub/repository_folder.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include <stdexcept>

#include "support/errors.h"
#include "support/files.h"

namespace pare::hub {
namespace {

using test::read_text;
using test::write_text;
namespace fs = std::filesystem;

class CacheFolder : public testing::Test {
 protected:
  static void never() { throw std::runtime_error("waits"); }

  test::TemporaryDirectory directory_;
  const std::string commit_ = std::string(40, 'a');
  const RepositoryFolder folder_{directory_.path(), "a/b", commit_};
  const fs::path place_ = directory_ / "models--a--b";
};

TEST_F(CacheFolder, AppearsWithItsSubfolders) {
  folder_.create(never);
  EXPECT_EQ(test::names_in(place_), (std::set<std::string>{"blobs", "refs", "snapshots"}));
  EXPECT_TRUE(fs::is_directory(place_ / "snapshots" / commit_));
  EXPECT_EQ(test::names_in(directory_.path()), (std::set<std::string>{".locks", "models--a--b"}));
  folder_.create(never);
  const RepositoryFolder other(directory_.path(), "a/b", std::string(40, 'b'));
  other.create(never);
  EXPECT_EQ(test::names_in(place_ / "snapshots").size(), 2U);
}

TEST_F(CacheFolder, LinksAreRelative) {
  folder_.create(never);
  write_text(folder_.blob("123"), "text");
  EXPECT_FALSE(folder_.has_file("a.json"));
  folder_.link("a.json", "123");
  folder_.link("x/y/a.json", "123");
  EXPECT_EQ(fs::read_symlink(folder_.snapshot() / "a.json"), "../../blobs/123");
  EXPECT_EQ(fs::read_symlink(folder_.snapshot() / "x/y/a.json"), "../../../../blobs/123");
  EXPECT_EQ(read_text(folder_.snapshot() / "x/y/a.json"), "text");
  EXPECT_TRUE(folder_.has_file("x/y/a.json"));
}

TEST_F(CacheFolder, ALinkToABlobThatIsGoneIsReplaced) {
  folder_.create(never);
  fs::create_symlink("../../blobs/gone", folder_.snapshot() / "a.json");
  write_text(folder_.blob("123"), "text");
  EXPECT_FALSE(folder_.has_file("a.json"));
  folder_.link("a.json", "123");
  EXPECT_EQ(read_text(folder_.snapshot() / "a.json"), "text");
}

TEST_F(CacheFolder, ACopyIsLeftAlone) {
  folder_.create(never);
  write_text(folder_.snapshot() / "a.json", "copied");  // as with HF_HUB_DISABLE_SYMLINKS
  write_text(folder_.blob("123"), "text");
  folder_.link("a.json", "123");
  EXPECT_EQ(read_text(folder_.snapshot() / "a.json"), "copied");
}

TEST_F(CacheFolder, References) {
  folder_.create(never);
  folder_.set_reference("main", never);
  folder_.set_reference("refs/pr/1", never);
  folder_.set_reference(commit_, never);
  EXPECT_EQ(read_text(place_ / "refs/main"), commit_);
  EXPECT_EQ(read_text(place_ / "refs/refs/pr/1"), commit_);
  EXPECT_EQ(test::names_in(place_ / "refs"), (std::set<std::string>{"main", "refs"}));
  const RepositoryFolder newer(directory_.path(), "a/b", std::string(40, 'b'));
  newer.create(never);
  newer.set_reference("main", never);
  EXPECT_EQ(read_text(place_ / "refs/main"), std::string(40, 'b'));
}

TEST_F(CacheFolder, WaitsForALock) {
  folder_.create(never);
  const base::Descriptor held(::open(folder_.lock("123").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  ASSERT_EQ(::flock(held.get(), LOCK_EX), 0);
  int waits = 0;
  const CacheLock lock(folder_.lock("123"), [&] {
    if (++waits == 3) ::flock(held.get(), LOCK_UN);
  });
  EXPECT_EQ(waits, 3);
  EXPECT_THROW(CacheLock(folder_.lock("123"), never), std::runtime_error);
}

TEST_F(CacheFolder, ALockThatWasRemovedIsMadeAgain) {
  folder_.create(never);
  const base::Descriptor held(::open(folder_.lock("123").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  ASSERT_EQ(::flock(held.get(), LOCK_EX), 0);
  const CacheLock lock(folder_.lock("123"), [&] { fs::remove(folder_.lock("123")); });
  EXPECT_TRUE(fs::exists(folder_.lock("123")));
}

TEST_F(CacheFolder, SaysWhatCannotBeMade) {
  write_text(directory_ / ".locks", "a file");
  EXPECT_THAT([&] { folder_.create(never); },
              test::ThrowsError(ErrorCode::kNotFound, directory_ / ".locks/models--a--b"));
}

}  // namespace
}  // namespace pare::hub
