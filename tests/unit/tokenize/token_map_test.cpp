#include "tokenize/token_map.h"

#include <gtest/gtest.h>

#include <string>
#include <unordered_map>

namespace pare::tokenize {
namespace {

TEST(TokenMap, FindsWhatAMapFinds) {
  std::unordered_map<std::string, std::int32_t> map;
  for (std::int32_t i = 0; i < 5000; ++i)
    map[std::string(static_cast<std::size_t>(i % 17), 'a') + std::to_string(i)] = i;
  TokenMap tokens;  // which has to grow
  for (const auto& [key, id] : map) tokens.insert(key, id);
  EXPECT_EQ(tokens.size(), map.size());
  for (const auto& [key, id] : map) {
    ASSERT_EQ(tokens[key], id);
    ASSERT_EQ(tokens[key + "x"], std::nullopt);
  }
}

TEST(TokenMap, OfEqualKeysTheLastCounts) {
  TokenMap tokens;
  tokens.insert("a", 1);
  tokens.insert("a", 2);
  tokens.insert("", 3);
  EXPECT_EQ(tokens["a"], 2);
  EXPECT_EQ(tokens[""], 3);
  EXPECT_EQ(tokens.size(), 2U);
}

}  // namespace
}  // namespace pare::tokenize
