// Estimates of the memory that a measurement needs.
#include <gmock/gmock.h>

#include "bench/compressed_size.h"
#include "bench/process_memory.h"
#include "support/errors.h"
#include "support/tensors.h"

namespace pare::bench {
namespace {

/// One matrix of 1,000 weights that may be pruned, one vector of 10 that may not.
class Needs : public testing::Test {
 protected:
  Model model(DType dtype) {
    owners_.push_back(test::random_tensor(dtype, 1000, 1, false, "w.weight"));
    owners_.push_back(test::random_tensor(dtype, 10, 2, false, "w.bias"));
    CheckpointFile file;
    file.tensors = {0, 1};
    std::vector<Parameter> parameters(2);
    parameters[0].prunable = true;
    parameters[1].tensor = 1;
    return Model{.title = "model",
                 .source = "model",
                 .architecture = "Model",
                 .model_type = "",
                 .checkpoint = Checkpoint::from_tensors({owners_[0].view(), owners_[1].view()}, {file}, ".", nullptr),
                 .parameters = parameters,
                 .left_out = {},
                 .missing = {},
                 .notes = {},
                 .side_files = {},
                 .config = ""};
  }
  static BenchOptions at(std::vector<const char*> levels) {
    BenchOptions options;
    for (const char* level : levels) options.pruning.levels.push_back(Amount::percent(level));
    return options;
  }
  std::vector<test::OwnedTensor> owners_;
};

TEST_F(Needs, OnlyWhatIsMappedForADenseModel) { EXPECT_EQ(needed_memory(model(DType::kF32), at({})), 4040U); }

TEST_F(Needs, FloatsBesideOtherTypes) { EXPECT_EQ(needed_memory(model(DType::kBF16), at({})), 2020U + 4040U); }

TEST_F(Needs, ACopyAndItsLayoutsForTheLeastPrunedLevel) {
  // 500 weights are left: 6 + 4 bytes each; a bit for each of the 1,000.
  EXPECT_EQ(needed_memory(model(DType::kF32), at({"90", "50"})), 4040U + 4000U + 5000U + 125U);
}

TEST_F(Needs, TwoConversionsWhereDenseAndPrunedRunInTurns) {
  EXPECT_EQ(needed_memory(model(DType::kBF16), at({"100"})), 2020U + 2 * 4040U + 2000U + 125U);
}

TEST(RequireMemory, NamesBothFigures) {
  EXPECT_NO_THROW(require_memory("model", 5, 5));
  EXPECT_THAT([] { require_memory("model", 12'000'000'000, 3'400'000'000); },
              test::ThrowsError(ErrorCode::kOutOfMemory, "model", "", {"12.0 GB", "3.4 GB"}));
}

TEST(AvailableMemory, IsMoreThanNothing) { EXPECT_GT(available_memory(), 0U); }

TEST_F(Needs, GzipOfZerosIsSmallAndOfNoiseIsNot) {
  const Model noise = model(DType::kF32);
  const std::uint64_t size = gzip_size(noise.checkpoint, Context(2));
  EXPECT_GT(size, 3000U);
  EXPECT_LT(size, 4200U);
  const test::OwnedTensor zeros = test::from_floats(std::vector<float>(300'000), "zeros");
  CheckpointFile file;
  file.tensors = {0};
  EXPECT_LT(gzip_size(Checkpoint::from_tensors({zeros.view()}, {file}, ".", nullptr), Context(1)), 3000U);
}

}  // namespace
}  // namespace pare::bench
