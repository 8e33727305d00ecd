// compressed-tensors' entry in a configuration: adding and removing it restores every byte.
#include "model/sparsity_config.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "model/config.h"
#include "pare/error.h"

namespace pare::model {
namespace {

using Json = nlohmann::json;

TEST(SparsityConfig, ComesOutAsItWentIn) {
  for (const char* config :
       {"{\n  \"a\": 1e-05,\n  \"b\": [\n    1\n  ]\n}\n", "{\"a\":{\"b\":{}},\"c\":\"}},\"}", "{ \"a\": 1 }",
        "{\n  \"a\": \"\\u00e9\"\n}", "{\r\n\t\"z\": {\"y\": {\"x\": 1}},\r\n\t\"a\": 0\r\n}\r\n"}) {
    const std::string with = with_sparsity_config(config, {"h.0.attn", "lm}},head"}, 0.5);
    EXPECT_NE(with, config);
    Json json = Json::parse(with);
    EXPECT_EQ(json["quantization_config"]["quant_method"], "compressed-tensors");
    EXPECT_EQ(json["quantization_config"]["sparsity_config"]["targets"][0], "re:(.*[.])?h[.]0[.]attn$");
    json.erase("quantization_config");
    EXPECT_EQ(json, Json::parse(config));
    EXPECT_EQ(without_sparsity_config(with), config);
  }
}

TEST(SparsityConfig, OfCompressedTensorsGoesAsWell) {
  const char* theirs = R"({
  "a": 1,
  "quantization_config": {
    "quant_method": "compressed-tensors",
    "sparsity_config": {"format": "sparse-bitmask", "targets": []},
    "transform_config": {},
    "version": "0.14.0"
  },
  "z": 2
})";
  EXPECT_EQ(Json::parse(without_sparsity_config(theirs)), Json::parse(R"({"a": 1, "z": 2})"));
}

TEST(SparsityConfig, GoesInEveryFormat) {
  for (const char* format : {"dense", "sparse-24-bitmask", "sparse-bitmask"}) {
    const std::string sparsity = R"("sparsity_config":{"format":")" + std::string(format) + R"("})";
    const std::string entry = R"({"quant_method":"compressed-tensors",)" + sparsity;
    const std::string alone = R"({"quantization_config":)" + entry + R"(},"a":1})";
    EXPECT_EQ(sparsity_format(alone), format);
    EXPECT_EQ(Json::parse(without_sparsity_config(alone)), Json::parse(R"({"a":1})"));
    const std::string quantized = R"({"quantization_config":)" + entry + R"(,"config_groups":{"g":{}}}})";
    EXPECT_EQ(Json::parse(without_sparsity_config(quantized)),
              Json::parse(R"({"quantization_config":{"quant_method":"compressed-tensors","config_groups":{"g":{}}}})"));
  }
  EXPECT_EQ(sparsity_format(R"({"quantization_config":{"quant_method":"awq"}})"), std::nullopt);
  EXPECT_EQ(sparsity_format("no JSON"), std::nullopt);
}

TEST(SparsityConfig, LeavesOthersAlone) {
  for (
      const char* config :
      {"", "{}", "[]", "no JSON", R"({"quantization_config":{"quant_method":"awq"},"a":1})",
       R"({"quantization_config":7})",
       R"({"quantization_config":{"quant_method":"compressed-tensors","sparsity_config":{},"config_groups":{"g":{}}}})"}) {
    EXPECT_EQ(without_sparsity_config(config), config);
    EXPECT_EQ(with_sparsity_config(config, {"m"}, 0.5), config);
  }
  EXPECT_EQ(without_sparsity_config(R"({"a":1})"), R"({"a":1})");
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(SparsityConfig, SurvivesDeepNesting) {
  for (const char* key : {"quant_method", "sparsity_config", "config_groups"}) {
    std::string config = R"({"quantization_config":{"quant_method":"compressed-tensors",)";
    config += R"("sparsity_config":{"format":"sparse-bitmask"},")" + std::string(key) + "\":" + nested(300'000) + "}}";
    EXPECT_EQ(without_sparsity_config(config), config) << key;
    EXPECT_EQ(with_sparsity_config(config, {"m"}, 0.5), config) << key;
    EXPECT_THROW(Config(config, "config.json"), Error) << key;
  }
}

// An entry of pare's form that holds many candidates for its own end: work grows with the size of the text, not with
// its square. At 200,000 candidates the square would not end within the time limit of any test.
TEST(SparsityConfig, EndsTheEntryInOnePass) {
  for (const std::size_t count : {2'000U, 20'000U, 200'000U}) {
    std::string config =
        "{\n  \"quantization_config\": {\"quant_method\":\"compressed-tensors\",\"sparsity_config\":"
        "{\"format\":\"sparse-bitmask\",";
    for (std::size_t i = 0; i < count; ++i) config += R"("x":{"a":{"b":1}},)";
    config += R"("y":{"z":1}}},"a":1})";
    EXPECT_EQ(without_sparsity_config(config), R"({"a":1})");
  }
}

TEST(Config, ReadsNumbersThatPythonReads) {
  const Config config(R"({"a":1e400,"b":NaN,"id":-1,"large":4294967296,"c":Infinity})", "config.json");
  EXPECT_EQ(config.real("a"), HUGE_VAL);
  EXPECT_EQ(config.real("c"), HUGE_VAL);
  EXPECT_THROW(config.token_id("id"), Error);
  EXPECT_THROW(config.token_id("large"), Error);
  EXPECT_EQ(config.number("large"), 4294967296U);
}

}  // namespace
}  // namespace pare::model
