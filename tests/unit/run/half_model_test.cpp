// Models of F16 and BF16 give the logits of the same models as F32, bit for bit, from the mapped weights.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "kernels/float_convert.h"
#include "linear/dense_product.h"
#include "pare/run.h"
#include "run/weights.h"
#include "support/files.h"
#include "support/safetensors.h"

namespace pare {
namespace {

using kernels::FloatType;

const std::string kDemo = PARE_SOURCE_DIR "/demo/models/";

/// The nearest BF16 below in size, or an F16 by dropping digits; `zeros` of 100 weights are 0.
std::uint16_t narrow(FloatType type, float value, std::size_t index, std::size_t zeros) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (index * 37 % 100 < zeros) return 0;
  if (type == FloatType::kBF16) return static_cast<std::uint16_t>(bits >> 16);
  const int exponent = static_cast<int>(bits >> 23 & 0xFF) - 127 + 15;
  if (exponent <= 0) return static_cast<std::uint16_t>(bits >> 16 & 0x8000);
  return static_cast<std::uint16_t>((bits >> 16 & 0x8000) | static_cast<unsigned>(exponent) << 10 |
                                    (bits >> 13 & 0x3FF));
}

/// Writes a demo model whose parameters have been narrowed, as `type` and widened to F32 again. With `odd`, tensors
/// begin at odd addresses.
class Copies {
 public:
  Copies(const std::string& name, FloatType type, std::size_t zeros = 0, bool odd = false) {
    const Model demo = open_model(kDemo + name);
    nlohmann::ordered_json header[2];
    std::string data[2];
    if (odd) data[0] = data[1] = "x";
    if (odd)
      for (auto& one : header) one["pad"] = {{"dtype", "U8"}, {"shape", {1}}, {"data_offsets", {0, 1}}};
    for (const Parameter& parameter : demo.parameters) {
      const TensorView& tensor = demo.tensor(parameter);
      std::vector<float> values(tensor.elements());
      std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
      std::vector<std::uint16_t> half(values.size());
      for (std::size_t i = 0; i < half.size(); ++i)
        half[i] = narrow(type, values[i], i, tensor.shape.size() == 2 ? zeros : 0);
      kernels::to_f32(type, reinterpret_cast<const std::byte*>(half.data()), half.size(), values.data());
      add(header[0], data[0], tensor, type == FloatType::kF16 ? "F16" : "BF16", half);
      add(header[1], data[1], tensor, "F32", values);
    }
    for (std::size_t i = 0; i < 2; ++i) {
      std::filesystem::copy(kDemo + name, path(i));
      std::string text = header[i].dump();
      text.resize((text.size() + 7) / 8 * 8, ' ');
      std::filesystem::remove(path(i) / "model.safetensors");
      test::write_text(path(i) / "model.safetensors", test::safetensors(text, data[i]));
    }
  }
  Model half() const { return open_model(path(0).string()); }
  Model full() const { return open_model(path(1).string()); }

 private:
  template <class T>
  static void add(nlohmann::ordered_json& header, std::string& data, const TensorView& tensor, const char* dtype,
                  const std::vector<T>& values) {
    const std::size_t begin = data.size(), bytes = values.size() * sizeof(T);
    data.append(reinterpret_cast<const char*>(values.data()), bytes);
    header[tensor.name] = {{"dtype", dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, begin + bytes}}};
  }
  std::filesystem::path path(std::size_t i) const { return directory_.path() / (i == 0 ? "half" : "full"); }

  test::TemporaryDirectory directory_;
};

decltype(Matrix::values) logits_of(const Model& model, const InferOptions& options, std::size_t tokens) {
  const Context context(2);
  const auto runner = open_runner(model, options, context);
  std::vector<TokenId> ids(tokens);
  for (std::size_t i = 0; i < tokens; ++i) ids[i] = static_cast<TokenId>(i * 7 % 100);
  const TokenBatch batch(ids);
  if (const auto* pair = dynamic_cast<const EncoderDecoderRunner*>(runner.get()))
    return pair->logits(pair->decode(batch, *pair->start(batch, context), context), context).values;
  return runner->logits(runner->hidden_states(batch, context), context).values;
}

using Case = std::tuple<const char*, FloatType>;
class HalfModel : public testing::TestWithParam<Case> {};

TEST_P(HalfModel, LogitsAreThoseOfF32) {
  const auto& [name, type] = GetParam();
  for (const std::size_t zeros : {0U, 60U}) {
    const Copies copies(name, type, zeros, zeros == 60);
    const Model half = copies.half(), full = copies.full();
    for (const KernelChoice kernels : {KernelChoice::kDense, KernelChoice::kSliced, KernelChoice::kMasked})
      for (const std::size_t tokens : {1U, 3U, 40U}) {
        const InferOptions how{kernels, standard_kernel_costs()};
        EXPECT_EQ(logits_of(half, how, tokens), logits_of(full, how, tokens))
            << tokens << " tokens, kernels " << static_cast<int>(kernels);
      }
  }
}

INSTANTIATE_TEST_SUITE_P(Demo, HalfModel,
                         testing::Combine(testing::Values("gpt2-world", "bert-world", "t5-world"),
                                          testing::Values(FloatType::kF16, FloatType::kBF16)));

TEST(HalfModel, LayersTellTheBytesThatProductsRead) {
  const Copies copies("gpt2-world", FloatType::kBF16, 60);
  const auto use_of = [](const Model& model, KernelChoice kernels) {
    const auto runner = open_runner(model, {kernels, standard_kernel_costs()}, Context(1));
    return runner->layers(1).front();
  };
  const LayerUse dense = use_of(copies.half(), KernelChoice::kDense);
  EXPECT_EQ(dense.dtype, DType::kBF16);
  EXPECT_EQ(dense.bytes, 2 * dense.in * dense.out);
  EXPECT_EQ(use_of(copies.full(), KernelChoice::kDense).bytes, 2 * dense.bytes);
  const LayerUse sliced = use_of(copies.half(), KernelChoice::kSliced);
  EXPECT_LT(sliced.nonzeros, sliced.in * sliced.out);
  EXPECT_EQ(sliced.bytes, 4 * sliced.nonzeros);
  const LayerUse masked = use_of(copies.half(), KernelChoice::kMasked);
  EXPECT_EQ(masked.bytes, 2 * masked.nonzeros + masked.in * masked.out / 8);
}

TEST(HalfModel, MappedWeightsAndTablesAreUsedWhereTheyAre) {
  const Copies copies("gpt2-world", FloatType::kBF16), odd("gpt2-world", FloatType::kBF16, 0, true);
  for (const auto& [model, mapped] : {std::pair{copies.half(), true}, {odd.half(), false}, {copies.full(), true}}) {
    run::Weights weights(model, {}, Context(1));
    const std::string name = weights.has("wte.weight") ? "wte.weight" : "transformer.wte.weight";
    const TensorView* tensor = nullptr;
    for (const Parameter& parameter : model.parameters)
      if (parameter.name == name) tensor = &model.tensor(parameter);
    ASSERT_NE(tensor, nullptr);
    const std::size_t rows = tensor->shape[0], columns = tensor->shape[1];
    const run::Table table = weights.table(name, rows, columns);
    EXPECT_EQ(table.view.data == tensor->bytes.data(), mapped);
    const float* values = weights.matrix(name, rows, columns);
    std::vector<float> row(columns);
    table.copy_row(rows - 1, row.data());
    EXPECT_EQ(row, std::vector<float>(values + (rows - 1) * columns, values + rows * columns));
    table.add_row(rows - 1, row.data());
    for (std::size_t i = 0; i < columns; ++i) EXPECT_EQ(row[i], 2 * values[(rows - 1) * columns + i]);
    Matrix x(1, columns);
    x.values[3] = 1;
    const Matrix head = apply(weights.tied_head("wte", table), x, Context(1));
    for (std::size_t i = 0; i < rows; ++i) EXPECT_EQ(head.values[i], values[i * columns + 3]);
  }
}

TEST(Observer, SeesEveryProductAndItsInputs) {
  const Model model = open_model(kDemo + "gpt2-world");
  std::vector<std::string> names;
  InferOptions options;
  options.observer = [&](const LayerUse& linear, const Matrix& inputs) {
    names.push_back(linear.name);
    EXPECT_EQ(inputs.rows, 6U);
    EXPECT_EQ(inputs.columns, linear.in);
  };
  const auto runner = open_runner(model, options, Context(2));
  const std::vector<TokenId> ids{1, 2, 3, 4, 5, 6};
  runner->logits(runner->hidden_states(TokenBatch(ids), Context(2)), Context(2));
  std::vector<std::string> expected;
  for (const LayerUse& linear : runner->layers(6)) expected.push_back(linear.name);
  EXPECT_EQ(names, expected);
}

TEST(RoundInputs, IsLabeledAndOffByDefault) {
  const Copies copies("gpt2-world", FloatType::kBF16);
  const Model model = copies.half();
  const auto rounds = [&](bool asked, std::size_t tokens) {
    InferOptions options;
    options.round_inputs = asked;
    const std::vector<LayerUse> layers = open_runner(model, options, Context(1))->layers(tokens);
    return std::all_of(layers.begin(), layers.end(),
                       [](const LayerUse& use) { return use.group == Group::kHead || use.rounds_inputs; });
  };
  EXPECT_FALSE(rounds(false, 64));
  EXPECT_FALSE(rounds(true, 4));
  EXPECT_EQ(rounds(true, 64), linear::can_multiply_rounded());
  InferOptions options;
  options.round_inputs = true;
  const auto exact = logits_of(model, {}, 40), rounded = logits_of(model, options, 40);
  for (std::size_t i = 0; i < exact.size(); ++i) ASSERT_NEAR(exact[i], rounded[i], 0.2);
}

}  // namespace
}  // namespace pare
