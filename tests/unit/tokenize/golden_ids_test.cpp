// Ids, texts, lengths and special ids against transformers (tests/golden/make_token_ids.py).
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "pare/tokenizer.h"
#include "support/files.h"

namespace pare {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const json& golden() {
  static const json all = json::parse(test::read_text(fs::path(PARE_SOURCE_DIR) / "tests/golden/tokens.json"));
  return all;
}

std::unique_ptr<Tokenizer> open(const json& golden_case) {
  const test::TemporaryDirectory directory;
  const fs::path model = fs::path(PARE_SOURCE_DIR) / "demo/models" / golden_case["model"].get<std::string>();
  for (const std::string file : golden_case["files"]) fs::create_symlink(model / file, directory / file);
  fs::create_symlink(model / "config.json", directory / "config.json");
  test::write_text(directory / "tokenizer_config.json", golden_case["tokenizer_config"].dump());
  return Tokenizer::open(directory.path());  // the tokenizer does not need the directory after this
}

class GoldenIds : public testing::TestWithParam<std::size_t> {
 protected:
  const json& golden_case() const { return golden()["cases"][GetParam()]; }
};

TEST_P(GoldenIds, AreThose) {
  const auto tokenizer = open(golden_case());
  for (std::size_t i = 0; i < golden()["texts"].size(); ++i) {
    const std::string text = golden()["texts"][i];
    EXPECT_EQ(tokenizer->encode(text, true), golden_case()["ids"][i].get<std::vector<std::int32_t>>()) << text;
  }
}

TEST_P(GoldenIds, BecomeThoseTexts) {
  const auto tokenizer = open(golden_case());
  for (std::size_t i = 0; i < golden_case()["decoded"].size(); ++i) {
    const std::vector<std::int32_t> ids = golden_case()["ids"][i];
    EXPECT_EQ(tokenizer->decode(ids, false), golden_case()["decoded"][i].get<std::string>()) << i;
    EXPECT_EQ(tokenizer->decode(ids, true), golden_case()["skipped"][i].get<std::string>()) << i;
  }
}

TEST_P(GoldenIds, LengthAndSpecialIds) {
  const auto tokenizer = open(golden_case());
  EXPECT_EQ(tokenizer->size(), golden_case()["length"].get<std::size_t>());
  const SpecialTokens& special = tokenizer->special();
  const auto expect = [&](const char* name, std::optional<std::int32_t> id) {
    const json& expected = golden_case()["special"][name];
    EXPECT_EQ(id, expected.is_null() ? std::nullopt : std::optional(expected.get<std::int32_t>())) << name;
  };
  expect("bos", special.bos);
  expect("eos", special.eos);
  expect("unk", special.unk);
  expect("pad", special.pad);
  expect("cls", special.cls);
  expect("sep", special.sep);
  expect("mask", special.mask);
}

TEST_P(GoldenIds, OfATextAreThoseOfItsThreads) {
  const auto tokenizer = open(golden_case());
  const auto encode_all = [&](std::vector<std::vector<std::int32_t>>& ids) {
    for (const std::string text : golden()["texts"]) ids.push_back(tokenizer->encode(text, false));
  };
  std::vector<std::vector<std::int32_t>> here, there;
  std::thread other([&] { encode_all(there); });
  encode_all(here);
  other.join();
  EXPECT_EQ(here, there);
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenIds, testing::Range<std::size_t>(0, golden()["cases"].size()),
                         [](const auto& parameter) {
                           std::string name = golden()["cases"][parameter.param]["model"];
                           name.resize(name.find('-'));
                           return name + std::to_string(parameter.param);
                         });

TEST(Tokenizer, LeavesOutIdsThatItDoesNotHave) {
  const auto tokenizer = open(golden()["cases"][0]);
  const std::int32_t none = static_cast<std::int32_t>(tokenizer->size());
  EXPECT_EQ(tokenizer->decode(std::vector<std::int32_t>{-1, none, 1 << 30}, false), "");
}

TEST(Tokenizer, SaysWhereATextIsNoUtf8) {
  const auto tokenizer = open(golden()["cases"][0]);
  EXPECT_EQ(test::error_of([&] { tokenizer->encode("abc\xFF", true); }), "the text is not UTF-8 at byte 3");
  EXPECT_EQ(test::error_of([&] { tokenizer->encode("\xED\xA0\x80", true); }), "the text is not UTF-8 at byte 0");
}

}  // namespace
}  // namespace pare
