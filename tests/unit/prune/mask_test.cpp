// Masks as values: each kind against a loop over the elements.
#include "pare/mask.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <functional>

#include "pare/error.h"
#include "pare/prune.h"
#include "prune/criteria/random_scores.h"
#include "support/tensors.h"
#include "unit/prune/plain_patterns.h"

namespace pare {
namespace {

namespace fs = std::filesystem;
using test::OwnedTensor;

/// `values` where `removed` is false, +0 elsewhere.
std::vector<std::byte> expected_bytes(std::span<const std::byte> values, std::size_t size,
                                      const std::function<bool(std::uint64_t)>& removed) {
  std::vector<std::byte> bytes(values.begin(), values.end());
  for (std::size_t i = 0; i * size < bytes.size(); ++i)
    if (removed(i)) std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(i * size), size, std::byte{0});
  return bytes;
}

std::span<const std::byte> bytes_of(const TensorView& tensor) { return {tensor.bytes.data(), tensor.bytes.size()}; }

/// In one piece, and assembled from pieces of `step` elements.
void expect_copy(const Mask& mask, const TensorView& tensor, const std::vector<std::byte>& expected) {
  const std::size_t size = dtype_bits(tensor.dtype) / 8;
  for (const std::uint64_t step : {tensor.elements(), std::uint64_t{7}, std::uint64_t{64}}) {
    std::vector<std::byte> bytes(expected.size(), std::byte{0x55});
    for (std::uint64_t begin = 0; begin < tensor.elements(); begin += step) {
      const std::uint64_t n = std::min(step, tensor.elements() - begin);
      mask.copy(tensor, begin, n, bytes.data() + begin * size);
    }
    EXPECT_EQ(bytes, expected) << "in pieces of " << step;
  }
  TensorView result = tensor;
  result.bytes = std::span<const std::byte>(expected);
  const std::vector<double> values = test::values_of(result);
  EXPECT_EQ(mask.zeros(tensor, Context(2)), static_cast<std::uint64_t>(std::count(values.begin(), values.end(), 0.0)));
}

TEST(MaskKinds, NoneCopies) {
  const OwnedTensor tensor = test::random_tensor(DType::kF16, 500, 1, true);
  EXPECT_TRUE(Mask().is_none());
  EXPECT_TRUE(Mask().removes_smallest());
  expect_copy(Mask(), tensor.view(), expected_bytes(bytes_of(tensor.view()), 2, [](std::uint64_t) { return false; }));
}

TEST(MaskKinds, BelowKeyTakesTiesUpToAnIndex) {
  const OwnedTensor tensor = test::from_floats({2, -1, 1, 0.5F, -3, 1, -1, 4});
  const Mask mask = Mask::BelowKey{0x3f800000, 5};  // 1.0F
  EXPECT_TRUE(mask.removes_smallest());
  expect_copy(mask, tensor.view(),
              expected_bytes(bytes_of(tensor.view()), 4, [](std::uint64_t i) { return i == 1 || i == 2 || i == 3; }));
}

TEST(MaskKinds, BelowScoreFollowsTheDraw) {
  const OwnedTensor tensor = test::random_tensor(DType::kBF16, 10000, 3, true);
  std::vector<std::uint32_t> scores(10000);
  prune::fill_scores(5, 700, scores.size(), scores.data());
  const Mask mask = Mask::BelowScore{scores[4000], 4001, 5, 700};
  EXPECT_FALSE(mask.removes_smallest());
  expect_copy(mask, tensor.view(), expected_bytes(bytes_of(tensor.view()), 2, [&](std::uint64_t i) {
                return scores[i] < scores[4000] || (scores[i] == scores[4000] && i < 4001);
              }));
}

/// Bits of single elements, as from a criterion that depends on more than |w|.
std::vector<std::uint64_t> bits_of(std::uint64_t elements, const std::function<bool(std::uint64_t)>& removed) {
  std::vector<std::uint64_t> words((elements + 63) / 64);
  for (std::uint64_t i = 0; i < elements; ++i)
    if (removed(i)) words[i / 64] |= 1ULL << i % 64;
  return words;
}

bool every_third(std::uint64_t i) { return i % 3 == 1; }

TEST(MaskKinds, BitsRemoveSingleElementsOfAnyShape) {
  for (const DType dtype : test::analyzed_dtypes()) {
    const OwnedTensor tensor = test::random_tensor(dtype, 3 * 5 * 14, 4, true);
    for (const std::vector<std::uint64_t>& shape : {std::vector<std::uint64_t>{210}, {15, 14}, {3, 5, 14}}) {
      TensorView view = tensor.view();
      view.shape = shape;
      expect_copy(Mask::Bits{bits_of(210, every_third)}, view,
                  expected_bytes(bytes_of(view), dtype_bits(dtype) / 8, every_third));
    }
  }
}

/// A copy of bytes as new values of a mask.
std::shared_ptr<const std::span<const std::byte>> held(std::span<const std::byte> bytes) {
  struct Held {
    std::vector<std::byte> bytes;
    std::span<const std::byte> span;
  };
  const auto copy = std::make_shared<Held>();
  copy->bytes.assign(bytes.begin(), bytes.end());
  copy->span = copy->bytes;
  return {copy, &copy->span};
}

TEST(MaskKinds, BitsWithNewValuesChangeWhatStays) {
  for (const DType dtype : test::analyzed_dtypes()) {
    const OwnedTensor tensor = test::random_tensor(dtype, 210, 5, false),
                      fresh = test::random_tensor(dtype, 210, 6, true);
    const auto values = held(bytes_of(fresh.view()));
    const Mask mask = Mask::Bits{bits_of(210, every_third), 1, 1, values};
    EXPECT_TRUE(mask.changes_values());
    EXPECT_FALSE(mask.removes_smallest());
    expect_copy(mask, tensor.view(), expected_bytes(*values, dtype_bits(dtype) / 8, every_third));
  }
}

TEST(MaskKinds, BitsOfAnotherSizeAreRefused) {
  const OwnedTensor tensor = test::random_tensor(DType::kF32, 130, 7, false, "w");
  std::vector<std::byte> target(4 * 130);
  const auto short_values = held(std::vector<std::byte>(519));
  for (const Mask& mask :
       {Mask(Mask::Bits{{1, 2}}), Mask(Mask::Bits{{1, 2, 3, 4}}), Mask(Mask::Bits{{1, 2, 3}, 1, 1, short_values})}) {
    try {
      mask.copy(tensor.view(), 0, 130, target.data());
      ADD_FAILURE() << "was not refused";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kMismatch);
      EXPECT_EQ(error.tensor(), "w");
    }
  }
}

TEST(MaskKinds, AreComparedByValue) {
  EXPECT_EQ(Mask(Mask::BelowKey{1, 2}), Mask(Mask::BelowKey{1, 2}));
  EXPECT_NE(Mask(Mask::BelowKey{1, 2}), Mask(Mask::BelowKey{1, 3}));
  EXPECT_NE(Mask(Mask::BelowKey{1, 2}), Mask(Mask::BelowScore{1, 2, 0, 0}));
  EXPECT_NE(Mask(), Mask(Mask::Bits{}));
}

/// A plan as made by a criterion outside of pare: every third weight is pruned and the others are replaced.
class ForeignMask : public testing::Test {
 protected:
  ForeignMask() {
    root_ = fs::path(testing::TempDir()) /
            ("pare-mask-" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(root_);
    const auto values = held(bytes_of(fresh_.view()));
    expected_ = expected_bytes(*values, 4, every_third);
    plan_.parameters = {0};
    plan_.candidates = n_;
    plan_.zeros_before = {0};
    LevelPlan level;
    level.amount = Amount::percent("33");
    TensorCut cut;
    cut.mask = Mask::Bits{bits_of(n_, every_third), 1, 1, values};
    cut.pruned = n_ / 3;
    cut.zeros = cut.mask.zeros(model_.checkpoint.tensors()[0]);
    level.pruned = cut.pruned;
    level.zeros = cut.zeros;
    level.cuts.push_back(std::move(cut));
    plan_.levels.push_back(std::move(level));
  }
  ~ForeignMask() override { fs::remove_all(root_); }

  void expect_pruned(const Checkpoint& checkpoint) const {
    const TensorView* tensor = checkpoint.find("w");
    ASSERT_NE(tensor, nullptr);
    EXPECT_TRUE(std::equal(expected_.begin(), expected_.end(), tensor->bytes.data(),
                           tensor->bytes.data() + tensor->bytes.size()));
  }

  const std::uint64_t n_ = 600 * 501;  // more than one piece of work
  const std::vector<test::Matrix> matrices_{
      test::make_matrix(DType::kF32, 600, 501, Orientation::kOutIn, 8, false, "w")};
  const OwnedTensor fresh_ = test::random_tensor(DType::kF32, 600 * 501, 9, false);
  const Model model_ = test::model_of(matrices_);
  PrunePlan plan_;
  std::vector<std::byte> expected_;
  fs::path root_;
};

TEST_F(ForeignMask, IsWrittenWithItsNewValues) {
  EXPECT_EQ(plan_.levels[0].zeros, n_ / 3);
  write_pruned(model_, plan_, root_);
  expect_pruned(Checkpoint::open(root_.string()));
}

TEST_F(ForeignMask, IsAppliedInMemory) { expect_pruned(pruned_model(model_, plan_, 0, Context(2)).checkpoint); }

}  // namespace
}  // namespace pare
