// The guarded reader accepts what Python's json accepts, within limits.
#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/json_mutable.h"
#include "base/json_numbers.h"
#include "pare/error.h"

namespace pare::base {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// The message of the Error that `body` throws; it must name the file.
template <class Body>
std::string failure(Body body) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_EQ(error.file(), "f.json");
    return error.what();
  }
  return "no error";
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Json, ReadsTheNumbersThatPythonReads) {
  const JsonDocument document(R"({"limit":1000000000000000019884624838656,"low":-9223372036854775809,"huge":1e400,
    "less":-1e400,"nan":NaN,"inf":Infinity,"minus":-Infinity,"tiny":1e-400,"max":18446744073709551615,
    "text":"NaN 1e400 \" -Infinity","list":[1e999]})",
                              "f.json");
  const JsonValue root = document.root();
  EXPECT_EQ(root.at("limit").number(), 1e30);
  EXPECT_EQ(root.at("low").number(), -9223372036854775808.0);
  EXPECT_EQ(root.at("huge").number(), INFINITY);
  EXPECT_EQ(root.at("less").number(), -INFINITY);
  EXPECT_TRUE(std::isnan(root.at("nan").number()));
  EXPECT_EQ(root.at("inf").number(), INFINITY);
  EXPECT_EQ(root.at("minus").number(), -INFINITY);
  EXPECT_EQ(root.at("tiny").number(), 0);
  EXPECT_EQ(root.at("max").unsigned_integer(), UINT64_MAX);
  EXPECT_EQ(root.at("text").text(), "NaN 1e400 \" -Infinity");
  EXPECT_THAT(failure([&] { root.at("limit").integer(); }), HasSubstr("limit"));
  EXPECT_THAT(failure([&] { root.at("huge").integer(); }), HasSubstr("found Infinity"));
}

TEST(Json, RefusesWhatPythonRefuses) {
  for (const char* text : {"", "nan", "{\"a\":+1}", "{\"a\":01}", "{\"a\":NaNs}", "{\"a\":Inf}", "{\"a\":1e400x}",
                           "[1,]", "{\"a\":-}", "\"a", "{\"a\":.5}", "{\"a\":00000000000000000000000000000}"})
    EXPECT_THAT(failure([&] { JsonDocument(text, "f.json"); }), HasSubstr("f.json")) << text;
}

TEST(Json, TakesAByteOrderMarkAndTheLastOfDuplicates) {
  const JsonDocument document("\xEF\xBB\xBF{\"a\":1,\"b\":{},\"a\":2}", "f.json");
  EXPECT_EQ(document.root().at("a").integer(), 2);
  EXPECT_EQ(mutable_json<nlohmann::ordered_json>(document.root()).dump(), R"({"a":2,"b":{}})");
  EXPECT_EQ(mutable_json<nlohmann::json>(document.root()).dump(), R"({"a":2,"b":{}})");
}

TEST(Json, NamesFileKeyAndWhatItFound) {
  const JsonDocument document(R"({"a":{"b":"x"},"id":2147483648,"minus":-1,"c":[]})", "f.json", kJsonDepth, "line 3");
  const JsonValue root = document.root();
  EXPECT_THAT(failure([&] { root.at("a").at("b").integer(); }),
              AllOf(HasSubstr("line 3"), HasSubstr("a.b"), HasSubstr("expected an integer, found 'x'")));
  EXPECT_THAT(failure([&] { root.at("id").token_id(); }), HasSubstr("found 2147483648"));
  EXPECT_THAT(failure([&] { root.at("minus").unsigned_integer(); }), HasSubstr("found -1"));
  EXPECT_THAT(failure([&] { root.at("c").find("x"); }), HasSubstr("found a list"));
  EXPECT_THAT(failure([&] { root.at("d"); }), HasSubstr("'d'"));
}

TEST(Json, LimitsDepth) {
  EXPECT_EQ(failure([] { JsonDocument(nested(kJsonDepth), "f.json"); }), "no error");
  EXPECT_THAT(failure([] { JsonDocument(nested(kJsonDepth + 1), "f.json"); }), HasSubstr("found 1001"));
  EXPECT_THAT(failure([] { JsonDocument(nested(1'000'000), "f.json"); }), HasSubstr("found 1000000"));
  EXPECT_THAT(failure([] { JsonDocument(nested(9), "f.json", 8); }), HasSubstr("found 9"));
  EXPECT_EQ(json_depth(R"({"[[[[":["\"[[",{}]})"), 3U);
}

TEST(Json, RespelledTextGrowsNoFasterThanItself) {
  for (const std::size_t count : {1000U, 10000U, 100000U}) {
    std::string text = "[NaN";
    for (std::size_t i = 1; i < count; ++i) text += ",NaN";
    const auto plain = plain_numbers(text + "]");
    ASSERT_TRUE(plain);
    EXPECT_LE(plain->size(), 7 * text.size());
  }
  EXPECT_EQ(plain_numbers(R"({"a":[1,-2.5e3,"NaN",18446744073709551615,-9223372036854775808]})"), std::nullopt);
}

}  // namespace
}  // namespace pare::base
