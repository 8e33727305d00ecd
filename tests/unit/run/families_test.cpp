// Configurations that make no sense, and tensors that do not fit them: one error that tells what was expected.
#include "run/families.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "pare/run.h"
#include "support/errors.h"
#include "unit/model/model_files.h"

namespace pare::run {
namespace {

using test::Stored;
using test::ThrowsError;

ModelSpec spec_of(const std::string& type, const std::string& settings) {
  return find_runnable(type)->spec(model::Config("{" + settings + "}", "config.json"));
}

struct Refused {
  const char *type, *settings;
  ErrorCode code;
  const char* part;  ///< of the message
};

TEST(Families, RefuseSettingsThatMakeNoSense) {
  const ErrorCode malformed = ErrorCode::kMalformed, mismatch = ErrorCode::kMismatch,
                  unsupported = ErrorCode::kUnsupported, limit = ErrorCode::kLimit;
  for (const Refused& one : std::initializer_list<Refused>{
           {"llama", R"("num_attention_heads": 9, "num_key_value_heads": 4, "head_dim": 8)", malformed,
            "not a multiple"},
           {"llama", R"("hidden_size": 30, "num_attention_heads": 4)", malformed, "not a multiple"},
           {"llama", R"("hidden_size": 0)", malformed, "'hidden_size' cannot be 0"},
           {"llama", R"("num_hidden_layers": 100000)", limit, "expected at most 10000, found 100000"},
           {"llama", R"("hidden_act": "mystery")", unsupported, "'mystery'"},
           {"llama", R"("rms_norm_eps": 2)", malformed, "'rms_norm_eps' cannot be 2"},
           {"llama", R"("rope_parameters": {"rope_type": "mystery"})", unsupported, "'mystery'"},
           {"llama", R"("rope_scaling": {"type": "linear"})", malformed, "'factor' is missing"},
           {"llama", R"("rope_scaling": {"type": "linear", "factor": 0})", malformed, "'factor' cannot be 0"},
           {"llama", R"("rope_scaling": {"type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4})",
            malformed, "'high_freq_factor' cannot be 4"},
           {"llama", R"("rope_scaling": {"type": "yarn", "factor": -1})", malformed, "'factor' cannot be -1"},
           {"llama", R"("rope_theta": -5)", malformed, "'rope_theta' cannot be -5"},
           {"llama", R"("rope_theta": 1e999)", malformed, "rope_theta"},
           {"llama", R"("partial_rotary_factor": 1.5)", malformed, "'partial_rotary_factor' cannot be 1.5"},
           {"phi3", R"("rope_scaling": {"type": "longrope", "short_factor": [1], "long_factor": [1]})", malformed,
            "'short_factor' has 1 numbers (expected 64)"},
           {"mistral", R"("sliding_window": 0)", malformed, "'sliding_window' cannot be 0"},
           {"gemma2", R"("layer_types": ["full_attention"])", mismatch, "'layer_types' has 1 entries (expected 32)"},
           {"gemma2", R"("query_pre_attn_scalar": -3)", malformed, "'query_pre_attn_scalar' cannot be -3"},
           {"gemma3_text", R"("use_bidirectional_attention": true)", unsupported, "use_bidirectional_attention"},
           {"smollm3", R"("no_rope_layers": [1, 0])", mismatch, "has 2 entries (expected 32)"},
           {"mixtral", R"("num_local_experts": 2, "num_experts_per_tok": 3)", malformed,
            "at most the number of experts, 2"},
           {"gpt_neox", R"("rotary_pct": 0)", malformed, "'partial_rotary_factor' cannot be 0"},
           {"bart", R"("d_model": 30)", malformed, "not a multiple"},
           {"modernbert", R"("hidden_activation": "")", unsupported, "''"},
           {"t5", R"("feed_forward_proj": "gated-mystery")", unsupported, "'mystery'"}})
    EXPECT_THAT([&] { spec_of(one.type, one.settings); }, ThrowsError(one.code, "config.json", "", {one.part}))
        << one.type << " " << one.settings;
}

TEST(Families, TellAWindowOfNullFromAnAbsentOne) {
  EXPECT_EQ(spec_of("mistral", R"("sliding_window": null)").stack.layers[0].window, kUnlimited);
  EXPECT_EQ(spec_of("mistral", "").stack.layers[0].window, 4096U);
  EXPECT_EQ(spec_of("gemma2", "").stack.layers[0].window, 4096U);
  EXPECT_EQ(spec_of("gemma2", "").stack.layers[1].window, kUnlimited);
}

const char* const kLlama = R"({"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 4,
    "num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 6, "num_hidden_layers": 1})";

std::vector<Stored> llama_tensors() {
  const std::string layer = "model.layers.0.";
  return {{"model.embed_tokens.weight", {5, 4}},
          {layer + "self_attn.q_proj.weight", {4, 4}},
          {layer + "self_attn.k_proj.weight", {2, 4}},
          {layer + "self_attn.v_proj.weight", {2, 4}},
          {layer + "self_attn.o_proj.weight", {4, 4}},
          {layer + "mlp.gate_proj.weight", {6, 4}},
          {layer + "mlp.up_proj.weight", {6, 4}},
          {layer + "mlp.down_proj.weight", {4, 6}},
          {layer + "input_layernorm.weight", {4}},
          {layer + "post_attention_layernorm.weight", {4}},
          {"model.norm.weight", {4}},
          {"lm_head.weight", {5, 4}}};
}

Model llama_of(const std::vector<Stored>& tensors, const char* config = kLlama) {
  Model model = test::resolve(tensors, config);
  model.config = config;
  return model;
}

TEST(Families, RunAModelWhoseTensorsFit) {
  const std::unique_ptr<Runner> runner = open_runner(llama_of(llama_tensors()));
  const std::vector<TokenId> ids{0, 4, 2};
  EXPECT_EQ(runner->logits(runner->hidden_states(TokenBatch(ids))).columns, 5U);
  EXPECT_EQ(runner->layers(1).size(), 8U);
}

TEST(Families, NameATensorOfAnotherShape) {
  std::vector<Stored> tensors = llama_tensors();
  tensors[2].shape = {4, 4};  // keys for two heads
  EXPECT_THAT(
      [&] { open_runner(llama_of(tensors)); },
      ThrowsError(ErrorCode::kMismatch, "test", "model.layers.0.self_attn.k_proj.weight", {"[4, 4]", "[2, 4]"}));
  tensors = llama_tensors();
  tensors.back().shape = {6, 4};
  EXPECT_THAT([&] { open_runner(llama_of(tensors)); },
              ThrowsError(ErrorCode::kMismatch, "test", "lm_head.weight", {"[6, 4]", "[5, 4]"}));
}

TEST(Families, NameAMissingTensor) {
  std::vector<Stored> tensors = llama_tensors();
  tensors.erase(tensors.begin() + 4);
  EXPECT_THAT([&] { open_runner(llama_of(tensors)); },
              ThrowsError(ErrorCode::kMismatch, "test", "model.layers.0.self_attn.o_proj.weight", {"'o' of layer 0"}));
}

TEST(Families, NameAMissingExpert) {
  const char* config = R"({"model_type": "mixtral", "architectures": ["MixtralForCausalLM"], "hidden_size": 4,
      "num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 6, "num_hidden_layers": 1,
      "num_local_experts": 2})";
  std::vector<Stored> tensors = llama_tensors();
  tensors.erase(tensors.begin() + 5, tensors.begin() + 8);
  const std::string block = "model.layers.0.block_sparse_moe.";
  tensors.push_back({block + "gate.weight", {2, 4}});
  for (const char* expert : {"0", "1"})
    for (const auto& [name, rows, columns] : {std::tuple{"w1", 6, 4}, {"w2", 4, 6}, {"w3", 6, 4}})
      tensors.push_back({block + "experts." + expert + "." + name + ".weight",
                         {static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(columns)}});
  EXPECT_NE(open_runner(llama_of(tensors, config)), nullptr);
  tensors.pop_back();
  EXPECT_THAT([&] { open_runner(llama_of(tensors, config)); },
              ThrowsError(ErrorCode::kMismatch, "test", block + "experts.1.w3.weight", {"expert 1"}));
}

TEST(Families, SayThatAModelHasNoHead) {
  std::vector<Stored> tensors = llama_tensors();
  tensors.pop_back();
  const char* config = R"({"model_type": "llama", "architectures": ["LlamaModel"], "hidden_size": 4,
    "num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 6, "num_hidden_layers": 1})";
  const std::unique_ptr<Runner> runner = open_runner(llama_of(tensors, config));
  EXPECT_THAT([&] { runner->logits(Matrix(1, 4)); }, ThrowsError(ErrorCode::kUnsupported, "test", "", {"head"}));
}

}  // namespace
}  // namespace pare::run
