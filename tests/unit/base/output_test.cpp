// Output appears complete or not at all.
#include "base/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <stdexcept>
#include <thread>

#include "pare/publish.h"
#include "support/errors.h"
#include "support/files.h"

namespace pare::base {
namespace {

using test::error_of;
using test::names_in;
using test::read_text;
using test::ThrowsError;
using test::write_text;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
namespace fs = std::filesystem;

/// Bits of a file's mode that chmod sets.
unsigned mode_of(const fs::path& path) { return static_cast<unsigned>(fs::status(path).permissions()); }

/// Restores the umask at the end of the scope.
class ScopedUmask {
 public:
  explicit ScopedUmask(mode_t mask) : before_(::umask(mask)) {}
  ~ScopedUmask() { ::umask(before_); }

 private:
  mode_t before_;
};

/// Makes a directory read-only. Root may write everywhere, so it becomes nobody meanwhile.
class ReadOnly {
 public:
  explicit ReadOnly(const fs::path& directory) : directory_(directory) {
    fs::permissions(directory_, fs::perms(0555));
    if (::geteuid() == 0) works_ = ::seteuid(65534) == 0;
  }
  ~ReadOnly() {
    if (::getuid() == 0 && ::seteuid(0) != 0) std::abort();
    fs::permissions(directory_, fs::perms(0755));
  }
  bool works() const { return works_; }

 private:
  fs::path directory_;
  bool works_ = true;
};

/// Limits the size of files to `limit` bytes, like a full disk.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t limit) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{limit, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, SIG_DFL);
  }

 private:
  rlimit before_{};
};

class Output : public testing::Test {
 protected:
  std::set<std::string> names() const { return names_in(directory_.path()); }
  test::TemporaryDirectory directory_;
  const fs::path file_ = directory_ / "out.txt";
};

using OutputFileTest = Output;
using OutputDirectoryTest = Output;

TEST_F(OutputFileTest, AppearsAtCommit) {
  OutputFile file(file_);
  file.reserve(8);
  file.write_at(4, "wxyz");  // out of order, as threads write
  file.write_at(0, "abcd");
  file.start_writeback(0, 8);
  EXPECT_FALSE(fs::exists(file_));
  file.commit();
  EXPECT_EQ(read_text(file_), "abcdwxyz");
  EXPECT_THAT(names(), ElementsAre("out.txt")) << "no temporary name is left";
}

TEST_F(OutputFileTest, ReservedRoomIsPartOfTheFile) {
  OutputFile file(file_);
  file.reserve(6);
  file.write_at(0, "ab");
  file.commit();
  EXPECT_EQ(read_text(file_), std::string("ab\0\0\0\0", 6));
}

TEST_F(OutputFileTest, WithoutCommitNothingIsLeft) {
  { OutputFile(file_).write_at(0, "half"); }
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(OutputFileTest, AfterAnExceptionTheOldFileStays) {
  write_text(file_, "old");
  EXPECT_THROW(
      {
        OutputFile file(file_);
        file.write_at(0, "half");
        throw std::runtime_error("in the middle");
      },
      std::runtime_error);
  EXPECT_EQ(read_text(file_), "old");
  EXPECT_THAT(names(), ElementsAre("out.txt"));
}

TEST_F(OutputFileTest, ReplacesAtomically) {
  write_text(file_, "a longer old text");
  const fs::path link = directory_ / "other-name";
  fs::create_hard_link(file_, link);
  write_file(file_, "new", Publish::kReplace);
  EXPECT_EQ(read_text(file_), "new");
  EXPECT_EQ(read_text(link), "a longer old text") << "the old file itself is not written into";
}

TEST_F(OutputFileTest, WhatAppearedMeanwhileStays) {
  OutputFile file(file_);
  file.write_at(0, "ours");
  write_text(file_, "another's");
  EXPECT_EQ(test::file_of([&] { file.commit(); }), file_);
  EXPECT_EQ(read_text(file_), "another's");
}

TEST_F(OutputFileTest, ObeysTheUmask) {
  {
    const ScopedUmask mask(027);
    write_file(file_, "x");
  }
  EXPECT_EQ(mode_of(file_), 0640U);
}

TEST_F(OutputFileTest, LeavesTheProcessUmaskAlone) {
  const ScopedUmask mask(027);  // shared by all threads, so any change of it would be a race
  std::atomic<bool> done{false};
  std::size_t disturbed = 0;
  std::thread observer([&] {
    while (!done) disturbed += ::umask(027) != 027 ? 1 : 0;
  });
  for (int i = 0; i < 100; ++i) write_file(file_, "x", Publish::kReplace);
  done = true;
  observer.join();
  EXPECT_EQ(disturbed, 0U);
}

TEST_F(OutputFileTest, MissingDirectory) {
  const fs::path path = directory_ / "gone" / "out.txt";
  EXPECT_THAT([&] { OutputFile file(path); }, ThrowsError(ErrorCode::kNotFound, path));
}

TEST_F(OutputFileTest, ReadOnlyDirectory) {
  std::string message;
  {
    const ReadOnly read_only(directory_.path());
    if (!read_only.works()) GTEST_SKIP() << "cannot give up root's rights";
    message = error_of([&] { OutputFile file(file_); });
  }
  EXPECT_EQ(message, file_.string() + ": cannot create: Permission denied");
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(OutputFileTest, DirectoryInItsPlace) {
  fs::create_directory(file_);
  EXPECT_THAT(error_of([&] { write_file(file_, "x", Publish::kReplace); }),
              HasSubstr("out.txt: cannot rename into place: "));
  EXPECT_THAT(names(), ElementsAre("out.txt"));
}

TEST_F(OutputFileTest, FullDisk) {
  write_text(file_, "old");
  {
    const SmallDisk disk(4096);
    EXPECT_THAT([&] { OutputFile(file_).reserve(5000); }, ThrowsError(ErrorCode::kNoSpace, file_));
    EXPECT_THAT([&] { OutputFile(file_).write_at(0, std::string(5000, 'x')); },
                ThrowsError(ErrorCode::kNoSpace, file_));
  }
  EXPECT_EQ(read_text(file_), "old");
  EXPECT_THAT(names(), ElementsAre("out.txt"));
}

TEST_F(OutputDirectoryTest, AppearsAtCommit) {
  const fs::path path = directory_ / "a/b/out";  // parent directories are created
  OutputDirectory output(path, false);
  write_text(output.staging() / "file", "text");
  EXPECT_FALSE(fs::exists(path));
  output.commit();
  EXPECT_EQ(read_text(path / "file"), "text");
  EXPECT_THAT(names_in(directory_ / "a/b"), ElementsAre("out"));
}

TEST_F(OutputDirectoryTest, WithoutCommitNothingIsLeft) {
  {
    const OutputDirectory output(directory_ / "out", false);
    write_text(output.staging() / "deep/er/file", "text");
  }
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(OutputDirectoryTest, AfterAnExceptionTheOldDirectoryStays) {
  write_text(directory_ / "out/pare.json", "{}");
  write_text(directory_ / "out/old", "old");
  EXPECT_THROW(
      {
        const OutputDirectory output(directory_ / "out", true);
        write_text(output.staging() / "new", "new");
        throw std::runtime_error("in the middle");
      },
      std::runtime_error);
  EXPECT_THAT(names(), ElementsAre("out"));
  EXPECT_THAT(names_in(directory_ / "out"), ElementsAre("old", "pare.json"));
}

TEST_F(OutputDirectoryTest, TakesAnEmptyDirectoryAndATrailingSlash) {
  fs::create_directory(directory_ / "out");
  OutputDirectory output(directory_ / "out/", false);
  write_text(output.staging() / "file", "text");
  output.commit();
  EXPECT_EQ(read_text(directory_ / "out/file"), "text");
  EXPECT_THAT(names(), ElementsAre("out"));
}

TEST_F(OutputDirectoryTest, RefusesWhatExistsWithoutForce) {
  write_text(directory_ / "out/pare.json", "{}");
  EXPECT_THAT([&] { OutputDirectory output(directory_ / "out", false); },
              ThrowsError(ErrorCode::kExists, directory_ / "out"));
  EXPECT_THAT(names(), ElementsAre("out"));
}

TEST_F(OutputDirectoryTest, ForceReplacesWhatPareWroteAndNothingElse) {
  write_text(directory_ / "mine/thesis.tex", "years of work");
  EXPECT_THAT([&] { OutputDirectory output(directory_ / "mine", true); },
              ThrowsError(ErrorCode::kExists, directory_ / "mine", "", {"pare.json"}));
  EXPECT_EQ(read_text(directory_ / "mine/thesis.tex"), "years of work");

  write_text(directory_ / "out/pare.json", "{}");
  write_text(directory_ / "out/old", "old");
  OutputDirectory output(directory_ / "out", true);
  write_text(output.staging() / "new", "new");
  EXPECT_TRUE(fs::exists(directory_ / "out/old")) << "until commit()";
  output.commit();
  EXPECT_THAT(names_in(directory_ / "out"), ElementsAre("new"));
  EXPECT_THAT(names(), ElementsAre("mine", "out"));
}

TEST_F(OutputDirectoryTest, RefusesAFileAndADanglingLink) {
  write_text(directory_ / "file", "");
  fs::create_symlink("gone", directory_ / "link");
  for (const char* name : {"file", "link"})
    for (const bool force : {false, true})
      EXPECT_THAT(error_of([&] { OutputDirectory output(directory_ / name, force); }),
                  StartsWith((directory_ / name).string() + ": "));
  EXPECT_THAT(names(), ElementsAre("file", "link"));
}

TEST_F(OutputDirectoryTest, ReadOnlyDirectory) {
  std::string beside, below;
  {
    const ReadOnly read_only(directory_.path());
    if (!read_only.works()) GTEST_SKIP() << "cannot give up root's rights";
    beside = error_of([&] { OutputDirectory output(directory_ / "out", false); });
    below = error_of([&] { OutputDirectory output(directory_ / "new/out", false); });
  }
  EXPECT_EQ(beside, (directory_ / "out").string() + ": cannot create: Permission denied");
  EXPECT_EQ(below, (directory_ / "new").string() + ": cannot create: Permission denied");
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(OutputDirectoryTest, WhatAppearedMeanwhileStays) {
  for (const bool force : {false, true}) {
    const fs::path path = directory_ / (force ? "forced" : "out");
    OutputDirectory output(path, force);
    write_text(output.staging() / "file", "ours");
    write_text(path / "thesis.tex", "years of work");
    EXPECT_THAT([&] { output.commit(); }, ThrowsError(ErrorCode::kExists, path));
    EXPECT_THAT(names_in(path), ElementsAre("thesis.tex"));
  }
  EXPECT_THAT(names(), ElementsAre("forced", "out")) << "staging is gone";
}

TEST_F(OutputDirectoryTest, ForceChecksTheMarkerAgain) {
  write_text(directory_ / "out/pare.json", "{}");
  OutputDirectory output(directory_ / "out", true);
  fs::remove_all(directory_ / "out");
  write_text(directory_ / "out/thesis.tex", "years of work");
  EXPECT_EQ(test::file_of([&] { output.commit(); }), directory_ / "out");
  EXPECT_THAT(names_in(directory_ / "out"), ElementsAre("thesis.tex"));
}

TEST_F(OutputDirectoryTest, TwoAtOnceLeaveOneWhole) {
  OutputDirectory first(directory_ / "out", false), second(directory_ / "out", false);
  write_text(first.staging() / "first", "");
  write_text(second.staging() / "second", "");
  second.commit();
  EXPECT_EQ(test::file_of([&] { first.commit(); }), directory_ / "out");
  EXPECT_THAT(names_in(directory_ / "out"), ElementsAre("second"));
}

TEST_F(OutputDirectoryTest, RefusesLinksMountPointsAndDots) {
  fs::create_directory(directory_ / "empty");
  fs::create_symlink("empty", directory_ / "link");
  for (const fs::path& path : {directory_ / "link", fs::path("/proc"), fs::path("."), directory_ / "empty/.."})
    EXPECT_EQ(test::file_of([&] { OutputDirectory output(path, true); }), path);
  EXPECT_THAT(names(), ElementsAre("empty", "link"));
}

TEST_F(OutputDirectoryTest, RemovesDeadStagingDirectoriesOnly) {
  const OutputDirectory living(directory_ / "out", false);
  write_text(directory_ / ".out.pare-abcd1234/half", "of a killed run");
  write_text(directory_ / ".out.pare-abcd12345/mine", "too long");
  write_text(directory_ / ".out.settings/mine", "another's");
  EXPECT_THAT(remove_leftovers(directory_ / "out"), ElementsAre(directory_ / ".out.pare-abcd1234"));
  EXPECT_TRUE(fs::exists(living.staging()));
  EXPECT_THAT(names(), testing::SizeIs(3));
}

TEST_F(OutputDirectoryTest, ParentsMadeForNothingAreRemoved) {
  { const OutputDirectory output(directory_ / "a/b/out", false); }
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(OutputDirectoryTest, ErrorsNameTheFinalPath) {
  const OutputDirectory output(directory_ / "out", false);
  fs::path failed;
  {
    const SmallDisk disk(4096);
    failed = test::file_of([&] { OutputFile(output.staging() / "file", Publish::kStaged).reserve(5000); });
  }
  EXPECT_EQ(failed, directory_ / "out/file");
}

TEST_F(OutputDirectoryTest, TwoFilesOfOneNameAreAnError) {
  const OutputDirectory output(directory_ / "out", false);
  write_file(output.staging() / "file", "first", Publish::kStaged);
  EXPECT_EQ(test::file_of([&] { write_file(output.staging() / "file", "second", Publish::kStaged); }),
            directory_ / "out/file");
}

TEST_F(OutputDirectoryTest, SyncsManyFiles) {
  OutputDirectory output(directory_ / "out", false);
  for (int i = 0; i < 40; ++i) write_file(output.staging() / std::to_string(i), "x", Publish::kStaged);
  output.commit();
  EXPECT_THAT(names_in(directory_ / "out"), testing::SizeIs(40));
}

TEST_F(OutputDirectoryTest, ObeysTheUmask) {
  const ScopedUmask mask(027);
  OutputDirectory output(directory_ / "out", false);
  output.commit();
  EXPECT_EQ(mode_of(directory_ / "out"), 0750U);
}

}  // namespace
}  // namespace pare::base
