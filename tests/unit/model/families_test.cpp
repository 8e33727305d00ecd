// Families: how a class is told, what a configuration leaves open, and hostile numbers.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "pare/error.h"
#include "unit/model/model_files.h"

namespace pare::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Settings = nlohmann::json;

/// One layer of Llama, under a prefix.
std::vector<Stored> tiny_llama(const std::string& prefix, bool output) {
  std::vector<Stored> stored{{prefix + "embed_tokens.weight", {5, 4}, 1}, {prefix + "norm.weight", {4}, 2}};
  const std::string layer = prefix + "layers.0.";
  for (const char* name :
       {"self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight", "self_attn.o_proj.weight",
        "mlp.gate_proj.weight", "mlp.up_proj.weight", "mlp.down_proj.weight"})
    stored.push_back({layer + name, {4, 4}, 3});
  for (const char* name : {"input_layernorm.weight", "post_attention_layernorm.weight"})
    stored.push_back({layer + name, {4}, 4});
  if (output) stored.push_back({"lm_head.weight", {5, 4}, 5});
  return stored;
}

/// Mixtral with one layer of experts, each stored apart.
std::vector<Stored> tiny_mixtral(unsigned experts) {
  std::vector<Stored> stored;
  for (Stored& tensor : tiny_llama("model.", true))
    if (tensor.name.find(".mlp.") == std::string::npos) stored.push_back(std::move(tensor));
  const std::string block = "model.layers.0.block_sparse_moe.";
  stored.push_back({block + "gate.weight", {experts, 4}, 6});
  for (unsigned e = 0; e < experts; ++e)
    for (const char* matrix : {"w1", "w2", "w3"})
      stored.push_back({block + "experts." + std::to_string(e) + "." + matrix + ".weight", {4, 4}, 7});
  return stored;
}

std::string config_of(const std::string& model_type, Settings more = {}) {
  Settings config{{"model_type", model_type}, {"num_hidden_layers", 1}};
  if (!more.is_null()) config.update(more);
  return config.dump();
}

ErrorCode code_of(const std::vector<Stored>& stored, const std::string& config) {
  try {
    resolve(stored, config);
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "accepted: " << config.substr(0, 200);
  return ErrorCode::kArgument;
}

TEST(Families, NamesTellTheClassWhereTheConfigurationDoesNot) {
  EXPECT_EQ(resolve(tiny_llama("model.", true), config_of("llama")).architecture, "LlamaForCausalLM");
  EXPECT_EQ(resolve(tiny_llama("", false), config_of("llama")).architecture, "LlamaModel");
  std::vector<Stored> scored = tiny_llama("model.", false);
  scored.push_back({"score.weight", {2, 4}, 8});
  EXPECT_EQ(resolve(scored, config_of("qwen3", {{"tie_word_embeddings", false}})).architecture,
            "Qwen3ForSequenceClassification");
}

TEST(Families, TiesFollowTheFamilysDefault) {
  EXPECT_THAT(resolve(tiny_llama("model.", false), config_of("llama")).missing, ElementsAre("lm_head.weight"));
  EXPECT_THAT(resolve(tiny_llama("model.", false), config_of("smollm3")).missing, IsEmpty());
  EXPECT_THAT(resolve(tiny_llama("model.", false), config_of("gemma")).missing, IsEmpty());
  const Settings tied{{"tie_word_embeddings", true}};
  EXPECT_THAT(resolve(tiny_llama("model.", false), config_of("llama", tied)).missing, IsEmpty());
}

TEST(Families, TheConfigurationDecidesOnBiases) {
  std::vector<Stored> stored = tiny_llama("model.", true);
  stored.push_back({"model.layers.0.self_attn.q_proj.bias", {4}, 9});
  const Model without = resolve(stored, config_of("llama"));
  EXPECT_EQ(reason(without, "model.layers.0.self_attn.q_proj.bias"), "not part of LlamaForCausalLM");
  const Model with = resolve(stored, config_of("llama", {{"attention_bias", true}}));
  EXPECT_NE(find(with, "model.layers.0.self_attn.q_proj.bias"), nullptr);
  EXPECT_EQ(with.missing.size(), 3U);
}

TEST(Families, LandmarksTellAFamilyWithoutAConfiguration) {
  for (const auto& [family, title] : {std::pair{"gpt_neox", "GPTNeoXForCausalLM"},
                                      {"bloom", "BloomForCausalLM"},
                                      {"modernbert", "ModernBertForMaskedLM"},
                                      {"mpnet", "MPNetForMaskedLM"},
                                      {"mpnet", "MPNetModel"},
                                      {"albert", "AlbertForPreTraining"},
                                      {"vision", "ViTForImageClassification"}}) {
    std::ifstream file(std::string(PARE_SOURCE_DIR) + "/tests/golden/names/" + family + ".json");
    std::vector<Stored> stored;
    const Settings golden = Settings::parse(file).at(title);
    for (const Settings& tensor : golden["stored"]) stored.push_back({tensor[0], tensor[1], 1});
    EXPECT_EQ(resolve(stored, "").architecture, title);
  }
  // Llama's names are those of many families.
  EXPECT_EQ(resolve(tiny_llama("model.", true), "").architecture, "unknown");
}

TEST(Families, OlderAndNewerSpellingsAreOneParameter) {
  const std::vector<Stored> older{{"gpt_neox.embed_in.weight", {5, 4}, 1}, {"embed_out.weight", {5, 4}, 2}};
  const std::vector<Stored> newer{{"gpt_neox.embed_in.weight", {5, 4}, 1}, {"lm_head.weight", {5, 4}, 2}};
  for (const auto& stored : {older, newer}) {
    const Model model = resolve(stored, config_of("gpt_neox", {{"architectures", {"GPTNeoXForCausalLM"}}}));
    ASSERT_NE(find(model, "lm_head.weight"), nullptr);
    EXPECT_EQ(find(model, "lm_head.weight")->slot, Slot::kHead);
  }
}

TEST(Mixtures, ExpertsHaveTheirIndexAndSlot) {
  const Model model = resolve(tiny_mixtral(3), config_of("mixtral", {{"num_local_experts", 3}}));
  EXPECT_THAT(model.missing, IsEmpty());
  const Parameter* down = find(model, "model.layers.0.block_sparse_moe.experts.2.w2.weight");
  ASSERT_NE(down, nullptr);
  EXPECT_EQ(down->slot, Slot::kExpertsDown);
  EXPECT_EQ(down->expert, 2);
  EXPECT_EQ(down->layer, 0);
  EXPECT_TRUE(down->prunable);
  const Parameter* router = find(model, "model.layers.0.mlp.gate.weight");
  ASSERT_NE(router, nullptr);
  EXPECT_EQ(router->slot, Slot::kRouter);
  EXPECT_EQ(router->expert, -1);
  EXPECT_EQ(router->orientation, Orientation::kOutIn);
  EXPECT_FALSE(router->prunable);
}

TEST(Mixtures, MissingExpertsAreNamed) {
  const Model model = resolve(tiny_mixtral(2), config_of("mixtral", {{"num_local_experts", 3}}));
  EXPECT_EQ(model.missing.size(), 3U);
  EXPECT_EQ(model.missing.front(), "model.layers.0.block_sparse_moe.experts.2.w1.weight");
}

TEST(Mixtures, FilesTellTheNumberThatTheConfigurationDoesNot) {
  EXPECT_THAT(resolve(tiny_mixtral(2), config_of("mixtral")).missing, IsEmpty());
}

TEST(Hostile, NumbersAreBounded) {
  const auto numbers = [](std::uint64_t layers, std::uint64_t experts) {
    return Settings{{"num_hidden_layers", layers}, {"num_local_experts", experts}};
  };
  EXPECT_EQ(code_of(tiny_llama("", false), config_of("llama", {{"num_hidden_layers", 10'001}})), ErrorCode::kLimit);
  EXPECT_EQ(code_of(tiny_mixtral(1), config_of("mixtral", numbers(1, 10'001))), ErrorCode::kLimit);
  EXPECT_EQ(code_of(tiny_mixtral(1), config_of("mixtral", numbers(10'000, 10'000))), ErrorCode::kLimit);
  EXPECT_EQ(code_of(tiny_mixtral(1), config_of("qwen3_moe", {{"decoder_sparse_step", 0}})), ErrorCode::kMalformed);
  EXPECT_EQ(code_of(tiny_mixtral(1), config_of("qwen3_moe", {{"mlp_only_layers", std::vector<int>(1'001)}})),
            ErrorCode::kLimit);
  EXPECT_EQ(code_of(tiny_mixtral(1), config_of("qwen3_moe", {{"mlp_only_layers", 3}})), ErrorCode::kMalformed);
  EXPECT_EQ(code_of(tiny_llama("", false), config_of("llama", {{"attention_bias", "yes"}})), ErrorCode::kMalformed);
}

TEST(Hostile, ManyLayersTakeLittleTime) {
  const Model model = resolve(tiny_llama("", false), config_of("llama", {{"num_hidden_layers", 10'000}}));
  EXPECT_EQ(model.missing.size(), 9'999U * 9);
}

TEST(Hostile, ConfigurationsHaveFewMembers) {
  Settings members;
  for (int i = 0; i <= 10'000; ++i) members["k" + std::to_string(i)] = 0;
  EXPECT_EQ(code_of(tiny_llama("", false), config_of("llama", members)), ErrorCode::kLimit);
}

}  // namespace
}  // namespace pare::test
