// Pruned checkpoints on disk, read back.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "pare/prune.h"
#include "support/errors.h"
#include "support/tensors.h"

namespace pare {
namespace {

namespace fs = std::filesystem;
using test::OwnedTensor;

class WritePruned : public testing::Test {
 protected:
  WritePruned() {
    root_ = fs::path(testing::TempDir()) /
            ("pare-write-" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  ~WritePruned() override { fs::remove_all(root_); }

  Model model() const {
    std::vector<TensorView> views{weight_.view(), bias_.view(), odd_.view()};
    CheckpointFile file;
    file.output_name = "model.safetensors";
    file.tensors = {0, 1, 2};
    Model model{"small", "small", "Small", "", Checkpoint::from_tensors(views, {file}, ".", nullptr), {}, {},
                {},      {},      {},      {}};
    model.config = "{\"model_type\": \"small\"}\n";
    for (std::size_t i = 0; i < 2; ++i) {
      Parameter parameter;
      parameter.name = views[i].name;
      parameter.tensor = i;
      parameter.prunable = i == 0;
      model.parameters.push_back(parameter);
    }
    return model;
  }

  PrunePlan plan(std::initializer_list<const char*> levels) const {
    PruneOptions options;
    for (const char* level : levels) options.levels.push_back(Amount::percent(level));
    return plan_pruning(model(), options);
  }

  fs::path out() const { return root_ / "out"; }

  OwnedTensor weight_ = test::random_tensor(DType::kF32, 300000, 1, false, "h.0.weight");
  OwnedTensor bias_ = test::random_tensor(DType::kBF16, 77, 2, true, "h.0.bias");
  OwnedTensor odd_ = test::from_patterns<std::uint8_t>(DType::kBool, {1, 0, 1}, "mask");
  fs::path root_;
};

std::uint64_t count_zeros(const TensorView& tensor) {
  const std::vector<double> values = test::values_of(tensor);
  return static_cast<std::uint64_t>(std::count(values.begin(), values.end(), 0.0));
}

TEST_F(WritePruned, WritesADirectoryPerLevelThatReadsBack) {
  write_pruned(model(), plan({"50", "90"}), out());
  for (const auto& [name, zeros] : {std::pair{"sparsity-50", 150000U}, std::pair{"sparsity-90", 270000U}}) {
    const Checkpoint pruned = Checkpoint::open((out() / name).string());
    EXPECT_EQ(count_zeros(*pruned.find("h.0.weight")), zeros);
    const TensorView* bias = pruned.find("h.0.bias");
    EXPECT_TRUE(
        std::equal(bias->bytes.begin(), bias->bytes.end(), bias_.view().bytes.begin(), bias_.view().bytes.end()));
    EXPECT_EQ(pruned.find("mask")->dtype, DType::kBool);
    EXPECT_TRUE(fs::exists(out() / name / "config.json"));
    std::ifstream manifest(out() / name / "pare.json");
    const auto json = nlohmann::json::parse(manifest);
    EXPECT_EQ(json["level"]["zeros"], zeros);
    EXPECT_EQ(json["tensors"][0]["name"], "h.0.weight");
    EXPECT_EQ(json["source"][0]["xxh3_128"].get<std::string>().size(), 32U);
  }
}

TEST_F(WritePruned, OneLevelIsTheDirectoryItself) {
  write_pruned(model(), plan({"90"}), out());
  EXPECT_TRUE(fs::exists(out() / "model.safetensors"));
}

TEST_F(WritePruned, TheSameBytesForAnyNumberOfThreads) {
  write_pruned(model(), plan({"37"}), root_ / "one", {}, Context(1));
  write_pruned(model(), plan({"37"}), root_ / "three", {}, Context(3));
  std::ifstream a(root_ / "one" / "model.safetensors", std::ios::binary),
      b(root_ / "three" / "model.safetensors", std::ios::binary);
  const std::string left((std::istreambuf_iterator<char>(a)), {}), right((std::istreambuf_iterator<char>(b)), {});
  EXPECT_FALSE(left.empty());
  EXPECT_EQ(left, right);
}

TEST_F(WritePruned, RefusesWhatIsThereUnlessForced) {
  write_pruned(model(), plan({"90"}), out());
  EXPECT_THAT([&] { write_pruned(model(), plan({"90"}), out()); }, test::ThrowsError(ErrorCode::kExists, out()));
  WriteOptions force;
  force.force = true;
  write_pruned(model(), plan({"10"}), out(), force);
  EXPECT_EQ(count_zeros(*Checkpoint::open(out().string()).find("h.0.weight")), 30000U);
}

TEST_F(WritePruned, NeverReplacesWhatPareDidNotWrite) {
  fs::create_directories(out());
  std::ofstream(out() / "precious") << "data";
  WriteOptions force;
  force.force = true;
  EXPECT_THAT([&] { write_pruned(model(), plan({"90"}), out(), force); }, test::ThrowsError(ErrorCode::kExists, out()));
  EXPECT_TRUE(fs::exists(out() / "precious"));
}

TEST_F(WritePruned, LeavesNothingBehindWhenItFails) {
  Model broken = model();
  broken.side_files.emplace_back(root_ / "no-such-file", "vocab.json");
  EXPECT_THAT([&] { write_pruned(broken, plan({"90"}), out()); },
              test::ThrowsError(ErrorCode::kNotFound, root_ / "no-such-file"));
  EXPECT_TRUE(fs::is_empty(root_));
}

}  // namespace
}  // namespace pare
