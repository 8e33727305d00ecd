// Variables of the environment, as huggingface_hub reads them.
#include "hub/hub_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/files.h"
#include "support/variables.h"

namespace pare::hub {
namespace {

using test::error_of;
using test::ScopedVariable;
using testing::HasSubstr;
using testing::Not;

class HubVariables : public testing::Test {
 protected:
  test::TemporaryDirectory directory_;
  ScopedVariable home_{"HF_HOME", directory_.path().string()};
  ScopedVariable endpoint_{"HF_ENDPOINT", std::nullopt};
  ScopedVariable token_{"HF_TOKEN", std::nullopt};
  ScopedVariable older_{"HUGGING_FACE_HUB_TOKEN", std::nullopt};
  ScopedVariable path_{"HF_TOKEN_PATH", std::nullopt};
  ScopedVariable implicit_{"HF_HUB_DISABLE_IMPLICIT_TOKEN", std::nullopt};
  ScopedVariable offline_{"HF_HUB_OFFLINE", std::nullopt};
  ScopedVariable transformers_{"TRANSFORMERS_OFFLINE", std::nullopt};
};

TEST_F(HubVariables, Endpoint) {
  EXPECT_EQ(hub_settings().endpoint, "https://huggingface.co");
  const ScopedVariable endpoint("HF_ENDPOINT", "http://localhost:8000//");
  EXPECT_EQ(hub_settings().endpoint, "http://localhost:8000");
  const ScopedVariable wrong("HF_ENDPOINT", "user:secret@host");
  EXPECT_THAT(error_of(hub_settings), testing::AllOf(HasSubstr("HF_ENDPOINT"), Not(HasSubstr("secret"))));
}

TEST_F(HubVariables, TokensInTheOrderOfHuggingFaceHub) {
  EXPECT_EQ(hub_settings().token, "");
  test::write_text(directory_ / "token", "hf_stored\r\n");
  EXPECT_EQ(hub_settings().token, "hf_stored");
  EXPECT_EQ(hub_settings().token_source, (directory_ / "token").string());
  test::write_text(directory_ / "other", " hf_other ");
  const ScopedVariable path("HF_TOKEN_PATH", (directory_ / "other").string());
  EXPECT_EQ(hub_settings().token, "hf_other");
  const ScopedVariable older("HUGGING_FACE_HUB_TOKEN", "hf_older");
  EXPECT_EQ(hub_settings().token, "hf_older");
  const ScopedVariable token("HF_TOKEN", "\thf_token\n");
  EXPECT_EQ(hub_settings().token, "hf_token");
  EXPECT_EQ(hub_settings().token_source, "HF_TOKEN");
  const ScopedVariable none("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
  EXPECT_EQ(hub_settings().token, "");
}

TEST_F(HubVariables, TokensThatWouldBreakAHeader) {
  for (const char* text : {"hf_a\r\nHost: x", "hf_a b", "hf_\x7f", "hf_\xC3\xA9"}) {
    const ScopedVariable token("HF_TOKEN", text);
    EXPECT_THAT(error_of(hub_settings), testing::AllOf(HasSubstr("HF_TOKEN"), Not(HasSubstr("hf_"))));
  }
  test::write_text(directory_ / "token", std::string(10'000, 'x'));
  EXPECT_THAT(error_of(hub_settings), HasSubstr("does not hold a token"));
}

TEST_F(HubVariables, Offline) {
  EXPECT_FALSE(is_offline());
  for (const auto& [value, expected] :
       {std::pair{"1", true}, {"true", true}, {"Yes", true}, {"0", false}, {"", false}}) {
    const ScopedVariable offline("HF_HUB_OFFLINE", value);
    EXPECT_EQ(is_offline(), expected) << value;
  }
  const ScopedVariable transformers("TRANSFORMERS_OFFLINE", "1");
  EXPECT_TRUE(is_offline());
  const ScopedVariable online("HF_HUB_OFFLINE", "0");
  EXPECT_FALSE(is_offline());
}

}  // namespace
}  // namespace pare::hub
