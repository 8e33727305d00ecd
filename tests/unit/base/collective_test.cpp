// What the processes of a group do together, with threads in their place.
#include "base/collective.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <limits>

#include "base/shared_directory.h"
#include "pare/error.h"
#include "pare/publish.h"
#include "support/thread_group.h"

namespace pare::base {
namespace {

using testing::Each;
using testing::ElementsAre;

std::vector<std::byte> bytes_of_rank(unsigned rank) { return std::vector<std::byte>(rank, std::byte(rank)); }

TEST(Collective, SumsAreThoseOfAllRanks) {
  for (const unsigned size : {1U, 2U, 3U, 5U, 8U, 13U})
    test::run_group(size, [&](unsigned rank, const Context& context) {
      std::vector<std::uint64_t> numbers{rank, 0, 0, 1, 1ULL << (rank + 40), 0};
      add_up(numbers, context);
      EXPECT_THAT(numbers, ElementsAre(size * (size - 1) / 2, 0, 0, size, ((1ULL << size) - 1) << 40, 0));
    });
}

TEST(Collective, LargeNumbersAndLongRunsOfZerosArrive) {
  test::run_group(2, [](unsigned rank, const Context& context) {
    std::vector<std::uint64_t> numbers(100'000);
    if (rank == 1) numbers[0] = std::numeric_limits<std::uint64_t>::max(), numbers[99'998] = 300;
    reduce(numbers, context);
    if (rank == 1) {
      EXPECT_LT(context.group()->bytes_sent(), 30U);
    } else {
      EXPECT_EQ(numbers[0], std::numeric_limits<std::uint64_t>::max());
      EXPECT_EQ(numbers[99'998], 300U);
      EXPECT_EQ(numbers[99'999], 0U);
    }
  });
}

TEST(Collective, RanksWithOtherInputAreNamed) {
  const auto read = [](std::uint64_t different) {
    test::run_group(3, [&](unsigned rank, const Context& context) {
      require_same(rank == 2 ? different : 7, "text.txt", "data", context);
    });
  };
  read(7);
  try {
    read(8);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMismatch);
    EXPECT_STREQ(error.what(), "text.txt: rank 2 reads other data than rank 0");
  }
}

TEST(Collective, BroadcastAndGatherReachEveryRank) {
  for (const unsigned size : {1U, 2U, 3U, 8U, 11U})
    test::run_group(size, [&](unsigned rank, const Context& context) {
      std::vector<std::byte> text = rank == 0 ? bytes_of_rank(7) : bytes_of_rank(rank);
      broadcast(text, context);
      EXPECT_EQ(text, bytes_of_rank(7));
      std::vector<std::uint64_t> numbers{rank, rank + 1};
      broadcast(numbers, context);
      EXPECT_THAT(numbers, ElementsAre(0, 1));
      const std::vector<std::vector<std::byte>> all = gather(bytes_of_rank(rank), context);
      ASSERT_EQ(all.size(), rank == 0 ? size : 0);
      for (unsigned i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], bytes_of_rank(i));
      wait_for_all(context);
    });
}

TEST(Collective, RanksThatDisagreeAreToldApart) {
  EXPECT_THROW(test::run_group(2,
                               [](unsigned rank, const Context& context) {
                                 std::vector<std::uint64_t> numbers(3 + rank, 1);
                                 add_up(numbers, context);
                               }),
               Error);
}

TEST(Collective, WithoutAGroupNothingChanges) {
  std::vector<std::uint64_t> numbers{1, 2};
  add_up(numbers, Context());
  broadcast(numbers, Context());
  EXPECT_THAT(numbers, ElementsAre(1, 2));
  EXPECT_EQ(group_size(Context()), 1U);
  EXPECT_TRUE(Context().leads());
}

TEST(Collective, ItemsAreSharedBySize) {
  EXPECT_THAT(share_out(std::vector<std::uint64_t>{1, 9, 5, 4}, 2), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(share_out(std::vector<std::uint64_t>{3, 3, 3}, 1), Each(0U));
  EXPECT_THAT(share_out(std::vector<std::uint64_t>{7, 7}, 5), ElementsAre(0, 1));
}

TEST(SharedDirectory, AppearsOnceEveryRankHasWritten) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "pare-shared-directory";
  std::filesystem::remove_all(path);
  test::run_group(3, [&](unsigned rank, const Context& context) {
    SharedDirectory output(path, false, context);
    const std::filesystem::path inner = output.make_directory("inner");
    write_file(inner / std::to_string(rank), "text", Publish::kStaged);
    EXPECT_FALSE(std::filesystem::exists(path));
    output.commit();
    for (const char* name : {"0", "1", "2"}) EXPECT_TRUE(std::filesystem::exists(path / "inner" / name));
  });
  std::filesystem::remove_all(path);
}

TEST(SharedDirectory, DoesNotAppearIfARankFails) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "pare-shared-directory-failed";
  EXPECT_THROW(test::run_group(3,
                               [&](unsigned rank, const Context& context) {
                                 SharedDirectory output(path, false, context);
                                 if (rank == 2) throw Error(ErrorCode::kNoSpace, "full");
                                 output.commit();
                               }),
               Error);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(remove_leftovers(path).empty());
}

}  // namespace
}  // namespace pare::base
