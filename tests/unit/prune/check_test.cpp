// Checks of sparse models. The reference is a plain loop over each matrix, as it multiplies.
#include "pare/check.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "support/encoded.h"
#include "support/errors.h"
#include "unit/model/model_files.h"

namespace pare::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Parameter linear(const std::string& name, std::size_t tensor, Orientation orientation) {
  Parameter parameter;
  parameter.name = name;
  parameter.tensor = tensor;
  parameter.orientation = orientation;
  parameter.prunable = orientation != Orientation::kNone;
  return parameter;
}

OwnedTensor matrix(const std::string& name, std::uint64_t rows, std::uint64_t columns, std::vector<float> values) {
  std::vector<std::byte> bytes(values.size() * sizeof(float));
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return OwnedTensor(DType::kF32, {rows, columns}, std::move(bytes), name);
}

/// A model of linears [out, in], or stored as [in, out].
Model model_of(const std::vector<TensorView>& views, Orientation orientation) {
  CheckpointFile file;
  file.output_name = "model.safetensors";
  for (std::size_t i = 0; i < views.size(); ++i) file.tensors.push_back(i);
  Model model{"m", "m", "M", "", Checkpoint::from_tensors(views, {file}, "/nowhere", nullptr), {}, {}, {}, {}, {}, {}};
  for (std::size_t i = 0; i < views.size(); ++i) model.parameters.push_back(linear(views[i].name, i, orientation));
  return model;
}

/// Weights of which a share is zero.
std::vector<float> drawn(std::size_t n, double zeros, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> share;
  std::vector<float> values(n);
  for (float& value : values) value = share(random) < zeros ? 0.0F : static_cast<float>(share(random) + 0.1);
  return values;
}

/// Groups along the inputs for which N:M holds, and all of them. `at(output, input)`.
template <class At>
PatternShare plain_share(const Pattern& pattern, std::size_t outputs, std::size_t inputs, const At& at) {
  PatternShare share{pattern, 0, 0};
  for (std::size_t o = 0; o < outputs; ++o)
    for (std::size_t begin = 0; begin < inputs; begin += pattern.m) {
      const std::size_t size = std::min<std::size_t>(pattern.m, inputs - begin);
      std::size_t nonzeros = 0;
      for (std::size_t i = begin; i < begin + size; ++i) nonzeros += at(o, i) != 0 ? 1 : 0;
      ++share.groups;
      share.complying += nonzeros <= (pattern.n * size + pattern.m - 1) / pattern.m ? 1 : 0;
    }
  return share;
}

class CheckedShapes : public testing::TestWithParam<std::tuple<std::size_t, std::size_t, Orientation, double>> {};

TEST_P(CheckedShapes, CountGroupsAsALoopDoes) {
  const auto [rows, columns, orientation, zeros] = GetParam();
  const std::vector<float> values = drawn(rows * columns, zeros, 7);
  const OwnedTensor tensor = matrix("w", rows, columns, values);
  const bool out_in = orientation == Orientation::kOutIn;
  const std::size_t outputs = out_in ? rows : columns, inputs = out_in ? columns : rows, stride = columns;
  const auto at = [&](std::size_t o, std::size_t i) { return values[out_in ? o * stride + i : i * stride + o]; };
  const auto turned = [&](std::size_t i, std::size_t o) { return at(o, i); };
  for (const unsigned threads : {1U, 3U}) {
    const ModelCheck check = check_model(model_of({tensor.view()}, orientation), {}, Context(threads));
    ASSERT_TRUE(check.tensors[0].matrix);
    const MatrixCheck& found = *check.tensors[0].matrix;
    EXPECT_EQ(found.outputs, outputs);
    EXPECT_EQ(found.inputs, inputs);
    std::uint64_t dead_outputs = 0, dead_inputs = 0;
    for (std::size_t o = 0; o < outputs; ++o) {
      bool any = false;
      for (std::size_t i = 0; i < inputs; ++i) any |= at(o, i) != 0;
      dead_outputs += any ? 0 : 1;
    }
    for (std::size_t i = 0; i < inputs; ++i) {
      bool any = false;
      for (std::size_t o = 0; o < outputs; ++o) any |= at(o, i) != 0;
      dead_inputs += any ? 0 : 1;
    }
    EXPECT_EQ(found.dead_outputs, dead_outputs);
    EXPECT_EQ(found.dead_inputs, dead_inputs);
    ASSERT_FALSE(found.along_inputs.empty());
    for (std::size_t k = 0; k < found.along_inputs.size(); ++k) {
      const PatternShare expected = plain_share(found.along_inputs[k].pattern, outputs, inputs, at),
                         across = plain_share(found.along_outputs[k].pattern, inputs, outputs, turned);
      EXPECT_EQ(found.along_inputs[k].groups, expected.groups) << expected.pattern.text();
      EXPECT_EQ(found.along_inputs[k].complying, expected.complying) << expected.pattern.text();
      EXPECT_EQ(found.along_outputs[k].groups, across.groups) << across.pattern.text();
      EXPECT_EQ(found.along_outputs[k].complying, across.complying) << across.pattern.text();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, CheckedShapes,
                         testing::Combine(testing::Values(1, 33, 64), testing::Values(1, 30, 257),
                                          testing::Values(Orientation::kOutIn, Orientation::kInOut),
                                          testing::Values(0.0, 0.5, 0.97)));

/// The patterns that pare itself makes hold along the inputs of either orientation.
TEST(Check, FindsThePatternAlongTheInputs) {
  for (const Orientation orientation : {Orientation::kOutIn, Orientation::kInOut}) {
    const OwnedTensor tensor = matrix("w", 64, 96, drawn(64 * 96, 0, 1));
    const Model model = model_of({tensor.view()}, orientation);
    for (const char* text : {"2:4", "1:4", "8:16"}) {
      PruneOptions options;
      options.pattern = Pattern::parse(text);
      const ModelCheck check = check_model(pruned_model(model, plan_pruning(model, options), 0));
      ASSERT_TRUE(check.tensors[0].matrix->pattern());
      EXPECT_EQ(check.tensors[0].matrix->pattern()->text(), text);
      EXPECT_THAT(check.findings, IsEmpty());
    }
    EXPECT_EQ(check_model(model).tensors[0].matrix->pattern(), std::nullopt);
  }
}

TEST(Check, TellsThatAPatternHoldsAlongTheWrongAxis) {
  const OwnedTensor tensor = matrix("w", 64, 96, drawn(64 * 96, 0, 1));
  PruneOptions options;
  options.pattern = Pattern::parse("2:4");
  const Model as_linear = model_of({tensor.view()}, Orientation::kOutIn);
  Model wrong = pruned_model(as_linear, plan_pruning(as_linear, options), 0);
  wrong.parameters[0].orientation = Orientation::kInOut;
  const ModelCheck check = check_model(wrong);
  ASSERT_EQ(check.findings.size(), 1U);
  EXPECT_EQ(check.findings[0].kind, FindingKind::kWrongAxis);
  EXPECT_NE(check.findings[0].text.find("2:4"), std::string::npos);
}

TEST(Check, TellsThatAPatternIsBrokenInPlaces) {
  const OwnedTensor tensor = matrix("w", 64, 96, drawn(64 * 96, 0, 1));
  const Model model = model_of({tensor.view()}, Orientation::kOutIn);
  PruneOptions options;
  options.pattern = Pattern::parse("2:4");
  const Model pruned = pruned_model(model, plan_pruning(model, options), 0);
  std::vector<float> values(64 * 96);
  std::memcpy(values.data(), pruned.tensor(pruned.parameters[0]).bytes.data(), values.size() * sizeof(float));
  for (std::size_t i = 0; i < 40; ++i) values[i] = 1;  // 10 groups of 1,536
  const OwnedTensor grown = matrix("w", 64, 96, values);
  const ModelCheck check = check_model(model_of({grown.view()}, Orientation::kOutIn));
  ASSERT_EQ(check.findings.size(), 1U);
  EXPECT_EQ(check.findings[0].kind, FindingKind::kAlmostPattern);
  EXPECT_THAT(check.findings[0].tensors, ElementsAre("w"));
  // Half of the weights drawn at random is no pattern that was meant, and neither is 99 %.
  for (const double zeros : {0.5, 0.99}) {
    const OwnedTensor random = matrix("w", 64, 96, drawn(64 * 96, zeros, 3));
    for (const Finding& finding : check_model(model_of({random.view()}, Orientation::kOutIn)).findings)
      EXPECT_NE(finding.kind, FindingKind::kAlmostPattern) << zeros;
  }
}

TEST(Check, CountsValuesThatDoHarm) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const OwnedTensor tensor = matrix("w", 2, 4, {1, -0.0F, 0, NAN, kInfinity, -kInfinity, 2, -0.0F});
  const ModelCheck check = check_model(model_of({tensor.view()}, Orientation::kNone));
  EXPECT_EQ(check.tensors[0].zeros, 3U);
  EXPECT_EQ(check.tensors[0].negative_zeros, 2U);
  EXPECT_EQ(check.tensors[0].nans, 1U);
  EXPECT_EQ(check.tensors[0].infinities, 2U);
  EXPECT_FALSE(check.tensors[0].matrix);
  ASSERT_EQ(check.findings.size(), 2U);
  EXPECT_EQ(check.findings[0].kind, FindingKind::kNegativeZeros);
  EXPECT_EQ(check.findings[1].kind, FindingKind::kNotFinite);
}

TEST(Check, OfEveryDTypeAndOfEncodedTensors) {
  const OwnedTensor half = from_patterns<std::uint16_t>(DType::kBF16, {0x8000, 0x7F80, 0x7FC0, 0, 0x3F80}, "h");
  const OwnedTensor byte = from_patterns<std::uint8_t>(DType::kF8E4M3, {0x80, 0x7F, 0x7E, 0, 1}, "b");  // 0x7F is NaN
  const OwnedTensor wide = from_doubles({0, -0.0, INFINITY, NAN, 1}, "d");
  const OwnedTensor large = matrix("e", 64, 96, drawn(64 * 96, 0.5, 9));
  const OwnedTensor plain = matrix("f", 64, 96, drawn(64 * 96, 0.5, 9));
  const ModelCheck check = check_model(
      model_of({half.view(), byte.view(), wide.view(), encoded(large, 256), plain.view()}, Orientation::kOutIn));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(check.tensors[i].zeros, 2U) << i;
    EXPECT_EQ(check.tensors[i].negative_zeros, 1U) << i;
    EXPECT_EQ(check.tensors[i].nans, 1U) << i;
    EXPECT_EQ(check.tensors[i].infinities, i == 1 ? 0U : 1U) << i;
  }
  EXPECT_EQ(check.tensors[3].zeros, check.tensors[4].zeros);
  EXPECT_EQ(check.tensors[3].matrix->along_inputs[1].complying, check.tensors[4].matrix->along_inputs[1].complying);
}

TEST(Check, TakesEachExpertByItself) {
  std::vector<float> values = drawn(2 * 3 * 8, 0, 5);
  std::fill_n(values.begin(), 8, 0.0F);                        // the first output of the first expert
  for (std::size_t o = 0; o < 3; ++o) values[24 + o * 8] = 0;  // the first input of the second
  OwnedTensor tensor = matrix("w", 6, 8, values);
  TensorView view = tensor.view();
  view.shape = {2, 3, 8};
  const MatrixCheck found = *check_model(model_of({view}, Orientation::kOutIn)).tensors[0].matrix;
  EXPECT_EQ(found.outputs, 6U);
  EXPECT_EQ(found.inputs, 16U);
  EXPECT_EQ(found.dead_outputs, 1U);
  EXPECT_EQ(found.dead_inputs, 1U);
  EXPECT_EQ(found.along_outputs[1].groups, 16U);  // groups of 4 do not cross from one expert to the next
}

class CheckedFiles : public testing::Test {
 protected:
  /// Kinds of what is found.
  std::vector<std::string> kinds(const PruneOptions& options = {}) const {
    std::vector<std::string> found;
    for (const Finding& finding : check_model(open_model((directory_ / "m").string()), options).findings)
      found.emplace_back(finding_name(finding.kind));
    return found;
  }
  void write(const std::vector<Stored>& more, const std::string& config) const {
    std::vector<Stored> stored = tiny_gpt2();
    stored.insert(stored.end(), more.begin(), more.end());
    write_model(directory_ / "m", stored, config);
  }
  TemporaryDirectory directory_;
};

TEST_F(CheckedFiles, TellsOfLeftoverMasks) {
  write({{"h.0.mlp.c_fc.weight_mask", {4, 16}, 1}}, R"({"model_type": "gpt2"})");
  EXPECT_THAT(kinds(), ElementsAre("leftover-mask"));
  write({}, R"({"model_type": "gpt2"})");
  EXPECT_THAT(kinds(), IsEmpty());
}

TEST_F(CheckedFiles, ComparesTheConfiguration) {
  write({}, R"({"model_type": "gpt2", "quantization_config": {"quant_method": "gptq", "bits": 4}})");
  EXPECT_THAT(kinds(), ElementsAre("config"));
  write({}, R"({"model_type": "gpt2", "quantization_config": {"quant_method": "compressed-tensors", "config_groups": {},
                "sparsity_config": {"format": "dense", "global_sparsity": 0.5, "sparsity_structure": "2:4"}}})");
  EXPECT_THAT(kinds(), ElementsAre("config", "config"));  // neither 2:4 nor half zeros
  PruneOptions layer;
  layer.include = {"h.0.*.weight"};
  EXPECT_THAT(kinds(layer), ElementsAre("config"));
  write({}, R"({"model_type": "gpt2", "sparsity_config": {"global_sparsity": 0, "sparsity_structure": "2:4",
                "ignore": ["c_attn", "c_proj", "c_fc"]}})");
  EXPECT_THAT(kinds(), IsEmpty());
  write(
      {},
      R"({"model_type": "gpt2", "sparsity_config": {"global_sparsity": "half", "sparsity_structure": [], "ignore": 3}})");
  EXPECT_THAT(kinds(), IsEmpty());
}

TEST_F(CheckedFiles, ComparesTheRecordOfPruning) {
  write({}, R"({"model_type": "gpt2"})");
  const Model model = open_model((directory_ / "m").string());
  PruneOptions options;
  options.pattern = Pattern::parse("2:4");
  write_pruned(model, plan_pruning(model, options), directory_ / "out");
  for (const Finding& finding : check_model(open_model((directory_ / "out").string())).findings)
    EXPECT_NE(finding.kind, FindingKind::kRecord);  // of equal weights, whole inputs are pruned, which is found
  std::filesystem::copy_file(directory_ / "m" / "model.safetensors", directory_ / "out" / "model.safetensors",
                             std::filesystem::copy_options::overwrite_existing);
  const ModelCheck check = check_model(open_model((directory_ / "out").string()));
  ASSERT_EQ(check.findings.size(), 2U);  // the number of zeros, and the pattern
  EXPECT_EQ(check.findings[0].kind, FindingKind::kRecord);
  EXPECT_EQ(check.findings[0].tensors.size(), 8U);
}

}  // namespace
}  // namespace pare::test
