// Writing that is interrupted and resumed gives the files of one run, byte for byte, and makes no file twice.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <stdexcept>

#include "pare/error.h"
#include "pare/pack.h"
#include "pare/prune.h"
#include "support/errors.h"
#include "support/files.h"
#include "support/safetensors.h"
#include "support/tensors.h"
#include "support/thread_group.h"

namespace pare {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

constexpr int kShards = 6;

std::uint64_t inode_of(const fs::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

class Resume : public testing::Test {
 protected:
  Resume() {
    fs::create_directory(model_);
    std::string index;
    for (int i = 0; i < kShards; ++i) {
      write_shard(i, static_cast<std::uint64_t>(i));
      index += fmt::format(R"({}"{}":"{}")", i == 0 ? "" : ",", name(i), shard(i));
    }
    test::write_text(model_ / "model.safetensors.index.json", "{\"weight_map\":{" + index + "}}");
    options_.levels = {Amount::percent("50"), Amount::percent("90")};
  }

  static std::string name(int i) { return fmt::format("layers.{}.mlp.up_proj.weight", i); }
  static std::string shard(int i) { return fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, kShards); }

  void write_shard(int i, std::uint64_t seed) const {
    const test::OwnedTensor tensor = test::random_tensor(DType::kF32, 64 * 1024, seed, false);
    const std::span<const std::byte> bytes = tensor.view().bytes;
    const std::string header =
        fmt::format(R"({{"{}":{{"dtype":"F32","shape":[64,1024],"data_offsets":[0,{}]}}}})", name(i), bytes.size());
    test::write_text(model_ / shard(i),
                     test::safetensors(header, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  }

  void prune(const fs::path& out, bool resume, const Context& context) const {
    const Model model = open_model(model_.string());
    write_pruned(model, plan_pruning(model, options_, context.with_progress({})), out, {false, resume}, context);
  }
  void pack(const fs::path& out, bool resume, const Context& context) const {
    PackOptions options;
    options.resume = resume;
    write_packed(open_model((directory_ / "expected/sparsity-90").string()), out, options, context);
  }

  /// The directories that hold what is finished.
  std::vector<fs::path> kept() const {
    std::vector<fs::path> found;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory_.path()))
      if (entry.path().filename().string().starts_with(".")) found.push_back(entry.path());
    return found;
  }

  /// Inodes of the weights in the files that are finished.
  std::set<std::uint64_t> finished() const {
    std::set<std::uint64_t> inodes;
    for (const fs::path& directory : kept()) {
      const fs::path records = directory / ".finished";
      if (!fs::exists(records)) continue;  // stopped before the first
      for (const fs::directory_entry& entry : fs::directory_iterator(records))
        for (const fs::directory_entry& file : fs::recursive_directory_iterator(directory))
          if (file.path().filename() == shard(std::stoi(entry.path().filename().string())))
            inodes.insert(inode_of(file.path()));
    }
    return inodes;
  }

  /// Stops `write` when this much is done, resumes it, and compares with `expected`. Returns how many files the second
  /// run did not have to make.
  template <class Write>
  std::size_t interrupt(double fraction, unsigned ranks, const fs::path& expected, const Write& write) const {
    const fs::path out = directory_ / "out";
    const auto run = [&](const ProgressFunction& progress) {
      if (ranks == 1) return write(out, true, Context(2, progress));
      test::run_group(ranks,
                      [&](unsigned, const Context& context) { write(out, true, context.with_progress(progress)); });
    };
    bool stopped = false;
    try {
      run([&](const Progress& done) {
        if (done.fraction >= fraction) throw std::runtime_error("stopped by the test");
      });
    } catch (const std::runtime_error&) {
      stopped = true;
    }
    EXPECT_NE(fs::exists(out), stopped);
    const std::set<std::uint64_t> before = finished();
    if (stopped) run({});
    EXPECT_EQ(test::files_in(out), test::files_in(expected)) << fraction << ' ' << ranks;
    EXPECT_THAT(kept(), IsEmpty());
    std::size_t reused = 0;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(out))
      reused += before.contains(inode_of(entry.path()));
    EXPECT_EQ(reused, before.size());
    fs::remove_all(out);
    return reused;
  }

  test::TemporaryDirectory directory_;
  fs::path model_ = directory_ / "model";
  PruneOptions options_;
};

TEST_F(Resume, PruningGoesOnWithTheFirstFileThatIsNotFinished) {
  prune(directory_ / "expected", false, Context(2));
  const auto write = [&](const fs::path& out, bool resume, const Context& context) { prune(out, resume, context); };
  for (const unsigned ranks : {1U, 3U}) {
    std::size_t most = 0;
    for (const double fraction : {0.0, 0.2, 0.5, 0.8, 1.0})
      most = std::max(most, interrupt(fraction, ranks, directory_ / "expected", write));
    EXPECT_GE(most, ranks == 1 ? 8U : 2U);  // two levels of four files, or of one
  }
}

TEST_F(Resume, PackingGoesOnWithTheFirstFileThatIsNotFinished) {
  prune(directory_ / "expected", false, Context(2));
  pack(directory_ / "packed", false, Context(2));
  const auto write = [&](const fs::path& out, bool resume, const Context& context) { pack(out, resume, context); };
  for (const unsigned ranks : {1U, 3U}) {
    std::size_t most = 0;
    for (const double fraction : {0.0, 0.2, 0.5, 0.8, 1.0})
      most = std::max(most, interrupt(fraction, ranks, directory_ / "packed", write));
    EXPECT_GE(most, ranks == 1 ? 4U : 1U);
  }
}

/// Leaves some finished files of `out`.
void fail_half_way(const std::function<void(const Context&)>& write) {
  EXPECT_THROW(write(Context(1,
                             [](const Progress& done) {
                               if (done.fraction > 0.5) throw std::runtime_error("stopped by the test");
                             })),
               std::runtime_error);
}

TEST_F(Resume, WhatWasMadeOfOtherFilesOrOptionsIsMadeAgain) {
  const fs::path out = directory_ / "out";
  const auto half = [&] {
    fail_half_way([&](const Context& context) { prune(out, true, context); });
    EXPECT_FALSE(finished().empty());
    return finished();
  };
  const auto expect_new = [&](const std::set<std::uint64_t>& before) {
    fs::remove_all(directory_ / "expected");
    prune(directory_ / "expected", false, Context(2));
    prune(out, true, Context(2));
    EXPECT_EQ(test::files_in(out), test::files_in(directory_ / "expected"));
    EXPECT_THAT(kept(), IsEmpty());
    EXPECT_FALSE(before.empty());
    fs::remove_all(out);
  };
  std::set<std::uint64_t> before = half();
  write_shard(kShards - 1, 77);
  expect_new(before);
  before = half();
  options_.levels = {Amount::percent("50")};
  expect_new(before);
  before = half();
  options_.criterion = Criterion::kRandom;
  expect_new(before);
}

TEST_F(Resume, AFileThatWasChangedSinceIsMadeAgain) {
  prune(directory_ / "expected", false, Context(2));
  const fs::path out = directory_ / "out";
  for (const bool record : {false, true}) {
    fail_half_way([&](const Context& context) { prune(out, true, context); });
    ASSERT_EQ(kept().size(), 1U);
    const fs::path file = kept().front() / (record ? ".finished/0" : "sparsity-90/" + shard(0));
    ASSERT_TRUE(fs::exists(file)) << file;
    fs::permissions(file, fs::perms::owner_write, fs::perm_options::add);
    std::fstream(file, std::ios::binary | std::ios::in | std::ios::out).seekp(100) << "damage";
    prune(out, true, Context(2));
    EXPECT_EQ(test::files_in(out), test::files_in(directory_ / "expected"));
    fs::remove_all(out);
  }
}

TEST_F(Resume, NothingIsKeptWithoutIt) {
  fail_half_way([&](const Context& context) { prune(directory_ / "out", false, context); });
  EXPECT_THAT(kept(), IsEmpty());
  fail_half_way([&](const Context& context) { prune(directory_ / "out", true, context); });
  EXPECT_EQ(kept().size(), 1U);
  prune(directory_ / "out", false, Context(2));  // a run that does not resume removes it
  EXPECT_THAT(kept(), IsEmpty());
}

TEST_F(Resume, BlocksCannotBeResumed) {
  options_.pattern = Pattern::parse("rows");
  options_.scope = Scope::kPerTensor;
  EXPECT_THAT([&] { prune(directory_ / "out", true, Context(1)); },
              test::ThrowsError(ErrorCode::kArgument, model_, "", {"can be resumed"}));
}

}  // namespace
}  // namespace pare
