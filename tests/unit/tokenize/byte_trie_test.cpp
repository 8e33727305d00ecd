// The double-array trie against a plain map.
#include "tokenize/byte_trie.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace pare::tokenize {
namespace {

using Found = std::vector<std::pair<std::size_t, std::int32_t>>;

Found prefixes(const ByteTrie& trie, std::string_view text) {
  Found found;
  trie.prefixes(text, [&](std::size_t length, std::int32_t value) { found.emplace_back(length, value); });
  return found;
}

std::string random_bytes(std::mt19937& random, std::size_t longest, int alphabet) {
  std::string bytes(random() % (longest + 1), 0);
  for (char& byte : bytes)
    byte = static_cast<char>(static_cast<int>(random() % static_cast<unsigned>(alphabet)) * 255 /
                             std::max(1, alphabet - 1));
  return bytes;
}

void compare(std::size_t keys, std::size_t longest, int alphabet) {
  std::mt19937 random(5);
  std::map<std::string, std::int32_t> map;
  for (std::size_t i = 0; i < keys; ++i) map[random_bytes(random, longest, alphabet)] = static_cast<std::int32_t>(i);
  std::vector<std::pair<std::string_view, std::int32_t>> entries(map.begin(), map.end());
  const ByteTrie trie(std::move(entries));
  for (int i = 0; i < 2000; ++i) {
    const std::string text = random_bytes(random, 2 * longest, alphabet);
    Found expected;
    for (std::size_t length = 1; length <= text.size(); ++length)
      if (const auto found = map.find(text.substr(0, length)); found != map.end())
        expected.emplace_back(length, found->second);
    ASSERT_EQ(prefixes(trie, text), expected);
    const ByteTrie::Match longest_match = trie.longest(text);
    ASSERT_EQ(longest_match.length, expected.empty() ? 0 : expected.back().first);
  }
}

TEST(ByteTrie, FindsWhatAMapFinds) {
  compare(3000, 8, 2);
  compare(3000, 4, 256);
  compare(500, 20, 3);
  compare(1, 3, 256);
}

TEST(ByteTrie, AnEmptyOneFindsNothing) {
  const ByteTrie trie;
  EXPECT_TRUE(trie.empty());
  EXPECT_TRUE(prefixes(trie, std::string("\0\0abc", 5)).empty());
}

TEST(ByteTrie, OfEqualKeysTheLastCounts) {
  const ByteTrie trie({{"a", 1}, {"b", 2}, {"a", 3}, {"", 4}});
  EXPECT_EQ(prefixes(trie, "ab"), (Found{{1, 3}}));
}

}  // namespace
}  // namespace pare::tokenize
