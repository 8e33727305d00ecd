// Vocabularies as people have them: duplicates, blank lines and holes, of which transformers takes the last id.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pare/tokenizer.h"
#include "support/files.h"

namespace pare {
namespace {

using testing::ElementsAre;

TEST(OddVocabulary, TheLastOfEqualLinesCounts) {
  const test::TemporaryDirectory directory;
  test::write_text(directory / "config.json", R"({"model_type": "bert"})");
  test::write_text(directory / "tokenizer_config.json", R"({"tokenizer_class": "BertTokenizer"})");
  test::write_text(directory / "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##b\n\na\n\n##b\n");
  const auto tokenizer = Tokenizer::open(directory.path());
  EXPECT_THAT(tokenizer->encode("a ab b", false), ElementsAre(9, 9, 11, 6));
  EXPECT_EQ(tokenizer->size(), 12U);
}

TEST(OddVocabulary, IdsMayHaveHoles) {
  const test::TemporaryDirectory directory;
  test::write_text(directory / "config.json", R"({"model_type": "gpt2"})");
  test::write_text(directory / "vocab.json", R"({"a": 7, "b": 1, "ab": 9, "a": 3, "<|endoftext|>": 12})");
  test::write_text(directory / "merges.txt", "#version: 0.2\na b\n");
  const auto tokenizer = Tokenizer::open(directory.path());
  EXPECT_THAT(tokenizer->encode("aba", false), ElementsAre(9, 3));
  EXPECT_EQ(tokenizer->decode(std::vector<std::int32_t>{9, 3, 0, 7, 1}, false), "abab");
}

}  // namespace
}  // namespace pare
