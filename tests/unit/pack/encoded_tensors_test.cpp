// Encoded tensors: every stage gives the same results as for the same values in memory, and reads them piece by piece.
#include <gtest/gtest.h>

#include <filesystem>

#include "pare/inspect.h"
#include "pare/pack.h"
#include "pare/prune.h"
#include "pare/stats.h"
#include "support/encoded.h"
#include "support/files.h"

namespace pare {
namespace {

namespace fs = std::filesystem;
using test::OwnedTensor;

constexpr std::size_t kGranularity = 96;  // divides neither pieces nor blocks
constexpr std::size_t kLargestPiece = 4'200'000;

OwnedTensor matrix(DType dtype, std::uint64_t rows, std::uint64_t columns, std::uint64_t seed, const char* name) {
  OwnedTensor tensor = test::random_tensor(dtype, rows * columns, seed, dtype == DType::kF32, name);
  return OwnedTensor(dtype, {rows, columns}, tensor.bytes(), name);
}

std::vector<OwnedTensor> values() {
  return {matrix(DType::kF32, 700, 1000, 1, "a.weight"), matrix(DType::kBF16, 1213, 300, 2, "b.weight"),
          matrix(DType::kF16, 64, 97, 3, "c.weight")};
}

Model model_of(const std::vector<TensorView>& views) {
  CheckpointFile file;
  file.output_name = "model.safetensors";
  for (std::size_t i = 0; i < views.size(); ++i) file.tensors.push_back(i);
  Model model{"small", "small", "Small", "", Checkpoint::from_tensors(views, {file}, ".", nullptr), {}, {},
              {},      {},      {},      {}};
  for (std::size_t i = 0; i < views.size(); ++i) {
    Parameter parameter;
    parameter.name = views[i].name;
    parameter.tensor = i;
    parameter.group = Group::kFeedForward;
    parameter.prunable = true;
    parameter.orientation = i == 1 ? Orientation::kInOut : Orientation::kOutIn;
    model.parameters.push_back(parameter);
  }
  return model;
}

/// The same model with its values in memory and encoded.
struct Both {
  explicit Both(std::size_t granularity = kGranularity) {
    std::vector<TensorView> in_memory, computed;
    for (const OwnedTensor& tensor : values()) {
      owned.push_back(tensor);
      in_memory.push_back(tensor.view());
      computed.push_back(test::encoded(tensor, granularity));
    }
    plain = model_of(in_memory);
    encoded = model_of(computed);
  }
  void expect_read_in_pieces(std::size_t largest = kLargestPiece) const {
    for (const TensorView& tensor : encoded.checkpoint.tensors()) {
      const auto* fake = dynamic_cast<const test::FakeEncoded*>(tensor.bytes.encoded());
      ASSERT_NE(fake, nullptr);
      EXPECT_GT(fake->largest(), 0U) << tensor.name;
      EXPECT_LE(fake->largest(), largest) << tensor.name;
    }
  }
  std::vector<OwnedTensor> owned;
  Model plain = model_of({}), encoded = model_of({});
};

TEST(EncodedTensors, GiveTheirBytesWholeAndInPieces) {
  const OwnedTensor tensor = test::random_tensor(DType::kF32, 1000, 1, true);
  const TensorView view = test::encoded(tensor, 32);
  std::vector<std::byte> part(37);
  view.bytes.read(1001, part);
  EXPECT_TRUE(std::ranges::equal(part, tensor.view().bytes.subspan(1001, 37)));
  std::vector<std::byte> end(5);
  view.bytes.read(3995, end);
  EXPECT_TRUE(std::ranges::equal(end, tensor.view().bytes.subspan(3995)));
  EXPECT_TRUE(std::ranges::equal(view.bytes, tensor.view().bytes));
  EXPECT_EQ(view.bytes.encoded()->stored_type(), "FAKE");
  EXPECT_EQ(tensor.view().bytes.encoded(), nullptr);
}

TEST(EncodedTensors, AreMeasuredInPieces) {
  ScanOptions options;
  options.cutoffs = {0.1, 0.01};
  options.largest = 7;
  options.sketches = true;
  for (const unsigned threads : {1U, 2U}) {
    const Both both;
    const Context context = Context().with_threads(threads);
    const ScanResult expected = scan(both.plain.checkpoint.tensors(), options);
    const ScanResult found = scan(both.encoded.checkpoint.tensors(), options, context);
    for (std::size_t i = 0; i < expected.tensors.size(); ++i) {
      EXPECT_EQ(found.tensors[i].sum, expected.tensors[i].sum);
      EXPECT_EQ(found.tensors[i].sum_of_squares, expected.tensors[i].sum_of_squares);
      EXPECT_EQ(found.tensors[i].zeros, expected.tensors[i].zeros);
      EXPECT_EQ(found.tensors[i].min, expected.tensors[i].min);
      EXPECT_EQ(found.tensors[i].cutoffs[1].above, expected.tensors[i].cutoffs[1].above);
    }
    ASSERT_EQ(found.largest.size(), expected.largest.size());
    for (std::size_t i = 0; i < expected.largest.size(); ++i) {
      EXPECT_EQ(found.largest[i].index, expected.largest[i].index);
      EXPECT_EQ(found.largest[i].value, expected.largest[i].value);
    }
    const Histogram bars = histogram(both.plain.checkpoint.tensors(), Measure::kSigned, -0.2, 0.3, 37);
    EXPECT_EQ(histogram(both.encoded.checkpoint.tensors(), Measure::kSigned, -0.2, 0.3, 37, context).counts,
              bars.counts);
    both.expect_read_in_pieces();
  }
}

TEST(EncodedTensors, AreNotComputedAgainForEveryBlock) {
  constexpr std::size_t kCoarse = 49'152;  // more than a block of the scan
  const Both both(kCoarse);
  ScanOptions options;
  options.cutoffs = {0.1};
  const ScanResult expected = scan(both.plain.checkpoint.tensors(), options);
  const ScanResult found = scan(both.encoded.checkpoint.tensors(), options);
  for (std::size_t i = 0; i < expected.tensors.size(); ++i) {
    EXPECT_EQ(found.tensors[i].sum, expected.tensors[i].sum);
    EXPECT_EQ(found.tensors[i].sum_of_squares, expected.tensors[i].sum_of_squares);
    EXPECT_EQ(found.tensors[i].zeros, expected.tensors[i].zeros);
    EXPECT_EQ(found.tensors[i].cutoffs[0].above, expected.tensors[i].cutoffs[0].above);
    const TensorView& tensor = both.encoded.checkpoint.tensors()[i];
    EXPECT_LE(dynamic_cast<const test::FakeEncoded*>(tensor.bytes.encoded())->computed(), tensor.bytes.size() * 3 / 2);
  }
  both.expect_read_in_pieces();
}

struct Case {
  const char* pattern;
  const char* level;
  Criterion criterion = Criterion::kMagnitude;
};

TEST(EncodedTensors, ArePrunedInPieces) {
  const test::TemporaryDirectory room;
  std::size_t number = 0;
  for (const Case& one : {Case{"", "50"}, Case{"", "30", Criterion::kRandom}, Case{"2:4", ""}, Case{"3:7", ""},
                          Case{"rows", "20"}, Case{"8x4", "40"}}) {
    SCOPED_TRACE(std::string(one.pattern) + " " + one.level);
    const Both both;
    PruneOptions options;
    options.criterion = one.criterion;
    if (*one.pattern != '\0') options.pattern = Pattern::parse(one.pattern);
    if (*one.level != '\0') options.levels = {Amount::percent(one.level)};
    std::string texts[2];
    for (const bool is_encoded : {false, true}) {
      const Model& model = is_encoded ? both.encoded : both.plain;
      const fs::path out = room.path() / std::to_string(number++);
      const Context context = Context().with_threads(is_encoded ? 2 : 1);
      write_pruned(model, plan_pruning(model, options, context), out, {}, context);
      texts[is_encoded] = test::read_text(out / "model.safetensors");
    }
    EXPECT_TRUE(texts[0] == texts[1]);
    both.expect_read_in_pieces();
  }
}

TEST(EncodedTensors, ArePacked) {
  const test::TemporaryDirectory room;
  const Both both;
  PackOptions options;
  options.zstd = true;
  write_packed(both.plain, room.path() / "plain", options);
  write_packed(both.encoded, room.path() / "encoded", options);
  EXPECT_TRUE(test::read_text(room.path() / "plain" / "model.safetensors") ==
              test::read_text(room.path() / "encoded" / "model.safetensors"));
}

}  // namespace
}  // namespace pare
