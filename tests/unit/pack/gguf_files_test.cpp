// GGUF files that pare writes, read again. tests/parity/ggufs.py compares with the PyPI package gguf and llama.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "kernels/float_convert.h"
#include "kernels/quants/block_quants.h"
#include "pack/gguf_encode.h"
#include "pare/convert.h"
#include "pare/error.h"
#include "support/files.h"
#include "support/gguf.h"
#include "support/safetensors.h"
#include "support/tensors.h"

namespace pare {
namespace {

namespace fs = std::filesystem;
using test::GgufBuilder;
using testing::HasSubstr;

std::string random_values(std::size_t n, std::uint64_t seed) {
  return test::text_of(test::random_tensor(DType::kF32, n, seed, false).view().bytes);
}

GgufBuilder small_llama() {
  GgufBuilder builder;
  builder.add("general.architecture", std::string("llama"));
  for (const auto& [key, value] :
       {std::pair("context_length", 16U), std::pair("block_count", 1U), std::pair("feed_forward_length", 64U),
        std::pair("embedding_length", 32U), std::pair("rope.dimension_count", 8U),
        std::pair("attention.head_count", 4U), std::pair("attention.head_count_kv", 2U), std::pair("vocab_size", 5U)})
    builder.add(std::string("llama.") + key, value);
  builder.add("llama.attention.layer_norm_rms_epsilon", 1e-5F);
  builder.add("llama.rope.freq_base", 5000.0F);
  builder.add("tokenizer.ggml.model", std::string("gpt2"));
  builder.add("tokenizer.ggml.pre", std::string("smollm"));
  builder.add("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b", "c", "ab", "abc"});
  builder.add("tokenizer.ggml.merges", std::vector<std::string>{"a b", "ab c"});
  builder.tensor("token_embd.weight", 0, {32, 5}, random_values(160, 1));
  builder.tensor("output_norm.weight", 0, {32}, random_values(32, 2));
  std::uint64_t seed = 3;
  for (const char* norm : {"attn_norm", "ffn_norm"})
    builder.tensor(std::string("blk.0.") + norm + ".weight", 0, {32}, random_values(32, seed++));
  for (const auto& [name, in, out] :
       {std::tuple("attn_q", 32U, 32U), std::tuple("attn_k", 32U, 16U), std::tuple("attn_v", 32U, 16U),
        std::tuple("attn_output", 32U, 32U), std::tuple("ffn_gate", 32U, 64U), std::tuple("ffn_up", 32U, 64U),
        std::tuple("ffn_down", 64U, 32U)}) {
    builder.tensor(std::string("blk.0.") + name + ".weight", 0, {in, out}, random_values(in * out, seed++));
  }
  return builder;
}

class GgufFiles : public testing::Test {
 protected:
  GgufFiles() { test::write_text(room_ / "in.gguf", small_llama().file()); }
  Model open(const std::string& name) const { return open_model((room_ / name).string()); }
  test::TemporaryDirectory room_;
};

TEST_F(GgufFiles, GiveTheSameModelAgain) {
  const Model model = open("in.gguf");
  write_gguf(model, room_ / "out.gguf");
  const Model again = open("out.gguf");
  EXPECT_EQ(again.config, model.config);
  EXPECT_EQ(again.side_texts, model.side_texts);
  ASSERT_EQ(again.parameters.size(), model.parameters.size());
  for (std::size_t i = 0; i < model.parameters.size(); ++i) {
    EXPECT_EQ(again.parameters[i].name, model.parameters[i].name);
    EXPECT_TRUE(std::ranges::equal(again.tensor(again.parameters[i]).bytes, model.tensor(model.parameters[i]).bytes));
  }
  // As the file has them, through transformers' names and back.
  const Checkpoint in = Checkpoint::open((room_ / "in.gguf").string()),
                   out = Checkpoint::open((room_ / "out.gguf").string());
  for (const TensorView& tensor : in.tensors())
    EXPECT_TRUE(std::ranges::equal(tensor.bytes, out.find(tensor.name)->bytes)) << tensor.name;
}

TEST_F(GgufFiles, RoundMatricesAlone) {
  GgufOptions options;
  options.weights = GgufWeights::kQ8_0;
  write_gguf(open("in.gguf"), room_ / "out.gguf", options);
  const Checkpoint out = Checkpoint::open((room_ / "out.gguf").string());
  EXPECT_EQ(out.find("blk.0.attn_q.weight")->bytes.encoded()->stored_type(), "Q8_0");
  EXPECT_EQ(out.find("blk.0.attn_norm.weight")->bytes.encoded(), nullptr);
}

TEST_F(GgufFiles, BecomeDirectoriesAndFilesAgain) {
  const Model model = open("in.gguf");
  write_converted(model, room_ / "dense");
  EXPECT_EQ(test::names_in(room_ / "dense"), (std::set<std::string>{"config.json", "model.safetensors", "pare.json",
                                                                    "tokenizer.json", "tokenizer_config.json"}));
  const Model dense = open("dense");
  EXPECT_EQ(dense.architecture, "LlamaForCausalLM");
  write_gguf(dense, room_ / "again.gguf");
  const Checkpoint in = Checkpoint::open((room_ / "in.gguf").string());
  const Checkpoint out = Checkpoint::open((room_ / "again.gguf").string());
  for (const TensorView& tensor : in.tensors())
    EXPECT_TRUE(std::ranges::equal(tensor.bytes, out.find(tensor.name)->bytes)) << tensor.name;
}

TEST_F(GgufFiles, ReplaceOnlyWhatMayBeReplaced) {
  const Model model = open("in.gguf");
  test::write_text(room_ / "out.gguf", "old");
  EXPECT_THAT(test::error_of([&] { write_gguf(model, room_ / "out.gguf"); }), HasSubstr("already exists"));
  GgufOptions options;
  options.force = true;
  write_gguf(model, room_ / "out.gguf", options);
  EXPECT_EQ(open("out.gguf").parameters.size(), model.parameters.size());
  EXPECT_THAT(test::error_of([&] { write_gguf(model, room_ / "in.gguf", options); }),
              HasSubstr("is a file of the model that is read"));
}

TEST_F(GgufFiles, OtherModelsAreRefused) {
  Model model = open("in.gguf");
  model.model_type = "bert";
  EXPECT_THAT(test::error_of([&] { write_gguf(model, room_ / "out.gguf"); }), HasSubstr("has the model type 'bert'"));
  model = open("in.gguf");
  const std::string config = model.config.substr(0, model.config.rfind('}'));
  model.config = config + R"(, "rope_scaling": {"rope_type": "yarn"}})";
  EXPECT_THAT(test::error_of([&] { write_gguf(model, room_ / "out.gguf"); }),
              HasSubstr("scales rotary positions ('yarn'), which pare does not write to GGUF"));
  model.config = config + R"(, "hidden_act": "relu"})";
  EXPECT_THAT(test::error_of([&] { write_gguf(model, room_ / "out.gguf"); }), HasSubstr("has the activation 'relu'"));
  EXPECT_FALSE(fs::exists(room_ / "out.gguf"));
}

TEST(GgufEncode, HalvesAreExactAndRoundToEven) {
  for (std::uint32_t pattern = 0; pattern < 0x10000; ++pattern) {
    const auto half = static_cast<std::uint16_t>(pattern);
    float value;
    std::uint16_t back;
    kernels::to_f32(kernels::FloatType::kF16, reinterpret_cast<const std::byte*>(&half), 1, &value);
    pack::encode_gguf(GgufWeights::kF16, &value, 1, reinterpret_cast<std::byte*>(&back));
    EXPECT_TRUE(std::isnan(value) || back == half) << pattern;
    kernels::to_f32(kernels::FloatType::kBF16, reinterpret_cast<const std::byte*>(&half), 1, &value);
    pack::encode_gguf(GgufWeights::kBF16, &value, 1, reinterpret_cast<std::byte*>(&back));
    EXPECT_TRUE(std::isnan(value) || back == half) << pattern;
  }
  const std::pair<float, std::uint16_t> rounded[] = {
      {65519.0F, 0x7bff}, {65520.0F, 0x7c00},   {1.00048828125F, 0x3c00}, {1.00146484375F, 0x3c02},
      {0x1p-25F, 0x0000}, {0x1.8p-25F, 0x0001}, {-0x1p-24F, 0x8001}};
  for (const auto& [value, expected] : rounded) {
    std::uint16_t half;
    pack::encode_gguf(GgufWeights::kF16, &value, 1, reinterpret_cast<std::byte*>(&half));
    EXPECT_EQ(half, expected) << value;
  }
}

}  // namespace
}  // namespace pare
