// Masks as files: written, applied and compared.
#include "pare/mask_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "support/errors.h"
#include "unit/model/model_files.h"

namespace pare::test {
namespace {

using testing::ElementsAre;

constexpr const char* kConfig = R"({"model_type": "gpt2"})";

/// A GPT-2 whose matrices hold distinct magnitudes, with its directory.
class MaskFile : public testing::Test {
 protected:
  MaskFile() { write("model", 1); }

  /// Writes a model whose weights are drawn from `seed`.
  void write(const std::string& name, unsigned seed, const std::string& prefix = {}, bool tied = false) {
    std::vector<Stored> stored = tiny_gpt2(prefix);
    if (tied) stored.push_back({"lm_head.weight", {5, 4}, 1});
    write_model(directory_ / name, stored, kConfig);
    std::string bytes = read_text(directory_ / name / "model.safetensors");
    std::uint64_t header = 0;
    std::memcpy(&header, bytes.data(), sizeof header);
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (std::size_t at = 8 + header; at < bytes.size(); at += sizeof(float)) {
      const float value = normal(random);
      std::memcpy(bytes.data() + at, &value, sizeof value);
    }
    write_text(directory_ / name / "model.safetensors", bytes);
  }
  Model open(const std::string& name) const { return open_model(path(name)); }
  std::string path(const std::string& name) const { return (directory_ / name).string(); }
  static PruneOptions at(const char* level) {
    PruneOptions options;
    options.levels = {Amount::percent(level)};
    return options;
  }
  static PruneOptions by(const std::string& mask) {
    PruneOptions options;
    options.criterion = Criterion::kMask;
    options.mask = mask;
    return options;
  }
  static std::string text(const TensorView& tensor) {
    return {reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()};
  }
  /// The mask of a tensor of floats by a plain loop.
  static std::string kept(const TensorView& tensor) {
    std::string bytes;
    for (std::uint64_t i = 0; i < tensor.elements(); ++i) {
      float value = 0;
      std::memcpy(&value, tensor.bytes.data() + i * sizeof value, sizeof value);
      bytes += value == 0 ? '\0' : '\1';
    }
    return bytes;
  }

  TemporaryDirectory directory_;
};

TEST_F(MaskFile, HasABoolForEachPrunedWeight) {
  const Model model = open("model");
  const PrunePlan plan = plan_pruning(model, at("40"));
  const Model pruned = pruned_model(model, plan, 0);
  EXPECT_EQ(write_mask(model, plan, 0, path("mask.safetensors")), plan.levels[0].pruned);
  const Checkpoint file = Checkpoint::open(path("mask.safetensors"));
  ASSERT_EQ(file.tensors().size(), plan.parameters.size());
  for (const std::size_t index : plan.parameters) {
    const Parameter& parameter = model.parameters[index];
    const TensorView* mask = file.find(parameter.name);
    ASSERT_NE(mask, nullptr);
    EXPECT_EQ(mask->dtype, DType::kBool);
    EXPECT_EQ(mask->shape, model.tensor(parameter).shape);
    EXPECT_EQ(text(*mask), kept(pruned.tensor(parameter))) << parameter.name;
  }
  EXPECT_EQ(file.files()[0].metadata().at("architecture"), "GPT2Model");
}

TEST_F(MaskFile, IsTheSameForAnyNumberOfThreadsAndOfTheWrittenModel) {
  const Model model = open("model");
  const PrunePlan plan = plan_pruning(model, at("75"));
  write_mask(model, plan, 0, path("one"), false, Context(1));
  write_mask(model, plan, 0, path("three"), false, Context(3));
  write_pruned(model, plan, directory_ / "pruned");
  write_mask(open("pruned"), PruneOptions(), path("saved"));
  EXPECT_EQ(read_text(path("one")), read_text(path("three")));
  EXPECT_EQ(read_text(path("one")), read_text(path("saved")));
}

TEST_F(MaskFile, PrunesTheSameWeightsOfAnotherModel) {
  write("finetuned", 2, "transformer.");
  const Model model = open("model"), finetuned = open("finetuned");
  const PrunePlan plan = plan_pruning(model, at("50"));
  const Model expected = pruned_model(model, plan, 0);
  write_mask(model, plan, 0, path("mask.safetensors"));
  write_pruned(model, plan, directory_ / "pruned");
  for (const std::string& mask : {path("mask.safetensors"), path("pruned")}) {
    const PrunePlan again = plan_pruning(finetuned, by(mask));
    EXPECT_EQ(again.parameters, plan.parameters);
    EXPECT_EQ(again.levels[0].pruned, plan.levels[0].pruned);
    EXPECT_EQ(again.levels[0].zeros, plan.levels[0].pruned);
    EXPECT_EQ(again.levels[0].amount.label, "50");
    EXPECT_TRUE(again.notes.empty());
    const Model pruned = pruned_model(finetuned, again, 0);
    for (const std::size_t index : plan.parameters) {
      const TensorView &source = finetuned.tensor(finetuned.parameters[index]),
                       &result = pruned.tensor(pruned.parameters[index]);
      EXPECT_EQ(kept(result), kept(expected.tensor(expected.parameters[index])));
      for (std::uint64_t i = 0; i < source.elements(); ++i)
        if (kept(result)[i] != 0) {
          EXPECT_EQ(text(result).substr(4 * i, 4), text(source).substr(4 * i, 4));
        }
    }
  }
}

TEST_F(MaskFile, OfTiedTensorsIsThereOnceAndPrunesBoth) {
  write("tied", 3, "transformer.", true);
  std::string bytes = read_text(path("tied/model.safetensors"));  // the copies must be equal
  const Checkpoint checkpoint = Checkpoint::open(path("tied"));
  const std::string words = text(*checkpoint.find("transformer.wte.weight"));
  bytes.replace(bytes.size() - words.size(), words.size(), words);
  write_text(directory_ / "tied/model.safetensors", bytes);
  const Model model = open("tied");
  PruneOptions options = at("50");
  options.groups = {Group::kEmbedding};
  options.include = {"wte.weight"};
  write_mask(model, plan_pruning(model, options), 0, path("mask.safetensors"));
  EXPECT_EQ(Checkpoint::open(path("mask.safetensors")).tensors().size(), 1U);
  const PrunePlan plan = plan_pruning(model, by(path("mask.safetensors")));
  EXPECT_FALSE(plan.notes.empty());  // of the matrices without a mask
  const Model pruned = pruned_model(model, plan, 0);
  EXPECT_EQ(plan.levels[0].pruned, 10U);
  EXPECT_EQ(text(*pruned.checkpoint.find("lm_head.weight")), text(*pruned.checkpoint.find("transformer.wte.weight")));
}

TEST_F(MaskFile, FiltersSelectAmongItsTensors) {
  const Model model = open("model");
  write_mask(model, plan_pruning(model, at("50")), 0, path("mask.safetensors"));
  PruneOptions options = by(path("mask.safetensors"));
  options.include = {"h.0.mlp.*"};
  const PrunePlan plan = plan_pruning(model, options);
  ASSERT_EQ(plan.parameters.size(), 2U);  // biases match, too, but have no mask
  EXPECT_EQ(model.parameters[plan.parameters[0]].name, "h.0.mlp.c_fc.weight");
  options.include = {"*.bias"};
  EXPECT_THAT([&] { plan_pruning(model, options); }, ThrowsError(ErrorCode::kArgument, {}, {}, {"nothing to prune"}));
}

TEST_F(MaskFile, OfPyTorchHasFloats) {
  std::string data;
  for (int i = 0; i < 8; ++i) data += std::string("\0\0\x80\x3f\0\0\0\x80", 8);  // 1 and -0
  const char* header =
      R"({"transformer.h.0.attn.c_proj.weight_mask":{"dtype":"F32","shape":[4,4],"data_offsets":[0,64]}})";
  std::string file(8, '\0');
  const std::uint64_t length = std::strlen(header);
  std::memcpy(file.data(), &length, sizeof length);
  write_text(directory_ / "mask.safetensors", file + header + data);
  write("prefixed", 1, "transformer.");
  const Model model = open("prefixed");
  const PrunePlan plan = plan_pruning(model, by(path("mask.safetensors")));
  ASSERT_EQ(plan.parameters.size(), 1U);
  EXPECT_EQ(plan.levels[0].pruned, 8U);
  data[63] = '\x40';  // the last zero becomes 2
  write_text(directory_ / "mask.safetensors", file + header + data);
  EXPECT_THAT([&] { plan_pruning(model, by(path("mask.safetensors"))); },
              ThrowsError(ErrorCode::kMalformed, path("mask.safetensors"), "transformer.h.0.attn.c_proj.weight_mask",
                          {"element 15"}));
}

TEST_F(MaskFile, ThatDoesNotFitIsRefused) {
  const Model model = open("model");
  const auto refuses = [&](const std::string& name, const std::string& shape, std::size_t size, char value) {
    const std::string header = R"({")" + name + R"(":{"dtype":"BOOL","shape":)" + shape + R"(,"data_offsets":[0,)" +
                               std::to_string(size) + "]}}";
    std::string file(8, '\0');
    const std::uint64_t length = header.size();
    std::memcpy(file.data(), &length, sizeof length);
    write_text(directory_ / "wrong", file + header + std::string(size, value));
    return [&] { plan_pruning(model, by(path("wrong"))); };
  };
  EXPECT_THAT(refuses("h.0.attn.c_proj.weight", "[4,5]", 20, 1),
              ThrowsError(ErrorCode::kMismatch, path("wrong"), "h.0.attn.c_proj.weight", {"[4, 4]", "[4, 5]"}));
  EXPECT_THAT(refuses("h.7.attn.c_proj.weight", "[4,4]", 16, 1),
              ThrowsError(ErrorCode::kMismatch, path("wrong"), "h.7.attn.c_proj.weight", {"not a parameter"}));
  EXPECT_THAT(refuses("h.0.attn.c_proj.weight", "[4,4]", 16, 2),
              ThrowsError(ErrorCode::kMalformed, path("wrong"), "h.0.attn.c_proj.weight", {"element 0"}));
  write_text(directory_ / "wrong", "no mask");
  EXPECT_THROW(plan_pruning(model, by(path("wrong"))), Error);
  PruneOptions both = by(path("wrong"));
  both.levels = at("50").levels;
  EXPECT_THAT([&] { plan_pruning(model, both); }, ThrowsError(ErrorCode::kArgument));
  EXPECT_THAT([&] { plan_pruning(model, by("")); }, ThrowsError(ErrorCode::kArgument));
}

TEST_F(MaskFile, IsNotReplacedWithoutForce) {
  const Model model = open("model");
  const PrunePlan plan = plan_pruning(model, at("50"));
  write_text(directory_ / "mask", "mine");
  EXPECT_THAT([&] { write_mask(model, plan, 0, path("mask")); }, ThrowsError(ErrorCode::kExists, path("mask")));
  EXPECT_EQ(read_text(path("mask")), "mine");
  write_mask(model, plan, 0, path("mask"), true);
  EXPECT_NE(read_text(path("mask")), "mine");
}

TEST_F(MaskFile, ComparedWithAnother) {
  const Model model = open("model");
  const PrunePlan half = plan_pruning(model, at("50")), most = plan_pruning(model, at("90"));
  write_mask(model, half, 0, path("half"));
  write_pruned(model, most, directory_ / "most");
  const MaskComparison comparison = compare_masks(path("half"), path("most"));
  // Of one criterion, the higher level keeps a part of what the lower keeps.
  const MaskAgreement& overall = comparison.overall;
  EXPECT_EQ(overall.elements, half.candidates);
  EXPECT_EQ(overall.kept_first, half.candidates - half.levels[0].pruned);
  EXPECT_EQ(overall.kept_second, most.candidates - most.levels[0].pruned);
  EXPECT_EQ(overall.kept_both, overall.kept_second);
  EXPECT_EQ(overall.only_second(), 0U);
  EXPECT_DOUBLE_EQ(overall.jaccard(),
                   static_cast<double>(overall.kept_second) / static_cast<double>(overall.kept_first));
  ASSERT_EQ(comparison.layers.size(), 2U);
  EXPECT_EQ(comparison.layers[0].name, "h.0");
  EXPECT_EQ(comparison.layers[0].kept_first + comparison.layers[1].kept_first, overall.kept_first);
  for (std::size_t i = 0; i < comparison.tensors.size(); ++i)
    EXPECT_EQ(comparison.tensors[i].kept_first, comparison.tensors[i].elements - half.levels[0].cuts[i].pruned);
  EXPECT_EQ(compare_masks(path("half"), path("half")).overall.jaccard(), 1);
}

TEST_F(MaskFile, ComparisonNamesWhatOnlyOneHas) {
  const Model model = open("model");
  PruneOptions options = at("50");
  options.include = {"h.0.mlp.*.weight"};
  write_mask(model, plan_pruning(model, options), 0, path("a"));
  options.include = {"h.0.mlp.c_fc.weight", "h.1.mlp.c_fc.weight"};
  write_mask(model, plan_pruning(model, options), 0, path("b"));
  const MaskComparison comparison = compare_masks(path("a"), path("b"));
  EXPECT_THAT(comparison.only_first, ElementsAre("h.0.mlp.c_proj.weight"));
  EXPECT_THAT(comparison.only_second, ElementsAre("h.1.mlp.c_fc.weight"));
  EXPECT_EQ(comparison.tensors.size(), 1U);
  options.include = {"h.1.attn.c_attn.weight"};
  write_mask(model, plan_pruning(model, options), 0, path("c"));
  EXPECT_THAT([&] { compare_masks(path("a"), path("c")); }, ThrowsError(ErrorCode::kMismatch, path("c")));
}

TEST_F(MaskFile, IsRecordedInTheManifest) {
  const Model model = open("model");
  write_mask(model, plan_pruning(model, at("50")), 0, path("mask.safetensors"));
  write_pruned(model, plan_pruning(model, by(path("mask.safetensors"))), directory_ / "out");
  const std::string manifest = read_text(directory_ / "out" / "pare.json");
  EXPECT_NE(manifest.find(R"("criterion": "mask")"), std::string::npos);
  EXPECT_NE(manifest.find(R"("file": "mask.safetensors")"), std::string::npos);
}

}  // namespace
}  // namespace pare::test
