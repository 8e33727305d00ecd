// Calls that a group of processes shares give what one process gives: figures, plans and files, byte for byte.
#include <gmock/gmock.h>

#include <filesystem>

#include "pare/error.h"
#include "pare/inspect.h"
#include "pare/measure.h"
#include "pare/pack.h"
#include "pare/prune.h"
#include "support/files.h"
#include "support/tensors.h"
#include "support/thread_group.h"

namespace pare {
namespace {

namespace fs = std::filesystem;
constexpr unsigned kSizes[] = {1, 2, 3, 8};

/// Three files; one tensor has several pieces, one has many equal values, one is of a narrower type, one is empty.
struct ShardedModel {
  explicit ShardedModel(std::uint64_t seed = 0) {
    std::vector<float> few(40'000);
    for (std::size_t i = 0; i < few.size(); ++i) few[i] = static_cast<float>(i % 5) * 0.25F;
    owners = {test::random_tensor(DType::kF32, 700'000, seed + 1, false, "wte.weight"),
              test::random_tensor(DType::kF32, 300'000, seed + 2, false, "h.0.w.weight"),
              test::from_floats(few, "h.1.w.weight"),
              test::random_tensor(DType::kBF16, 90'000, seed + 3, false, "h.2.w.weight"),
              test::from_floats({}, "h.3.w.weight"),
              test::random_tensor(DType::kF32, 1'000, seed + 4, true, "h.3.w.bias")};
    const std::vector<std::uint64_t> rows{700, 300, 40, 90};
    std::vector<TensorView> views;
    std::vector<CheckpointFile> files(3);
    for (std::size_t i = 0; i < owners.size(); ++i) {
      views.push_back(owners[i].view());
      if (i < rows.size()) views[i].shape = {rows[i], views[i].elements() / rows[i]};
      views[i].file = i < 2 ? 0 : i < 4 ? 1 : 2;
      files[views[i].file].tensors.push_back(i);
      Parameter parameter;
      parameter.name = views[i].name;
      parameter.tensor = i;
      parameter.layer = static_cast<int>(i) - 1;
      parameter.group = i == 0 ? Group::kEmbedding : i == 5 ? Group::kBias : Group::kFeedForward;
      parameter.orientation = i < 4 ? Orientation::kOutIn : Orientation::kNone;
      parameter.prunable = i >= 1 && i < 4;
      model.parameters.push_back(parameter);
    }
    for (std::size_t i = 0; i < files.size(); ++i) files[i].output_name = "model-" + std::to_string(i) + ".safetensors";
    model.checkpoint = Checkpoint::from_tensors(views, files, ".", nullptr);
    model.config = "{}\n";
  }

  std::vector<test::OwnedTensor> owners;
  Model model{"tiny", "memory", "Tiny", "", Checkpoint::from_tensors({}, {}, {}, nullptr), {}, {}, {}, {}, {}, {}};
};

fs::path fresh(const std::string& name) {
  const fs::path path = fs::path(testing::TempDir()) / ("pare-shared-" + name);
  fs::remove_all(path);
  return path;
}

TEST(SharedWork, MeasurementsAreThoseOfOneProcess) {
  const ShardedModel sharded;
  InspectOptions options;
  options.quantiles = {0.5, 0.99};
  options.largest = 20;
  const std::vector<std::byte> expected = measurement_bytes(measure(sharded.model, options));
  const Inspection alone = inspect(sharded.model, options);
  for (const unsigned size : kSizes)
    test::run_group(size, [&](unsigned rank, const Context& context) {
      const Measurement measured = measure(sharded.model, options, context);
      const Inspection inspection = inspect(sharded.model, options, context);
      if (rank != 0) return;
      EXPECT_EQ(measurement_bytes(measured), expected) << size;
      EXPECT_EQ(inspection.overall.quantiles, alone.overall.quantiles);
      EXPECT_EQ(inspection.overall.stats.sum, alone.overall.stats.sum);
    });
}

TEST(SharedWork, HistogramsAndSketchesAreThoseOfOneProcess) {
  const ShardedModel sharded;
  const std::vector<TensorView> tensors = measured_tensors(sharded.model);
  const Histogram expected = histogram(tensors, Measure::kSigned, -1, 1, 37);
  const std::vector<Sketch> sketches = magnitude_sketch(tensors);
  for (const unsigned size : kSizes)
    test::run_group(size, [&](unsigned, const Context& context) {
      const Histogram found = histogram(tensors, Measure::kSigned, -1, 1, 37, context);
      EXPECT_EQ(found.counts, expected.counts);
      EXPECT_EQ(found.below, expected.below);
      EXPECT_EQ(found.beyond, expected.beyond);
      EXPECT_EQ(found.nans, expected.nans);
      EXPECT_EQ(magnitude_sketch(tensors, context), sketches);
    });
}

std::vector<PruneOptions> ways_to_prune() {
  PruneOptions global;
  for (const char* level : {"0", "10", "33.3", "50", "90", "100"}) global.levels.push_back(Amount::percent(level));
  PruneOptions per_tensor = global, random = global, random_per_tensor, rows = global, all = global;
  per_tensor.scope = Scope::kPerTensor;
  random.criterion = Criterion::kRandom;
  random_per_tensor = random;
  random_per_tensor.scope = Scope::kPerTensor;
  rows.pattern = Pattern::parse("rows");
  rows.scope = Scope::kPerTensor;
  all.include = {"*"};
  PruneOptions two_of_four;
  two_of_four.pattern = Pattern::parse("2:4");
  PruneOptions sets;
  sets.sets = {{"first", {"h.0.*"}, Amount::percent("70")}, {"others", {"h.1.*", "h.2.*"}, Amount::percent("20")}};
  return {global, per_tensor, random, random_per_tensor, rows, all, two_of_four, sets};
}

TEST(SharedWork, PlansAreThoseOfOneProcess) {
  const ShardedModel sharded;
  std::size_t way = 0;
  for (const PruneOptions& options : ways_to_prune()) {
    const PrunePlan expected = plan_pruning(sharded.model, options);
    for (const unsigned size : kSizes)
      test::run_group(size, [&](unsigned, const Context& context) {
        const PrunePlan plan = plan_pruning(sharded.model, options, context);
        EXPECT_EQ(plan.zeros_before, expected.zeros_before);
        ASSERT_EQ(plan.levels.size(), expected.levels.size());
        for (std::size_t i = 0; i < plan.levels.size(); ++i) {
          const LevelPlan &found = plan.levels[i], &wanted = expected.levels[i];
          EXPECT_EQ(found.threshold, wanted.threshold) << way << ' ' << size << ' ' << i;
          EXPECT_EQ(found.pruned, wanted.pruned);
          EXPECT_EQ(found.zeros, wanted.zeros);
          ASSERT_EQ(found.cuts.size(), wanted.cuts.size());
          for (std::size_t j = 0; j < found.cuts.size(); ++j) {
            EXPECT_EQ(found.cuts[j].mask, wanted.cuts[j].mask) << way << ' ' << size << ' ' << i << ' ' << j;
            EXPECT_EQ(found.cuts[j].zeros, wanted.cuts[j].zeros);
          }
        }
      });
    ++way;
  }
}

TEST(SharedWork, FilesAreThoseOfOneProcess) {
  const ShardedModel sharded;
  PruneOptions options;
  options.levels = {Amount::percent("50"), Amount::percent("90")};
  const PrunePlan plan = plan_pruning(sharded.model, options);
  const fs::path pruned = fresh("pruned"), packed = fresh("packed");
  write_pruned(sharded.model, plan, pruned);
  const Model sparse = pruned_model(sharded.model, plan, 1);
  const PackSummary summary = write_packed(sparse, packed);
  for (const unsigned size : kSizes) {
    const fs::path pruned_too = fresh("pruned-by-group"), packed_too = fresh("packed-by-group");
    test::run_group(size, [&](unsigned rank, const Context& context) {
      write_pruned(sharded.model, plan_pruning(sharded.model, options, context), pruned_too, {}, context);
      const PackSummary planned = plan_packing(sparse, {}, context);
      const PackSummary found = write_packed(sparse, packed_too, {}, context);
      if (rank != 0) return;
      EXPECT_EQ(planned.packed_bytes, summary.packed_bytes);
      EXPECT_EQ(found.packed_bytes, summary.packed_bytes);
      EXPECT_EQ(found.tensors.size(), summary.tensors.size());
    });
    EXPECT_EQ(test::files_in(pruned_too), test::files_in(pruned)) << size;
    EXPECT_EQ(test::files_in(packed_too), test::files_in(packed)) << size;
  }
}

TEST(SharedWork, ThresholdsTakeAFewMessagesHoweverManyLevels) {
  const ShardedModel sharded;
  for (const std::size_t levels : {1U, 5U, 20U}) {
    PruneOptions options;
    for (std::size_t i = 1; i <= levels; ++i) options.levels.push_back(Amount::percent(std::to_string(4 * i)));
    test::run_group(8, [&](unsigned rank, const Context& context) {
      plan_pruning(sharded.model, options, context);
      if (rank % 2 == 0) return;  // odd ranks only send what they have counted
      EXPECT_LE(context.group()->messages_sent(), 5U);
      EXPECT_LE(context.group()->bytes_sent(), 200'000 + levels * 140'000);
    });
  }
}

TEST(SharedWork, ProcessesThatReadDifferentModelsAreToldApart) {
  const ShardedModel one, other(100);
  const auto each = [&](const auto& call) {
    return [&, call](unsigned rank, const Context& context) { call(rank == 1 ? other.model : one.model, context); };
  };
  PruneOptions options;
  options.levels = {Amount::percent("50")};
  EXPECT_THROW(
      test::run_group(2, each([](const Model& model, const Context& context) { inspect(model, {}, context); })), Error);
  EXPECT_THROW(test::run_group(
                   2, each([&](const Model& model, const Context& context) { plan_pruning(model, options, context); })),
               Error);
}

}  // namespace
}  // namespace pare
