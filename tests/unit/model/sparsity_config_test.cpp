// compressed-tensors' entry in a configuration: put in, and out again to the byte.
#include "model/sparsity_config.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

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

TEST(SparsityConfig, LeavesOthersAlone) {
  for (
      const char* config :
      {"", "{}", "[]", "no JSON", R"({"quantization_config":{"quant_method":"awq"},"a":1})",
       R"({"quantization_config":7})",
       R"({"quantization_config":{"quant_method":"compressed-tensors","sparsity_config":{"format":"dense"}}})",
       R"({"quantization_config":{"quant_method":"compressed-tensors","sparsity_config":{"format":"sparse-bitmask"},"config_groups":{"g":{}}}})"}) {
    EXPECT_EQ(without_sparsity_config(config), config);
    EXPECT_EQ(with_sparsity_config(config, {"m"}, 0.5), config);
  }
  EXPECT_EQ(without_sparsity_config(R"({"a":1})"), R"({"a":1})");
}

}  // namespace
}  // namespace pare::model
