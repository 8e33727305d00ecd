// Damaged tokenizer files, one corruption a test line.
#include "pare/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/files.h"

namespace pare {
namespace {

using test::write_text;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class MalformedTokenizer : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const { write_text(directory_ / name, text); }
  std::string failure() const {
    return test::error_of([&] { Tokenizer::open(directory_.path()); });
  }
  std::string failure(const std::string& name, const std::string& text) const {
    write(name, text);
    return failure();
  }
  void expect(const std::string& name, const std::string& text, const std::string& cause) const {
    EXPECT_THAT(failure(name, text), AllOf(StartsWith((directory_ / name).string() + ": "), HasSubstr(cause))) << text;
  }
  test::TemporaryDirectory directory_;
};

/// A message of a protocol buffer, field by field.
std::string field(int number, const std::string& bytes) {
  return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(bytes.size()) + bytes;
}
std::string piece(const std::string& text) { return field(1, field(1, text)); }

TEST_F(MalformedTokenizer, Directory) {
  EXPECT_THAT(test::error_of([&] { Tokenizer::open(directory_ / "gone"); }), HasSubstr("gone: is not a directory"));
  EXPECT_THAT(failure(), HasSubstr("has no tokenizer (expected tokenizer.json, vocab.json"));
  EXPECT_THAT(failure("config.json", R"({"model_type":"llama"})"), HasSubstr("config.json: model_type: 'llama'"));
  EXPECT_THAT(failure("config.json", R"({"model_type":"gpt2"})"), HasSubstr("vocab.json: cannot open"));
  write("vocab.json", R"({"a":0})");
  EXPECT_THAT(failure(), HasSubstr("merges.txt: cannot open"));
}

TEST_F(MalformedTokenizer, Config) {
  write("vocab.txt", "[UNK]\n[CLS]\n[SEP]\n");
  EXPECT_EQ(failure(), "");
  expect("tokenizer_config.json", "", "it is empty");
  expect("tokenizer_config.json", "[1]", "is not a JSON object");
  expect("tokenizer_config.json", "{\"a\":", "is not valid JSON");
  expect("tokenizer_config.json", R"({"tokenizer_class":"AlbertTokenizer"})", "'AlbertTokenizer' is not a supported");
  write("tokenizer_config.json", R"({"tokenizer_class":"LlamaTokenizer"})");
  EXPECT_THAT(failure(), HasSubstr("tokenizer.model: cannot open"));
  write("tokenizer_config.json", R"({"tokenizer_class":"PreTrainedTokenizerFast"})");
  EXPECT_THAT(failure(), HasSubstr("has neither tokenizer.json nor tokenizer.model"));
  expect("tokenizer_config.json", R"({"do_lower_case":"yes"})", "do_lower_case: is not true or false");
  expect("tokenizer_config.json", R"({"cls_token":7})", "cls_token: ");
  expect("tokenizer_config.json", R"({"cls_token":null})", "does not name cls_token");
  expect("tokenizer_config.json", R"({"added_tokens_decoder":{"x":{"content":"a"}}})", "is under no id");
  expect("tokenizer_config.json", R"({"extra_ids":-1})", "extra_ids: ");
  write("tokenizer_config.json", R"({"added_tokens_decoder":{"9":{"content":"a"}}})");
  EXPECT_THAT(failure(), HasSubstr("added token 'a' should have id 9, and the vocabulary makes it 3"));
  write("tokenizer_config.json", R"({"unk_token":"?"})");
  EXPECT_THAT(failure(), HasSubstr("vocab.txt: has no unknown token '?'"));
}

TEST_F(MalformedTokenizer, VocabText) {
  expect("vocab.txt", "", "has no tokens");
  expect("vocab.txt", "[UNK]\n\xFF\n", "is not UTF-8 at byte 6");
}

TEST_F(MalformedTokenizer, VocabJson) {
  write("config.json", R"({"model_type":"gpt2"})");
  write("merges.txt", "#version: 0.2\na b\n");
  EXPECT_EQ(failure("vocab.json", R"({"a":0,"b":1,"ab":2})"), "");
  EXPECT_EQ(failure("vocab.json", R"({"a":0,"b":3,"ab":5})"), "") << "ids may have holes";
  EXPECT_EQ(failure("vocab.json", R"({"a":7,"a":0,"b":1,"ab":2})"), "") << "of a token given twice, the last id counts";
  expect("vocab.json", "{}", "has no tokens");
  expect("vocab.json", R"({"a":0,"b":0})", "tokens 'a' and 'b' share id 0");
  expect("vocab.json", R"({"a":0,"b":1000002})", "has ids too far apart (expected less than 1000000 more than the 2");
  expect("vocab.json", R"({"a":0,"b":-1})", "token 'b' has id -1");
  expect("vocab.json", R"({"a":0.5})", "a: is not an integer");
  expect("vocab.json", R"({"a":99999999999999999999})", "");
  expect("vocab.json", "{\"\xFF\":0}", "is not valid JSON");
  expect("vocab.json", R"({"\ud800":0})", "is not valid JSON");
}

TEST_F(MalformedTokenizer, Merges) {
  write("config.json", R"({"model_type":"gpt2"})");
  write("vocab.json", R"({"a":0,"b":1,"ab":2})");
  expect("merges.txt", "a b\na\n", "line 2 is not two tokens");
  expect("merges.txt", "a b c\n", "line 1 is not two tokens");
  expect("merges.txt", "a x\n", "merge 1 ('a' 'x'): token 'x' is not in the vocabulary");
  expect("merges.txt", "a b\nab b\n", "merge 2 ('ab' 'b'): token 'abb' is not in the vocabulary");
  expect("merges.txt", "a \xC3\n", "is not UTF-8 at byte 2");
}

TEST_F(MalformedTokenizer, SentencePiece) {
  write("config.json", R"({"model_type":"t5"})");
  const std::string good = piece("<pad>") + piece("</s>") + piece("<unk>");
  EXPECT_EQ(failure("spiece.model", good), "");
  write("tokenizer_config.json", R"({"extra_ids":0})");
  expect("spiece.model", "", "it has no pieces");
  expect("spiece.model", piece("<pad>"), "has 1 tokens, and 2 as the unknown one");
  expect("spiece.model", good + "\x0A\x7F", "a field of 127 bytes is cut off");
  expect("spiece.model", good + "\x0A", "a field of 1 bytes is cut off");
  expect("spiece.model", good + "\x0B", "wire type 3");
  expect("spiece.model", good + "\x08" + std::string(11, '\xFF'), "a number is too long");
  expect("spiece.model", good + piece("\xFF"), "piece 3 is not UTF-8");
  expect("spiece.model", good + field(1, field(1, "a") + std::string("\x15\0\0\xC0\x7F", 5)),
         "its score is not a finite number");
  expect("spiece.model", good + field(3, field(2, "ab")), "precompiled_charsmap: is cut off");
  expect("spiece.model", good + field(3, field(2, std::string("\x08\0\0\0abcd", 8))), "a trie of 8 bytes in 4");
  expect("spiece.model", good + field(3, field(2, std::string("\x04\0\0\0abcd\xFF", 9))), "is not UTF-8");
}

TEST_F(MalformedTokenizer, ADamagedCharsmapReplacesNothing) {
  write("config.json", R"({"model_type":"t5"})");
  // A trie whose units lead outside it, or to a replacement outside or within a character.
  for (const std::uint32_t unit : {0U, 0xFFFFFFFFU, 0x7FFFFD61U, 0x00000561U, 0x80000100U}) {
    std::string map = {'\x10', 0, 0, 0};
    for (int i = 0; i < 4; ++i) map.append(reinterpret_cast<const char*>(&unit), sizeof unit);
    write("spiece.model", piece("<pad>") + piece("</s>") + piece("<unk>") + piece("a") + piece("\xE2\x96\x81") +
                              field(3, field(2, map + "\xC3\xA9")));
    const auto tokenizer = Tokenizer::open(directory_.path());
    EXPECT_EQ(tokenizer->encode("a", false), (std::vector<std::int32_t>{4, 3})) << unit;
  }
}

// tokenizer.json, with one part replaced at a time.
class MalformedTokenizerJson : public MalformedTokenizer {
 protected:
  void expect_json(const std::string& from, const std::string& to, const std::string& cause) const {
    std::string text = R"({"added_tokens":[{"id":2,"content":"</s>","special":true}],
      "normalizer":{"type":"Sequence","normalizers":[{"type":"Precompiled","precompiled_charsmap":"BAAAAAAAAAA="}]},
      "pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"},
      "post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}},{"SpecialToken":{"id":"</s>"}}],
        "special_tokens":{"</s>":{"ids":[2]}}},
      "decoder":{"type":"Metaspace","prepend_scheme":"always"},
      "model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["a",-1.5],["</s>",0]]}})";
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    if (cause.empty())
      EXPECT_EQ(failure("tokenizer.json", text), "") << to;
    else
      expect("tokenizer.json", text, cause);
  }
};

TEST_F(MalformedTokenizerJson, Parts) {
  expect_json("", "", "");
  expect_json("\"Unigram\"", "\"WordLevel\"", "model: 'WordLevel' is not one of BPE, WordPiece and Unigram");
  expect_json("\"model\"", "\"modell\"", "has no 'model'");
  expect_json("\"unk_id\":0", "\"unk_id\":3", "has 3 tokens, and 3 as the unknown one");
  expect_json("\"unk_id\":0", "\"unk_id\":-1", "unk_id: is negative");
  expect_json("\"unk_id\":0", "\"unk_id\":null", "has no 'unk_id'");
  expect_json("\"unk_id\":0", "\"unk_id\":0,\"byte_fallback\":1", "byte_fallback: is not true or false");
  expect_json("[\"a\",-1.5]", "[\"a\"]", "entry 2 is not a token and its score");
  expect_json("[\"a\",-1.5]", "[\"a\",\"b\"]", "is not a number");
  expect_json("[\"a\",-1.5]", "7", "is not a list");
  expect_json("\"id\":2,", "\"id\":1,", "added token '</s>' should have id 1, and the vocabulary makes it 2");
  expect_json("\"Precompiled\"", "\"Nmt\"", "'Nmt' is not a supported step");
  expect_json("\"BAAAAAAAAAA=\"", "\"B*\"", "is not valid base64");
  expect_json("\"BAAAAAAAAAA=\"", "\"\"", "is cut off");
  expect_json("\"Metaspace\",\"rep", "\"UnicodeScripts\",\"rep", "'UnicodeScripts' is not a supported step");
  expect_json("▁", "_", "replacement: '_' is not supported (expected U+2581)");
  expect_json("\"first\"", "\"last\"", "prepend_scheme: 'last' is not one of");
  expect_json("\"TemplateProcessing\"", "\"RobertaProcessing\"", "post_processor: has no 'cls'");
  expect_json("\"ids\":[2]", "\"ids\":[3]", "puts id 3 of 3");
  expect_json("{\"Sequence\":{\"id\":\"A\"}},", "", "has no place for the text");
  expect_json("{\"</s>\":{\"ids\":[2]}}", "{}", "has no '</s>'");
}

TEST_F(MalformedTokenizerJson, OfAnotherFamily) {
  write("config.json", R"({"model_type":"bert"})");
  expect_json("", "", "model: 'Unigram' where BertTokenizer has WordPiece");
}

TEST_F(MalformedTokenizerJson, Steps) {
  const std::string step = R"({"type":"Precompiled","precompiled_charsmap":"BAAAAAAAAAA="})";
  const auto normalizer = [&](const std::string& other, const std::string& cause) { expect_json(step, other, cause); };
  normalizer(R"({"type":"NFC"},{"type":"Strip","strip_left":true},{"type":"Prepend","prepend":"_"})", "");
  normalizer(R"({"type":"Prepend"})", "has no 'prepend'");
  normalizer(R"({"type":"Replace","content":"","pattern":{"Regex":"(a"}})", "'(a': '(' without ')' (at byte 2)");
  normalizer(R"({"type":"Replace","content":"","pattern":{"Regex":"\\p{Han}"}})", "'Han' is not a general category");
  normalizer(R"({"type":"Replace","content":"","pattern":{}})", "has no 'Regex'");
  normalizer(R"({"type":"Replace","pattern":{"String":"a"}})", "has no 'content'");
  const std::string metaspace = R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"first"})";
  expect_json(metaspace, R"({"type":"Split","pattern":{"String":" "},"behavior":"Cut"})",
              "behavior: 'Cut' is not one of");
  expect_json(metaspace, R"({"type":"Split","pattern":" "})", "pattern: is not an object");
  expect_json(metaspace, R"({"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":3}]})",
              "individual_digits: is not true or false");
  std::string many = R"({"type":"Fuse"})";
  for (int i = 0; i < 64; ++i) many += R"(,{"type":"Fuse"})";
  const std::string decoder = R"({"type":"Metaspace","prepend_scheme":"always"})";
  expect_json(decoder, R"({"type":"Sequence","decoders":[)" + many + "]}", "is one of more than 64 steps");
  expect_json(decoder, R"({"type":"Strip","content":" ","start":-1,"stop":0})", "start: is negative");
  expect_json(decoder, R"({"type":"CTC"})", "'CTC' is not a supported step");
}

TEST_F(MalformedTokenizerJson, BytePairs) {
  const auto model = [&](const std::string& other, const std::string& cause) {
    expect_json(R"("Unigram","unk_id":0,"vocab":[["<unk>",0],["a",-1.5],["</s>",0]])",
                R"("BPE","vocab":{"a":0,"aa":1,"</s>":2},)" + other, cause);
  };
  model(R"("merges":[["a","a"]],"dropout":null,"unk_token":null)", "");
  model(R"("merges":["a a"],"dropout":0.5)", "dropout: is not supported");
  model(R"("merges":["a a"],"unk_token":"<unk>")", "unk_token: '<unk>' is not in the vocabulary");
  model(R"("merges":["a a a"])", "merge 1 is not two tokens");
  model(R"("merges":[["a","aa"]])", "merge 1 ('a' 'aa'): token 'aaa' is not in the vocabulary");
  model(R"("merges":[],"end_of_word_suffix":"</w>")", "end_of_word_suffix: is not supported");
}

TEST_F(MalformedTokenizer, SentencePieceOfBytePairs) {
  const std::string good = piece("<unk>") + piece("<s>") + piece("</s>") + piece("a") + piece("aa");
  const std::string bpe = field(2, std::string("\x18\x02", 2));
  EXPECT_EQ(failure("tokenizer.model", good + bpe), "");
  expect("tokenizer.model", good + bpe + field(1, field(1, "b") + "\x18\x09"), "piece 5 has type 9 (expected 1 to 6)");
  expect("tokenizer.model", piece("a") + bpe, "unk_token: '<unk>' is not in the vocabulary");
  expect("tokenizer.model", good + field(2, "\xC0\x02\x09"), "has 5 tokens, and 9 as the unknown one");
  expect("tokenizer.model", good + field(2, "\xEA\x02\x01\xFF"), "the name of a special piece is not UTF-8");
}

}  // namespace
}  // namespace pare
