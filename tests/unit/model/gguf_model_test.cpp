// GGUF files as models of transformers: names, values, config.json and tokenizer. tests/parity/ggufs.py compares with
// transformers itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "pare/error.h"
#include "pare/model.h"
#include "support/files.h"
#include "support/gguf.h"

namespace pare {
namespace {

using nlohmann::json;
using test::GgufBuilder;
using testing::ElementsAre;
using testing::HasSubstr;

std::string numbers(const std::vector<float>& values) {
  std::string bytes;
  for (const float value : values) bytes += GgufBuilder::number(value);
  return bytes;
}

std::string counting(std::size_t n) {
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<float>(i);
  return numbers(values);
}

std::vector<float> floats_of(const Model& model, const std::string& name) {
  const TensorView* tensor = model.checkpoint.find(name);
  if (tensor == nullptr) return {};
  std::vector<float> values(tensor->elements());
  tensor->bytes.read(0, std::as_writable_bytes(std::span(values)));
  return values;
}

class GgufModels : public testing::Test {
 protected:
  Model open(const GgufBuilder& builder) {
    test::write_text(room_ / "m.gguf", builder.file());
    return open_model((room_ / "m.gguf").string());
  }
  std::string error(const GgufBuilder& builder) {
    return test::error_of([&] { open(builder); });
  }
  static GgufBuilder of(const std::string& architecture, std::uint32_t heads) {
    GgufBuilder builder;
    builder.add("general.architecture", architecture);
    builder.add(architecture + ".attention.head_count", heads);
    builder.add(architecture + ".attention.head_count_kv", std::uint32_t{1});
    builder.add(architecture + ".rope.freq_base", 5000.0F);
    return builder;
  }

  test::TemporaryDirectory room_;
};

TEST_F(GgufModels, RowsOfLlamasHeadsAreInOrder) {
  GgufBuilder builder = of("llama", 2);
  builder.tensor("blk.0.attn_q.weight", 0, {1, 8}, counting(8));
  builder.tensor("blk.0.attn_k.weight", 0, {2, 4}, counting(8));
  builder.tensor("blk.0.attn_v.weight", 0, {1, 4}, counting(4));
  builder.tensor("rope_freqs.weight", 0, {2}, counting(2));
  const Model model = open(builder);
  EXPECT_EQ(model.architecture, "LlamaForCausalLM");
  EXPECT_THAT(floats_of(model, "model.layers.0.self_attn.q_proj.weight"), ElementsAre(0, 2, 1, 3, 4, 6, 5, 7));
  EXPECT_THAT(floats_of(model, "model.layers.0.self_attn.k_proj.weight"), ElementsAre(0, 1, 4, 5, 2, 3, 6, 7));
  EXPECT_THAT(floats_of(model, "model.layers.0.self_attn.v_proj.weight"), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(model.checkpoint.tensors().size(), 3U);
  EXPECT_THAT(model.notes, testing::Contains(HasSubstr("left out 1 of the file's tensors")));
  const json config = json::parse(model.config);
  EXPECT_EQ(config["num_attention_heads"], 2);
  EXPECT_EQ(config["rope_theta"], 5000.0);
  EXPECT_EQ(config["tie_word_embeddings"], true);
  EXPECT_EQ(config["dtype"], "float32");
  GgufBuilder odd = of("llama", 3);
  odd.tensor("blk.0.attn_q.weight", 0, {1, 8}, counting(8));
  EXPECT_THAT(error(odd), HasSubstr("has 8 rows (expected a multiple of twice the 3 heads)"));
}

TEST_F(GgufModels, GemmasNormsHaveNoOffset) {
  GgufBuilder builder = of("gemma2", 1);
  builder.tensor("output_norm.weight", 0, {2}, numbers({1.5F, 0.25F}));
  builder.tensor("blk.0.post_ffw_norm.weight", 0, {2}, numbers({0.0F, 1.0F}));
  const Model model = open(builder);
  EXPECT_THAT(floats_of(model, "model.norm.weight"), ElementsAre(0.5F, -0.75F));
  EXPECT_THAT(floats_of(model, "model.layers.0.post_feedforward_layernorm.weight"), ElementsAre(-1.0F, 0.0F));
}

TEST_F(GgufModels, Gpt2sMatricesAreTransposed) {
  GgufBuilder builder = of("gpt2", 1);
  builder.tensor("blk.0.ffn_up.weight", 0, {17, 3}, counting(51));
  builder.tensor("blk.0.ffn_up.bias", 0, {3}, counting(3));
  const Model model = open(builder);
  const std::vector<float> turned = floats_of(model, "transformer.h.0.mlp.c_fc.weight");
  ASSERT_EQ(turned.size(), 51U);
  for (std::size_t i = 0; i < 51; ++i) EXPECT_EQ(turned[i], static_cast<float>(i % 3 * 17 + i / 3));
  EXPECT_EQ(model.checkpoint.find("transformer.h.0.mlp.c_fc.weight")->shape, (std::vector<std::uint64_t>{17, 3}));
  EXPECT_THAT(floats_of(model, "transformer.h.0.mlp.c_fc.bias"), ElementsAre(0, 1, 2));
}

TEST_F(GgufModels, QuantizedMatricesAreTransposedWholeAndInPart) {
  constexpr std::size_t kRows = 37, kColumns = 64;  // of the file
  const auto value = [](std::size_t row, std::size_t column) {
    return static_cast<int>(row * 5 + column * 3) % 200 - 100;
  };
  std::string blocks;
  for (std::size_t row = 0; row < kRows; ++row)
    for (std::size_t column = 0; column < kColumns; ++column) {
      if (column % 32 == 0) blocks += std::string("\x00\x3c", 2);  // Q8_0 with a scale of 1
      blocks += static_cast<char>(value(row, column));
    }
  GgufBuilder builder = of("gpt2", 1);
  builder.tensor("blk.0.ffn_up.weight", 8, {kColumns, kRows}, blocks);
  const Model model = open(builder);
  const std::string name = "transformer.h.0.mlp.c_fc.weight";
  const std::vector<float> whole = floats_of(model, name);
  ASSERT_EQ(whole.size(), kRows * kColumns);
  for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_EQ(whole[i], static_cast<float>(value(i % kRows, i / kRows)));
  for (const std::size_t begin : {1UL, 16 * kRows - 3, 40 * kRows + 5}) {
    std::vector<float> part(18 * kRows);
    model.checkpoint.find(name)->bytes.read(begin * sizeof(float), std::as_writable_bytes(std::span(part)));
    EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(begin)));
  }
}

TEST_F(GgufModels, UnknownArchitecturesKeepTheirNames) {
  GgufBuilder builder;
  builder.add("general.architecture", std::string("mystery"));
  builder.tensor("blk.0.attn_q.weight", 8, {32, 1}, std::string(34, '\0'));
  const Model model = open(builder);
  EXPECT_NE(model.checkpoint.find("blk.0.attn_q.weight"), nullptr);
  EXPECT_THAT(model.notes, testing::Contains("tensors keep the file's names, because the architecture 'mystery' is "
                                             "unknown"));
  EXPECT_THAT(model.notes, testing::Contains("weights are quantized, and shown as their dequantized values: Q8_0 (1 "
                                             "tensor)"));
}

TEST_F(GgufModels, MergesFollowFromScores) {
  GgufBuilder builder = of("llama", 1);
  builder.add("tokenizer.ggml.model", std::string("llama"));
  builder.add("tokenizer.ggml.tokens", std::vector<std::string>{"<unk>", "▁", "a", "b", "▁a", "ab", "▁ab"});
  builder.add("tokenizer.ggml.scores", std::vector<float>{0, -5, -6, -7, -1, -2, -3});
  builder.add("tokenizer.ggml.token_type", std::vector<std::int32_t>{2, 1, 1, 1, 1, 1, 1});
  builder.tensor("output_norm.weight", 0, {1}, counting(1));
  const Model model = open(builder);
  ASSERT_EQ(model.side_texts.size(), 2U);
  const json tokenizer = json::parse(model.side_texts[0].second);
  EXPECT_EQ(tokenizer["model"]["merges"], json::parse(R"([["▁","a"],["a","b"],["▁a","b"],["▁","ab"]])"));
  builder.add("tokenizer.ggml.bos_token_id", std::uint32_t{7});
  EXPECT_THAT(error(builder), HasSubstr("'tokenizer.ggml.bos_token_id' is 7 (expected less than the 7 tokens)"));
}

TEST_F(GgufModels, DamagedTokenizersAreRefused) {
  GgufBuilder builder = of("llama", 1);
  builder.add("tokenizer.ggml.model", std::string("gpt2"));
  builder.add("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b"});
  GgufBuilder types = builder, merges = builder;
  types.add("tokenizer.ggml.token_type", std::vector<std::int32_t>{1});
  EXPECT_THAT(error(types), HasSubstr("'tokenizer.ggml.token_type' has 1 elements (expected 2, one for each token)"));
  merges.add("tokenizer.ggml.merges", std::vector<std::string>{"a b", "ab"});
  EXPECT_THAT(error(merges), HasSubstr("'tokenizer.ggml.merges' has a merge 1 that is not a pair"));
}

}  // namespace
}  // namespace pare
