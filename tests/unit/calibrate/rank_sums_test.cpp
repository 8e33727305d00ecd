// Calibrated pruning by a group of processes.
#include "calibrate/rank_sums.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <map>
#include <mutex>

#include "base/collective.h"
#include "pare/calibrate.h"
#include "pare/error.h"
#include "support/files.h"
#include "support/small_models.h"
#include "support/thread_group.h"

namespace pare::calibrate {
namespace {

using testing::ElementsAre;

const std::string kOfRanks = std::string(PARE_SOURCE_DIR) + "/demo/";

/// Inputs with `value` as each sum on and above the diagonal.
SharedInputs inputs_of(std::vector<std::string> linears, std::size_t in, double value, bool products = true) {
  SharedInputs inputs;
  inputs.linears = std::move(linears);
  inputs.in = in;
  inputs.tokens = 10;
  inputs.squares.assign(in, value);
  if (!products) return inputs;
  inputs.products = base::AlignedBuffer<double>(in * in);
  for (std::size_t i = 0; i < in * in; ++i) inputs.products.data()[i] = i % in >= i / in ? value : 0;
  return inputs;
}

TEST(RankSums, AddUpWhatAnyRankHasSeen) {
  for (const unsigned size : {1U, 2U, 3U, 7U})
    test::run_group(size, [&](unsigned rank, const Context& context) {
      std::vector<SharedInputs> own;
      own.push_back(inputs_of({"q", "k"}, 5, rank + 1));
      if (rank != 0) own.push_back(inputs_of({"expert"}, 3, 1));
      const std::vector<OwnedInputs> all = add_up_ranks(std::move(own), context);
      ASSERT_EQ(all.size(), size == 1 ? 1U : 2U);
      for (const OwnedInputs& owned : all) {
        const bool expert = owned.inputs.linears.front() == "expert";
        if (!expert) {
          EXPECT_THAT(owned.inputs.linears, ElementsAre("q", "k"));
        }
        if (owned.owner != rank) continue;
        const double expected = expert ? size - 1 : size * (size + 1) / 2;
        EXPECT_EQ(owned.inputs.tokens, 10 * (expert ? size - 1 : size));
        EXPECT_THAT(owned.inputs.squares, testing::Each(expected));
        ASSERT_EQ(owned.inputs.squares.size(), expert ? 3U : 5U);
        const std::size_t n = owned.inputs.in;
        for (std::size_t i = 0; i < n * n; ++i)
          EXPECT_EQ(owned.inputs.products.data()[i], i % n >= i / n ? expected : 0) << i;
      }
    });
}

TEST(RankSums, KeepApartWhatOneRankHasKeptApart) {
  test::run_group(3, [](unsigned rank, const Context& context) {
    std::vector<SharedInputs> own;
    if (rank == 1) {
      own.push_back(inputs_of({"gate"}, 2, 1));
      own.push_back(inputs_of({"up"}, 2, 1));
    }
    if (rank == 2) own.push_back(inputs_of({"gate", "up"}, 2, 4));
    const std::vector<OwnedInputs> all = add_up_ranks(std::move(own), context);
    ASSERT_EQ(all.size(), 2U);
    for (const OwnedInputs& owned : all) {
      ASSERT_EQ(owned.inputs.linears.size(), 1U);
      if (owned.owner != rank) continue;
      EXPECT_THAT(owned.inputs.squares, ElementsAre(5, 5));
      EXPECT_EQ(owned.inputs.products.data()[1], 5);
    }
  });
}

TEST(RankSums, GiveEveryRankTheSquares) {
  test::run_group(4, [](unsigned rank, const Context& context) {
    std::vector<SharedInputs> own;
    if (rank % 2 == 1) own.push_back(inputs_of({"o"}, 3, 0.5, false));
    const std::vector<SharedInputs> all = squares_of_ranks(std::move(own), context);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_THAT(all[0].squares, ElementsAre(1, 1, 1));
  });
}

TEST(RankSums, RefuseInputsOfAnotherWidth) {
  EXPECT_THROW(test::run_group(2,
                               [](unsigned rank, const Context& context) {
                                 std::vector<SharedInputs> own;
                                 own.push_back(inputs_of({"o"}, 3 + rank, 1));
                                 add_up_ranks(std::move(own), context);
                               }),
               Error);
}

struct Case {
  Criterion criterion;
  const char *model, *data;
  AllocationKind allocation = AllocationKind::kUniform;
  bool refit = false;
};

CalibrationOptions windows_of(const Case& one) {
  CalibrationOptions calibration;
  calibration.data = kOfRanks + "heldout/" + one.data;
  calibration.sequences = 70;  // two batches
  calibration.length = 32;
  calibration.allocation = one.allocation;
  return calibration;
}

PruneOptions options_of(const Case& one) {
  PruneOptions options;
  options.criterion = one.criterion;
  options.refit = one.refit;
  options.levels = {Amount::percent("60")};
  return options;
}

/// The pruned weights of each parameter.
std::vector<std::vector<std::byte>> weights_of(const Model& model, const PrunePlan& plan) {
  const Model pruned = pruned_model(model, plan, 0);
  std::vector<std::vector<std::byte>> weights;
  for (const std::size_t index : plan.parameters) {
    const TensorView tensor = pruned.tensor(pruned.parameters[index]);
    weights.emplace_back(tensor.bytes.data(), tensor.bytes.data() + tensor.bytes.size());
  }
  return weights;
}

/// Share of the weights that are zero in one and not in the other.
double differing(const std::vector<std::vector<std::byte>>& a, const std::vector<std::vector<std::byte>>& b) {
  std::size_t different = 0, all = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t at = 0; at < a[i].size(); at += sizeof(float), ++all) {
      float one = 0, other = 0;
      std::memcpy(&one, a[i].data() + at, sizeof one);
      std::memcpy(&other, b[i].data() + at, sizeof other);
      different += (one == 0) != (other == 0) || std::fabs(one - other) > 1e-4F * (1e-2F + std::fabs(one)) ? 1 : 0;
    }
  return static_cast<double>(different) / static_cast<double>(all);
}

TEST(CalibratedByRanks, IsThatOfOneProcessWithinRounding) {
  for (const Case& one : {Case{Criterion::kWanda, "gpt2-world", "lm.txt", AllocationKind::kOwl},
                          Case{Criterion::kSparseGpt, "gpt2-world", "lm.txt", AllocationKind::kSecondOrder},
                          Case{Criterion::kMagnitude, "bert-world", "lm.txt", AllocationKind::kUniform, true},
                          Case{Criterion::kSparseGpt, "t5-world", "text2text.tsv"}}) {
    const Model model = open_model(test::small_model(one.model));
    const PrunePlan expected = plan_calibrated(model, options_of(one), windows_of(one), Context(1));
    const std::vector<std::vector<std::byte>> weights = weights_of(model, expected);
    for (const unsigned size : {2U, 3U}) {
      std::map<unsigned, std::vector<std::vector<std::byte>>> found;
      std::mutex mutex;
      test::run_group(size, [&](unsigned rank, const Context& context) {
        const PrunePlan plan = plan_calibrated(model, options_of(one), windows_of(one), context);
        EXPECT_EQ(plan.levels[0].zeros, expected.levels[0].zeros);
        EXPECT_EQ(plan.levels[0].pruned, expected.levels[0].pruned);
        EXPECT_EQ(plan.notes, expected.notes);
        const std::scoped_lock lock(mutex);
        found[rank] = weights_of(model, plan);
      });
      for (const auto& [rank, own] : found) EXPECT_EQ(own, found[0]) << "rank " << rank;
      EXPECT_LT(differing(weights, found[0]), 1e-4) << one.model << " " << size;
    }
  }
}

TEST(CalibratedByRanks, GoesOnWithTheSameNumberOfRanksOnly) {
  const test::TemporaryDirectory directory;
  const Case one{Criterion::kSparseGpt, "gpt2-world", "lm.txt", AllocationKind::kOwl};
  const Model model = open_model(test::small_model(one.model));
  CalibrationOptions calibration = windows_of(one);
  calibration.resume = directory / "state";
  std::vector<std::string> told;
  calibration.tell_resume = [&](const std::string& sentence) { told.push_back(sentence); };
  const auto run = [&](unsigned size, bool stop) {
    std::vector<std::vector<std::byte>> weights;
    test::run_group(size, [&](unsigned rank, const Context& context) {
      const Context watched = context.with_progress([&](const Progress& progress) {
        if (stop && rank == 0 && progress.step == "layer 3 of 4") context.stop();
      });
      const PrunePlan plan = plan_calibrated(model, options_of(one), calibration, watched);
      if (rank == 0) weights = weights_of(model, plan);
    });
    return weights;
  };
  EXPECT_TRUE(run(3, true).empty());
  EXPECT_TRUE(told.empty());
  const std::vector<std::vector<std::byte>> resumed = run(3, false);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_THAT(told[0], testing::HasSubstr("goes on after 2 finished layers"));
  EXPECT_FALSE(run(2, false).empty());  // its fingerprint is another
  ASSERT_EQ(told.size(), 2U);
  EXPECT_THAT(told[1], testing::HasSubstr("from the beginning"));
  calibration.resume.clear();
  EXPECT_EQ(resumed, run(3, false));
}

TEST(CalibratedByRanks, NeedsTheSameDataOnEveryRank) {
  const test::TemporaryDirectory directory;
  test::write_text(directory / "other.txt", test::read_text(kOfRanks + "heldout/lm.txt").substr(0, 3000));
  const Case one{Criterion::kWanda, "gpt2-world", "lm.txt"};
  const Model model = open_model(test::small_model(one.model));
  try {
    test::run_group(2, [&](unsigned rank, const Context& context) {
      CalibrationOptions calibration = windows_of(one);
      if (rank == 1) calibration.data = directory / "other.txt";
      plan_calibrated(model, options_of(one), calibration, context);
    });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMismatch);
    EXPECT_TRUE(std::string(error.what()).ends_with("lm.txt: rank 1 reads other data than rank 0")) << error.what();
  }
}

}  // namespace
}  // namespace pare::calibrate
