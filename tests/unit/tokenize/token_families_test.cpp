// Today's families against transformers, and single steps against tokenizers (tests/golden/make_token_families.py).
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "pare/tokenizer.h"
#include "support/files.h"
#include "tokenize/steps/normalizer.h"
#include "tokenize/steps/pre_tokenizer.h"

namespace pare {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using tokenize::NormalForm;
using tokenize::Normalizer;
using tokenize::PreTokenizer;
using tokenize::Regex;
using tokenize::Split;

const json& families() {
  static const json all = json::parse(test::read_text(fs::path(PARE_SOURCE_DIR) / "tests/golden/token_families.json"));
  return all;
}

std::string base64_bytes(const std::string& text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned pending = 0, bits = 0;
  for (const char c : text) {
    if (c == '=') break;
    pending = pending << 6 | static_cast<unsigned>(kDigits.find(c));
    bits += 6;
    if (bits >= 8) bytes.push_back(static_cast<char>(pending >> (bits -= 8) & 0xFF));
  }
  return bytes;
}

std::unique_ptr<Tokenizer> open_family(const json& family) {
  const test::TemporaryDirectory directory;
  for (const auto& [file, content] : family["files"].items())
    test::write_text(directory / file,
                     fs::path(file).extension() == ".model" ? base64_bytes(content) : content.get<std::string>());
  return Tokenizer::open(directory.path());
}

std::string normalized(const Normalizer& normalizer, const std::string& text) {
  std::string buffer, other;
  std::size_t first = 0;
  return std::string(normalizer.apply(text, first, buffer, other));
}

class TokenFamilies : public testing::TestWithParam<std::size_t> {
 protected:
  const json& family() const { return families()["cases"][GetParam()]; }
};

TEST_P(TokenFamilies, IdsAndTextsAreTransformers) {
  const auto tokenizer = open_family(family());
  for (std::size_t i = 0; i < families()["texts"].size(); ++i) {
    const std::string text = families()["texts"][i];
    const std::vector<std::int32_t> ids = family()["ids"][i];
    EXPECT_EQ(tokenizer->encode(text, true), ids) << text;
    const std::string decoded = family()["decoded"][i];
    EXPECT_EQ(tokenizer->decode(ids, false), decoded);
    const json& skipped = family()["skipped"][i];
    EXPECT_EQ(tokenizer->decode(ids, true), skipped.is_null() ? decoded : skipped.get<std::string>());
  }
}

TEST_P(TokenFamilies, LengthAndSpecialIdsAreTransformers) {
  const auto tokenizer = open_family(family());
  EXPECT_EQ(tokenizer->size(), family()["length"].get<std::size_t>());
  const SpecialTokens& special = tokenizer->special();
  const std::pair<const char*, std::optional<std::int32_t>> ids[] = {
      {"bos", special.bos}, {"eos", special.eos}, {"unk", special.unk},  {"pad", special.pad},
      {"cls", special.cls}, {"sep", special.sep}, {"mask", special.mask}};
  for (const auto& [name, id] : ids) {
    const json& expected = family()["special"][name];
    EXPECT_EQ(id, expected.is_null() ? std::nullopt : std::optional(expected.get<std::int32_t>())) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, TokenFamilies, testing::Range<std::size_t>(0, families()["cases"].size()),
                         [](const auto& parameter) {
                           std::string name = families()["cases"][parameter.param]["model"];
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(NormalForms, AreTokenizers) {
  const std::pair<const char*, NormalForm> forms[] = {
      {"NFC", NormalForm::kNfc}, {"NFD", NormalForm::kNfd}, {"NFKC", NormalForm::kNfkc}, {"NFKD", NormalForm::kNfkd}};
  for (const auto& [name, form] : forms) {
    Normalizer normalizer;
    normalizer.add_form(form);
    for (std::size_t i = 0; i < families()["texts"].size(); ++i)
      EXPECT_EQ(normalized(normalizer, families()["texts"][i]),
                families()["steps"]["forms"][name][i].get<std::string>())
          << name << " " << i;
  }
}

TEST(RegexGolden, ReplacesWhatOnigurumaDoes) {
  for (const auto& [pattern, replaced] : families()["steps"]["replaced"].items()) {
    Normalizer normalizer;
    normalizer.add_replace(Regex(pattern, [](const std::string& cause) { throw std::runtime_error(cause); }), "#");
    for (std::size_t i = 0; i < families()["texts"].size(); ++i)
      EXPECT_EQ(normalized(normalizer, families()["texts"][i]), replaced[i].get<std::string>()) << pattern << " " << i;
  }
}

TEST(SplitGolden, BehaviorsAreTokenizers) {
  const std::pair<const char*, Split> behaviors[] = {{"removed", Split::kRemoved},
                                                     {"isolated", Split::kIsolated},
                                                     {"merged_with_previous", Split::kMergedWithPrevious},
                                                     {"merged_with_next", Split::kMergedWithNext},
                                                     {"contiguous", Split::kContiguous}};
  for (const auto& [name, behavior] : behaviors) {
    for (const bool invert : {false, true}) {
      PreTokenizer splits;
      splits.add_split(Regex("\\W|ab", [](const std::string&) {}), behavior, invert);
      const json& expected = families()["steps"]["splits"][std::string(name) + (invert ? " True" : " False")];
      for (std::size_t i = 0; i < families()["texts"].size(); ++i) {
        const std::string text = families()["texts"][i];
        std::vector<std::string> words;
        tokenize::Scratch scratch;
        splits.for_words(text, 0, scratch, [&](std::string_view word) { words.emplace_back(word); });
        EXPECT_EQ(words, expected[i].get<std::vector<std::string>>()) << name << invert << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace pare
