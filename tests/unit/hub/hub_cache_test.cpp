// Names found in the Hugging Face cache, as huggingface_hub lays it out:
// CACHE/models--ORGANIZATION--NAME/{refs/main, snapshots/REVISION/...}.
#include "hub/hub_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "hub/download.h"
#include "support/files.h"
#include "support/variables.h"

namespace pare::hub {
namespace {

using test::error_of;
using test::ScopedVariable;
using test::write_text;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
namespace fs = std::filesystem;

class Hub : public testing::Test {
 protected:
  /// A model in the cache whose refs/main names `revision`.
  fs::path add(const std::string& folder, const std::string& revision = "abc123", const std::string& hub = "hub") {
    write_text(directory_ / hub / folder / "refs/main", revision);
    fs::create_directories(directory_ / hub / folder / "snapshots" / revision);
    return directory_ / hub / folder / "snapshots" / revision;
  }
  std::string failure(const std::string& name) const {
    return error_of([&] { find_in_hub_cache(name); });
  }

  test::TemporaryDirectory directory_;
  ScopedVariable cache_{"HF_HUB_CACHE", (directory_ / "hub").string()};
  ScopedVariable home_{"HF_HOME", std::nullopt};
  ScopedVariable xdg_{"XDG_CACHE_HOME", std::nullopt};
  ScopedVariable offline_{"HF_HUB_OFFLINE", std::nullopt};
};

TEST_F(Hub, FindsAModelOfAnOrganization) {
  const fs::path snapshot = add("models--openai-community--gpt2");
  EXPECT_EQ(find_in_hub_cache("openai-community/gpt2"), snapshot);
}

TEST_F(Hub, FindsAShortNameUnderTheOrganizationItLivesUnderNow) {
  const fs::path moved = add("models--openai-community--gpt2");
  EXPECT_EQ(find_in_hub_cache("gpt2"), moved);
  const fs::path old = add("models--gpt2");
  EXPECT_EQ(find_in_hub_cache("gpt2"), old) << "the name itself comes first";
}

TEST_F(Hub, AShortNameIsNoSuffix) {
  add("models--someone--distilgpt2");
  add("datasets--someone--gpt2");
  EXPECT_NE(failure("gpt2"), "");
}

TEST_F(Hub, RefsMainDecidesBetweenSnapshots) {
  add("models--a--b", "older");
  const fs::path newer = add("models--a--b", "newer");
  EXPECT_EQ(find_in_hub_cache("a/b"), newer);
  write_text(directory_ / "hub/models--a--b/refs/main", "older\n");
  EXPECT_THAT(find_in_hub_cache("a/b").string(), EndsWith("/snapshots/older"));
}

TEST_F(Hub, WithoutRefsTheOnlySnapshotServes) {
  const fs::path snapshot = add("models--a--b", "r1");  // as after from_pretrained(..., revision="r1")
  fs::remove_all(directory_ / "hub/models--a--b/refs");
  EXPECT_EQ(find_in_hub_cache("a/b"), snapshot);
  fs::create_directory(snapshot.parent_path() / "r2");
  EXPECT_NE(failure("a/b"), "") << "nothing says which of the two";
}

TEST_F(Hub, CacheVariablesInTheOrderOfHuggingFaceHub) {
  const fs::path by_cache = add("models--a--b", "r", "hub");
  const fs::path by_home = add("models--a--b", "r", "home/hub");
  const fs::path by_xdg = add("models--a--b", "r", "xdg/huggingface/hub");
  const fs::path by_default = add("models--a--b", "r", "user/.cache/huggingface/hub");
  const ScopedVariable home("HF_HOME", (directory_ / "home").string());
  const ScopedVariable xdg("XDG_CACHE_HOME", (directory_ / "xdg").string());
  const ScopedVariable user("HOME", (directory_ / "user").string());
  EXPECT_EQ(find_in_hub_cache("a/b"), by_cache);
  ::unsetenv("HF_HUB_CACHE");
  EXPECT_EQ(find_in_hub_cache("a/b"), by_home);
  ::unsetenv("HF_HOME");
  EXPECT_EQ(find_in_hub_cache("a/b"), by_xdg);
  ::unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(find_in_hub_cache("a/b"), by_default);
}

TEST_F(Hub, AShortNameIsNotAStrangersModel) {
  add("models--acme--gpt2");
  add("models--acme--my-model");
  EXPECT_NE(failure("gpt2"), "");
  EXPECT_NE(failure("my-model"), "");
  const fs::path bert = add("models--google-bert--bert-base-uncased");
  EXPECT_EQ(find_in_hub_cache("bert-base-uncased"), bert) << "the Hub redirects it";
}

TEST_F(Hub, ARevisionIsABranchATagOrACommit) {
  const fs::path older = add("models--a--b", "1111aaaa"), newer = add("models--a--b", "2222bbbb");
  fs::create_directory(newer.parent_path() / "2222cccc");
  write_text(directory_ / "hub/models--a--b/refs/v1", "1111aaaa");
  write_text(directory_ / "hub/models--a--b/refs/refs/pr/3", "2222cccc");
  EXPECT_EQ(find_in_hub_cache("a/b"), newer);
  EXPECT_EQ(find_in_hub_cache("a/b@v1"), older);
  EXPECT_EQ(find_in_hub_cache("a/b@2222bbbb"), newer);
  EXPECT_EQ(find_in_hub_cache("a/b@11"), older);
  EXPECT_EQ(find_in_hub_cache("a/b@refs/pr/3").filename(), "2222cccc");
  EXPECT_EQ(
      failure("a/b@2222"),
      "a/b@2222: the Hugging Face cache has no single revision '2222' (expected NAME@REVISION with one of 1111aaaa, "
      "2222bbbb, 2222cccc)");
  EXPECT_NE(failure("a/b@../../x"), "");
  EXPECT_NE(failure("a/b@"), "");
  fs::remove_all(directory_ / "hub/models--a--b/refs");
  EXPECT_THAT(failure("a/b"),
              HasSubstr("does not say which revision is meant (expected NAME@REVISION with one of 1111"));
}

TEST_F(Hub, VariablesAreExpanded) {
  const fs::path model = add("models--a--b");
  ::unsetenv("HF_HUB_CACHE");
  const ScopedVariable part("PARE_TEST_PART", directory_.path().string());
  const ScopedVariable user("HOME", directory_.path().string());
  for (const char* value : {"$PARE_TEST_PART/hub", "${PARE_TEST_PART}/hub", "~/hub"}) {
    const ScopedVariable cache("HUGGINGFACE_HUB_CACHE", value);
    EXPECT_EQ(find_in_hub_cache("a/b"), model) << value;
  }
  for (const char* value : {"$PARE_TEST_ABSENT/hub", "${PARE_TEST_PART", "$", "~other/hub"}) {
    const ScopedVariable cache("HUGGINGFACE_HUB_CACHE", value);
    EXPECT_THAT(failure("a/b"), HasSubstr(value));
  }
}

TEST_F(Hub, ALinkWithoutItsBlobIsNamed) {
  const fs::path snapshot = add("models--a--b");
  fs::create_symlink("../../blobs/0123", snapshot / "model.safetensors");
  const ScopedVariable offline("HF_HUB_OFFLINE", "1");
  EXPECT_EQ(error_of([] { find_or_download("a/b", {}, {}); }),
            (snapshot / "model.safetensors").string() +
                ": is a link to a blob that is not in the Hugging Face cache; download 'a/b' again");
}

TEST_F(Hub, SaysWhereItLooked) {
  const std::string place =
      "a/b: no such file or directory, and no such model in the Hugging Face cache " + (directory_ / "hub").string();
  EXPECT_EQ(failure("a/b"), place);
  const ScopedVariable offline("HF_HUB_OFFLINE", "yes");
  EXPECT_EQ(failure("a/b"), place + ", where alone pare looks as long as HF_HUB_OFFLINE is set");
}

TEST_F(Hub, PathsAreNoNames) {
  add("models--a--b");
  for (const char* name : {"", ".", "..", "/", "/a", "./a", "../a", "a/", "a/../b", "a/b/c", "a b", "a\nb", "a*", "~a"})
    EXPECT_THAT(failure(name), AllOf(EndsWith("no such file or directory"), testing::Not(HasSubstr("cache")))) << name;
}

}  // namespace
}  // namespace pare::hub
