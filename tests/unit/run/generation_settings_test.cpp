// generation_config.json: what is taken from it, and what is refused.
#include "run/generation/generation_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pare/error.h"
#include "support/files.h"

namespace pare::run {
namespace {

using testing::HasSubstr;

class GenerationSettings : public testing::Test {
 protected:
  Model model(const std::string& generation, const std::string& config = "{}") {
    test::write_text(directory_ / "generation_config.json", generation);
    Model model{"m", "m", {}, {},    Checkpoint::from_tensors({}, {}, directory_.path(), nullptr), {}, {},
                {},  {},  {}, config};
    model.side_files.emplace_back(directory_ / "generation_config.json", "generation_config.json");
    return model;
  }
  std::string refusal(const std::string& generation) {
    return test::error_of([&] { require_plain_generation(model(generation), 1); });
  }
  test::TemporaryDirectory directory_;
};

TEST_F(GenerationSettings, TheStartToken) {
  EXPECT_EQ(generation_start(model(R"({"decoder_start_token_id": 3, "bos_token_id": 2})")), 3);
  EXPECT_EQ(generation_start(model(R"({"decoder_start_token_id": 3})", R"({"decoder_start_token_id": 0})")), 3);
  EXPECT_EQ(generation_start(model(R"({"bos_token_id": 2})")), 2);
  EXPECT_EQ(generation_start(model(R"({"bos_token_id": 2})", R"({"decoder_start_token_id": 0})")), std::nullopt);
  EXPECT_EQ(generation_start(model("{}")), std::nullopt);
  Model without = model(R"({"decoder_start_token_id": 3})");
  without.side_files.clear();  // as in a composition
  EXPECT_EQ(generation_start(without), std::nullopt);
}

TEST_F(GenerationSettings, WhatIsNotAppliedIsRefused) {
  for (const char* plain :
       {"{}", R"({"no_repeat_ngram_size": 0, "repetition_penalty": 1.0, "forced_bos_token_id": null})",
        R"({"eos_token_id": 1, "suppress_tokens": []})", R"({"eos_token_id": [1]})"})
    EXPECT_EQ(refusal(plain), "") << plain;
  EXPECT_THAT(refusal(R"({"no_repeat_ngram_size": 3})"),
              HasSubstr("'no_repeat_ngram_size' is set, which pare does not apply when it writes texts (expected 0)"));
  EXPECT_THAT(refusal(R"({"repetition_penalty": 1.5})"), HasSubstr("(expected 1)"));
  EXPECT_THAT(refusal(R"({"forced_bos_token_id": 5})"), HasSubstr("(expected null)"));
  EXPECT_THAT(refusal(R"({"suppress_tokens": [7]})"), HasSubstr("'suppress_tokens'"));
  EXPECT_THAT(refusal(R"({"eos_token_id": 2})"), HasSubstr("(expected 1, found 2)"));
  EXPECT_THAT(refusal(R"({"eos_token_id": [1, 2]})"), HasSubstr("(expected 1, found 1, 2)"));
  EXPECT_THAT(refusal("{"), HasSubstr("is not valid JSON"));
}

}  // namespace
}  // namespace pare::run
