// Rows, sums, filters and positions of inspect(), on models small enough to count by hand.
#include "pare/inspect.h"

#include <gmock/gmock.h>

#include "pare/error.h"
#include "pare/measure.h"
#include "support/errors.h"
#include "support/tensors.h"

namespace pare {
namespace {

using test::OwnedTensor;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const float kNan = std::numeric_limits<float>::quiet_NaN();

/// A model of tensors in memory.
class ModelInMemory {
 public:
  Parameter& add(const std::string& name, OwnedTensor tensor, Group group, int layer = -1, std::string stack = {},
                 std::vector<std::uint64_t> shape = {}) {
    TensorView view = tensor.view();
    view.name = name;
    if (!shape.empty()) view.shape = std::move(shape);
    views_.push_back(view);
    owners_->push_back(std::move(tensor));
    Parameter parameter;
    parameter.name = name;
    parameter.tensor = parameters_.size();
    parameter.group = group;
    parameter.layer = layer;
    parameter.stack = std::move(stack);
    return parameters_.emplace_back(std::move(parameter));
  }
  Parameter& add(const std::string& name, const std::vector<float>& values, Group group, int layer = -1,
                 std::string stack = {}, std::vector<std::uint64_t> shape = {}) {
    return add(name, test::from_floats(values), group, layer, std::move(stack), std::move(shape));
  }
  Model model() const {
    return Model{.title = "tiny",
                 .source = "memory",
                 .architecture = "TinyModel",
                 .model_type = {},
                 .checkpoint = Checkpoint::from_tensors(views_, {}, {}, owners_),
                 .parameters = parameters_,
                 .left_out = {{"mask", "buffer"}},
                 .missing = {},
                 .notes = {"a note"},
                 .side_files = {},
                 .config = {}};
  }

 private:
  std::vector<TensorView> views_;
  std::shared_ptr<std::vector<OwnedTensor>> owners_ = std::make_shared<std::vector<OwnedTensor>>();
  std::vector<Parameter> parameters_;
};

std::vector<std::string> names(const std::vector<InspectRow>& rows) {
  std::vector<std::string> result;
  for (const InspectRow& row : rows) result.push_back(row.name);
  return result;
}

/// Two stacks of two layers; the decoder's parameters come after the encoder's.
ModelInMemory two_stacks() {
  ModelInMemory model;
  model.add("shared", {.05F, .5F, -.5F, 0}, Group::kEmbedding);
  for (const char* stack : {"encoder", "decoder"})
    for (int layer = 0; layer < 2; ++layer) {
      const std::string prefix = std::string(stack) + "." + std::to_string(layer);
      model.add(prefix + ".ffn", {.2F, .01F, -.2F, -.01F}, Group::kFeedForward, layer, stack, {2, 2});
      model.add(prefix + ".norm", {1, 1}, Group::kNorm, layer, stack);
      model.add(prefix + ".q", {.2F * static_cast<float>(layer), .3F}, Group::kAttentionQ, layer, stack, {1, 2});
    }
  return model;
}

TEST(Inspect, CountsByTensorInBothMeasures) {
  ModelInMemory memory;
  memory.add("a", {.05F, .5F, -.5F, -.05F, 0, -0.0F, .1F, kNan}, Group::kOther);
  const Inspection result = inspect(memory.model());
  ASSERT_THAT(result.tensors, SizeIs(1));
  const Stats& stats = result.tensors[0].stats;
  EXPECT_EQ(stats.count, 8U);
  EXPECT_EQ(stats.cutoffs[0].above, 2U);  // 0.5, -0.5; not 0.1 itself
  EXPECT_DOUBLE_EQ(stats.share(Measure::kMagnitude), 2.0 / 8);
  EXPECT_DOUBLE_EQ(stats.share(Measure::kSigned), 4.0 / 8);  // those, -0.05, and 0.1
  EXPECT_EQ(stats.zeros, 2U);
  EXPECT_EQ(stats.nans, 1U);
}

TEST(Inspect, TailsFollowTheCutoff) {
  ModelInMemory memory;
  memory.add("a", {.5F, -1.5F, 2.5F, -7}, Group::kOther);
  const Inspection result = inspect(memory.model());
  ASSERT_THAT(result.overall.stats.cutoffs, SizeIs(4));
  EXPECT_EQ(result.overall.stats.cutoffs[1].above, 3U);
  EXPECT_EQ(result.overall.stats.cutoffs[2].above, 2U);
  EXPECT_EQ(result.overall.stats.cutoffs[3].above, 1U);
}

TEST(Inspect, RowsStandInTheirOrder) {
  const Inspection result = inspect(two_stacks().model());
  EXPECT_THAT(result.tensors, SizeIs(13));
  EXPECT_EQ(result.tensors[1].name, "encoder.0.ffn");
  EXPECT_THAT(names(result.groups), ElementsAre("embedding", "attention.q", "feed-forward", "norm"));
  EXPECT_THAT(names(result.layers),
              ElementsAre("encoder layer 0", "encoder layer 1", "decoder layer 0", "decoder layer 1"));
  EXPECT_EQ(result.overall.name, "(overall)");
  EXPECT_EQ(result.overall.tensors, 13U);
  EXPECT_THAT(result.notes, ElementsAre("a note"));
  EXPECT_THAT(result.left_out, SizeIs(1));
}

TEST(Inspect, LayersAreOrderedByNumberNotByName) {
  ModelInMemory memory;
  for (const int layer : {10, 2, 0}) memory.add("h." + std::to_string(layer), {.5F}, Group::kOther, layer);
  EXPECT_THAT(names(inspect(memory.model()).layers), ElementsAre("layer 0", "layer 2", "layer 10"));
}

TEST(Inspect, SumsOfGroupsAndOfLayersWithTheRestAreTheWhole) {
  const Inspection result = inspect(two_stacks().model());
  std::uint64_t in_groups = 0, in_layers = 0;
  for (const InspectRow& row : result.groups) in_groups += row.stats.cutoffs[0].above;
  for (const InspectRow& row : result.layers) in_layers += row.stats.cutoffs[0].above;
  EXPECT_EQ(result.overall.stats.count, 4U + 4 * 8);
  EXPECT_EQ(result.overall.stats.cutoffs[0].above, 2U + 4 * 2 + 4 * 2 + 2 * 1 + 2 * 2);
  EXPECT_EQ(in_groups, result.overall.stats.cutoffs[0].above);
  EXPECT_EQ(in_layers + 2, result.overall.stats.cutoffs[0].above);  // the embedding is in no layer
}

TEST(Inspect, SpreadsAreOfMatricesByStackAndGroup) {
  const Inspection result = inspect(two_stacks().model());
  ASSERT_THAT(result.spreads, SizeIs(4));  // no norms
  const LayerSpread& q = result.spreads[1];
  EXPECT_EQ(q.stack, "encoder");
  EXPECT_EQ(q.group, Group::kAttentionQ);
  EXPECT_THAT(q.layers, ElementsAre(0, 1));
  EXPECT_THAT(q.shares, ElementsAre(.5, 1));
  EXPECT_EQ(result.spreads[3].stack, "decoder");
}

TEST(Inspect, SelfAndCrossAttentionSpreadApart) {
  ModelInMemory memory;
  for (int layer = 0; layer < 2; ++layer) {
    memory.add("self" + std::to_string(layer), {.5F, 0}, Group::kAttentionQ, layer, "decoder", {1, 2});
    memory.add("cross" + std::to_string(layer), {0, 0}, Group::kAttentionQ, layer, "decoder", {1, 2}).cross_attention =
        true;
  }
  const Inspection result = inspect(memory.model());
  ASSERT_THAT(result.spreads, SizeIs(2));
  EXPECT_THAT(result.spreads[0].shares, ElementsAre(.5, .5));
  EXPECT_TRUE(result.spreads[1].cross_attention);
  EXPECT_THAT(result.spreads[1].shares, ElementsAre(0, 0));
}

TEST(Inspect, TheLayerThatStandsOutIsNamed) {
  ModelInMemory memory;
  for (int layer = 0; layer < 6; ++layer)
    memory.add("h." + std::to_string(layer), {layer == 4 ? .5F : 0, 0, 0, 0}, Group::kFeedForward, layer, {}, {2, 2});
  const Inspection result = inspect(memory.model());
  ASSERT_THAT(result.spreads, SizeIs(1));
  EXPECT_THAT(result.spreads[0].outlying, ElementsAre(4));
}

TEST(Inspect, FiltersByGlobAndGroup) {
  InspectOptions options;
  options.include = {"encoder.*", "shared"};
  options.exclude = {"*.norm"};
  EXPECT_THAT(names(inspect(two_stacks().model(), options).tensors),
              ElementsAre("shared", "encoder.0.ffn", "encoder.0.q", "encoder.1.ffn", "encoder.1.q"));
  options.groups = {Group::kAttentionQ};
  EXPECT_THAT(names(inspect(two_stacks().model(), options).tensors), ElementsAre("encoder.0.q", "encoder.1.q"));
}

std::string failure(const InspectOptions& options) {
  try {
    inspect(two_stacks().model(), options);
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Inspect, AFilterThatMatchesNothingIsAnError) {
  InspectOptions options;
  options.include = {"shared", "encodr.*"};
  EXPECT_EQ(failure(options), "memory: no parameter name matches 'encodr.*'");
  options.include.clear();
  options.exclude = {"typo"};
  EXPECT_EQ(failure(options), "memory: no parameter name matches 'typo'");
  options.exclude = {"*"};
  EXPECT_THAT(failure(options), HasSubstr("passes the filters"));
  options.exclude.clear();
  options.groups = {Group::kHead};
  EXPECT_EQ(failure(options), "memory: no parameter is of group head");
}

TEST(Inspect, TheLargestComeWithTheirCoordinates) {
  ModelInMemory memory;
  memory.add("a", {0, 1, 2, 3, -9, 5}, Group::kOther, -1, {}, {2, 3});
  memory.add("b", {8}, Group::kOther);
  InspectOptions options;
  options.largest = 3;
  const Inspection result = inspect(memory.model(), options);
  ASSERT_THAT(result.largest, SizeIs(3));
  EXPECT_EQ(result.largest[0].tensor, "a");
  EXPECT_EQ(result.largest[0].value, -9);
  EXPECT_THAT(result.largest[0].position, ElementsAre(1, 1));
  EXPECT_EQ(result.largest[1].tensor, "b");
  EXPECT_THAT(result.largest[2].position, ElementsAre(1, 2));
}

TEST(Inspect, OfEqualElementsTheFirstAreTheLargest) {
  std::vector<std::uint16_t> ones((std::size_t{1} << 22) + 7, 0x3f80);  // several pieces
  ones.back() = 0x4000;
  ModelInMemory memory;
  memory.add("a", test::from_patterns<std::uint16_t>(DType::kBF16, ones), Group::kOther);
  InspectOptions options;
  options.largest = 3;
  for (const unsigned threads : {1U, 3U}) {
    const Inspection result = inspect(memory.model(), options, Context(threads));
    ASSERT_THAT(result.largest, SizeIs(3));
    EXPECT_THAT(result.largest[0].position, ElementsAre(ones.size() - 1));
    EXPECT_THAT(result.largest[1].position, ElementsAre(0));
    EXPECT_THAT(result.largest[2].position, ElementsAre(1));
  }
}

TEST(Inspect, RowsOfSeveralDtypesAreMixed) {
  ModelInMemory memory;
  memory.add("a", {1}, Group::kOther);
  memory.add("b", test::from_patterns<std::uint16_t>(DType::kBF16, {0x3f80, 0}), Group::kOther);
  const Inspection result = inspect(memory.model());
  EXPECT_EQ(result.tensors[1].dtype, "BF16");
  EXPECT_EQ(result.overall.dtype, "mixed");
  EXPECT_EQ(result.overall.stats.cutoffs[0].above, 2U);
}

TEST(Inspect, WhatCannotBeMeasuredIsLeftOut) {
  ModelInMemory memory;
  memory.add("a", {1}, Group::kOther);
  memory.add("ids", test::from_patterns<std::int64_t>(DType::kI64, {1, 2}), Group::kOther);
  const Inspection result = inspect(memory.model());
  EXPECT_THAT(names(result.tensors), ElementsAre("a"));
  EXPECT_EQ(result.left_out.back().name, "ids");
  EXPECT_EQ(result.left_out.back().reason, "dtype I64 is not measured");
}

TEST(Inspect, QuantilesOfRowsAreThoseOfTheirElementsTogether) {
  ModelInMemory memory;
  memory.add("a", {1, -2, 3}, Group::kNorm, 0);
  memory.add("b", {-4, 5}, Group::kNorm, 1);
  InspectOptions options;
  EXPECT_THAT(inspect(memory.model(), options).overall.quantiles, IsEmpty());
  options.quantiles = {0.5, 1};
  const Inspection result = inspect(memory.model(), options);
  EXPECT_THAT(result.tensors[0].quantiles, ElementsAre(2, 3));
  EXPECT_THAT(result.layers[1].quantiles, ElementsAre(4.5, 5));
  EXPECT_THAT(result.groups[0].quantiles, ElementsAre(3, 5));
  EXPECT_THAT(result.overall.quantiles, ElementsAre(3, 5));
}

TEST(Inspect, TheNumberOfThreadsChangesNoBit) {
  ModelInMemory memory;
  for (int layer = 0; layer < 5; ++layer)
    memory.add("h." + std::to_string(layer),
               test::random_tensor(DType::kF32, 100'000, static_cast<std::uint64_t>(layer), false), Group::kFeedForward,
               layer);
  const Model model = memory.model();
  const Inspection one = inspect(model, {}, Context(1));
  for (const unsigned threads : {2U, 3U, 8U}) {
    const Inspection several = inspect(model, {}, Context(threads));
    EXPECT_EQ(several.overall.stats.sum, one.overall.stats.sum);
    EXPECT_EQ(several.overall.stats.sum_of_squares, one.overall.stats.sum_of_squares);
    EXPECT_EQ(several.overall.stats.cutoffs[0].above, one.overall.stats.cutoffs[0].above);
    EXPECT_EQ(several.largest[9].position, one.largest[9].position);
  }
}

TEST(Inspect, ManyTensorsAddUpWithAndWithoutTheirRows) {
  constexpr std::uint64_t kTensors = 20'000;
  ModelInMemory memory;
  for (std::uint64_t i = 0; i < kTensors; ++i)
    memory.add("h." + std::to_string(i), {-0.5F - static_cast<float>(i), 0.05F},
               i % 2 == 0 ? Group::kOther : Group::kNorm, static_cast<int>(i / 5000), {}, {1, 2});
  const Model model = memory.model();
  InspectOptions options;
  const Inspection all = inspect(model, options);
  ASSERT_THAT(all.tensors, SizeIs(kTensors));
  EXPECT_EQ(all.tensors.back().stats.min, -19999.5);
  options.tensor_rows = false;
  double fraction = 0;
  const Context context(1, [&](const Progress& progress) { fraction = std::max(fraction, progress.fraction); });
  const Inspection without = inspect(model, options, context);
  EXPECT_EQ(fraction, 1);
  EXPECT_THAT(without.tensors, IsEmpty());
  for (const Inspection* result : {&all, &without}) {
    EXPECT_EQ(result->overall.tensors, kTensors);
    EXPECT_EQ(result->overall.stats.count, 2 * kTensors);
    EXPECT_EQ(result->overall.stats.cutoffs[0].above, kTensors);
    EXPECT_EQ(result->overall.stats.min, -19999.5);
    EXPECT_EQ(result->overall.stats.sum, all.overall.stats.sum);
    EXPECT_THAT(names(result->groups), ElementsAre("norm", "other"));
    EXPECT_EQ(result->groups[0].stats.count, kTensors);
    EXPECT_THAT(names(result->layers), ElementsAre("layer 0", "layer 1", "layer 2", "layer 3"));
    EXPECT_EQ(result->layers[3].stats.max_magnitude, 19999.5);
    ASSERT_THAT(result->spreads, SizeIs(1));  // not of norms
    EXPECT_THAT(result->spreads[0].shares, ElementsAre(.5, .5, .5, .5));
    ASSERT_THAT(result->largest, SizeIs(10));
    for (std::size_t i = 0; i < 10; ++i) {
      EXPECT_EQ(result->largest[i].tensor, "h." + std::to_string(kTensors - 1 - i));
      EXPECT_THAT(result->largest[i].position, ElementsAre(0, 0));
    }
  }
}

TEST(Measure, EverySplitMergesToTheSameInspection) {
  ModelInMemory owner;
  for (int i = 0; i < 5; ++i)
    owner.add("w" + std::to_string(i), test::random_tensor(DType::kF32, 501, i, false), Group::kOther, i % 2);
  const Model model = owner.model();
  InspectOptions options;
  options.quantiles = {0.1, 0.5, 0.99};
  const Inspection whole = inspect(model, options);
  for (unsigned split = 0; split < 32; ++split) {
    std::vector<std::size_t> in, out;
    for (std::size_t i = 0; i < 5; ++i) ((split >> i & 1U) != 0 ? in : out).push_back(i);
    const Inspection merged =
        assemble(model, options, merge(measure(model, options, in), measure(model, options, out)));
    EXPECT_EQ(merged.overall.stats.sum, whole.overall.stats.sum);
    EXPECT_EQ(merged.overall.quantiles, whole.overall.quantiles);
    ASSERT_EQ(merged.largest.size(), whole.largest.size());
    for (std::size_t i = 0; i < whole.largest.size(); ++i) {
      EXPECT_EQ(merged.largest[i].tensor, whole.largest[i].tensor);
      EXPECT_EQ(merged.largest[i].position, whole.largest[i].position);
    }
  }
  const std::vector<std::size_t> first{0};
  const Measurement part = measure(model, options, first);
  EXPECT_THAT([&] { merge(part, part); }, test::ThrowsError(ErrorCode::kArgument, "", part.tensors[0].name));
  EXPECT_THAT([&] { assemble(model, options, part); },
              testing::Throws<Error>(testing::Property(&Error::code, ErrorCode::kMismatch)));
}

}  // namespace
}  // namespace pare
