// What the matcher refuses, and that it cannot be made to run forever. Its results: token_families_test.cpp.
#include "tokenize/steps/regex.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "pare/error.h"
#include "support/files.h"

namespace pare::tokenize {
namespace {

Regex compile(std::string_view pattern) {
  return Regex(pattern, [](const std::string& cause) { throw Error(ErrorCode::kUnsupported, cause); });
}

std::vector<std::string> matches(const Regex& regex, std::string_view text) {
  std::vector<std::string> found;
  regex.for_matches(
      text, [&](const Regex::Match& match) { found.emplace_back(text.substr(match.begin, match.end - match.begin)); });
  return found;
}

TEST(Regex, RefusesWhatItDoesNotMatchAsOnigurumaDoes) {
  for (const char* pattern : {"(",           ")",           "[",
                              "[]a]",        "a{",          "a{2",
                              "a{3,2}",      "a{2000}",     "*",
                              "(?<=a)b",     "(?>a)",       "(?<n>a)",
                              "(a)+",        "(?:ab)*",     "a*?",
                              "a+?",         "a??",         "a{2}{3}",
                              "\\",          "\\b",         "\\Z",
                              "\\1",         "\\x41",       "\\h",
                              "\\p{Han}",    "\\p{L",       "\\pL",
                              "[[:digit:]]", "[a&&b]",      "[b-a]",
                              "(?i:ss)",     "(?i:\u00E9)", "(?i:[\u00E9-\u00EF])",
                              "(?i)a",       "[\\w-z"}) {
    const auto error = test::error_of([&] { compile(pattern); });
    EXPECT_FALSE(error.empty()) << pattern;
    EXPECT_NE(error.find("at byte"), std::string::npos) << error;
  }
}

TEST(Regex, RefusesPatternsThatAreTooLarge) {
  std::string deep, wide;
  for (int i = 0; i < 100; ++i) deep = "(?:" + deep + "a)?";
  for (int i = 0; i < 2000; ++i) wide += "a|";
  EXPECT_FALSE(test::error_of([&] { compile(deep); }).empty());
  EXPECT_FALSE(test::error_of([&] { compile(wide); }).empty());
  EXPECT_FALSE(test::error_of([&] { compile(std::string(5000, 'a')); }).empty());
}

TEST(Regex, StopsASearchThatTakesTooLong) {
  const std::string text(300, 'a');
  for (const char* pattern : {"a*a*a*a*a*a*b",
                              "(?:a|a|a)(?:a|a|a)(?:a|a|a)(?:a|a|a)(?:a|a|a)(?:a|a|a)(?:a|a|a)(?:a|a|a)"
                              "(?:a|a|a)(?:a|a|a)(?:a|a|a)(?:a|a|a)(?:a|a|a)(?:a|a|a)(?:a|a|a)b"}) {
    try {
      matches(compile(pattern), text);
      FAIL() << pattern;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kLimit) << pattern;
    }
  }
}

TEST(Regex, FindsTheFirstOfSomeLiterals) {
  const Regex regex(std::vector<std::string>{"abc", "a", "\u2581"});
  EXPECT_EQ(matches(regex, "xxabcab\u2581x"), (std::vector<std::string>{"abc", "a", "\u2581"}));
  EXPECT_TRUE(matches(regex, "xx").empty());
}

}  // namespace
}  // namespace pare::tokenize
