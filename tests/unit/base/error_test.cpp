// The message of an Error: one line, "FILE: tensor 'NAME': CAUSE".
#include "pare/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <system_error>

#include "base/system_error.h"

namespace pare {
namespace {

TEST(Error, NamesFileTensorAndCause) {
  const Error error(ErrorCode::kUnsupported, "models/a.safetensors", "h.0.weight", "unknown dtype 'F7'");
  EXPECT_STREQ(error.what(), "models/a.safetensors: tensor 'h.0.weight': unknown dtype 'F7'");
  EXPECT_EQ(error.file(), "models/a.safetensors");
  EXPECT_EQ(error.tensor(), "h.0.weight");
}

TEST(Error, LeavesOutWhatDoesNotApply) {
  EXPECT_STREQ(Error(ErrorCode::kMalformed, "a.bin", "is empty").what(), "a.bin: is empty");
  EXPECT_STREQ(Error(ErrorCode::kArgument, "no amounts given").what(), "no amounts given");
  EXPECT_STREQ(Error(ErrorCode::kMalformed, {}, "w", "is tied").what(), "tensor 'w': is tied");
  EXPECT_TRUE(Error(ErrorCode::kArgument, "no amounts given").file().empty());
  EXPECT_TRUE(Error(ErrorCode::kMalformed, "a.bin", "is empty").tensor().empty());
}

TEST(Error, StaysOneLineAndDrivesNoTerminal) {
  // Line breaks, an ANSI escape and DEL, in the file's name, the tensor's and the cause.
  const Error error(ErrorCode::kMalformed, "a\nb.bin", "w\r\x1b[31mred\x7f", "cause\twith\ncontrols");
  EXPECT_STREQ(error.what(), "a?b.bin: tensor 'w??[31mred?': cause?with?controls");
  EXPECT_EQ(error.tensor(), "w\r\x1b[31mred\x7f") << "the name itself is kept";
}

TEST(Error, LeavesOutTheMiddleOfWhatIsLong) {
  const std::string name(1'000'000, 'n');
  std::string cause = "token '";
  for (int i = 0; i < 100'000; ++i) cause += "\u6f22";
  cause += "' (expected 1, found 2)";
  const Error error(ErrorCode::kMalformed, "a.json", name, cause);
  const std::string_view what = error.what();
  EXPECT_LT(what.size(), 1500U);
  EXPECT_TRUE(what.ends_with("(expected 1, found 2)"));
  EXPECT_NE(what.find("\u6f22..."), what.npos) << "characters stay whole";
  EXPECT_EQ(error.tensor(), name) << "the name itself is kept";
}

TEST(Error, KeepsNamesInOtherScripts) {
  EXPECT_STREQ(Error(ErrorCode::kMalformed, "modèle.bin", "重み", "is empty").what(),
               "modèle.bin: tensor '重み': is empty");
}

TEST(Error, CarriesACode) {
  EXPECT_EQ(Error(ErrorCode::kNoSpace, "a.bin", "cannot write").code(), ErrorCode::kNoSpace);
  EXPECT_EQ(Error(ErrorCode::kArgument, "no amounts given").code(), ErrorCode::kArgument);
}

TEST(Error, CodesHaveNames) {
  EXPECT_EQ(error_code_name(ErrorCode::kArgument), "argument");
  EXPECT_EQ(error_code_name(ErrorCode::kMismatch), "mismatch");
  EXPECT_EQ(error_code_name(ErrorCode::kOutOfMemory), "out-of-memory");
  EXPECT_EQ(error_code_name(ErrorCode::kChanged), "changed");
}

TEST(Error, FailuresOfTheSystemHaveCodes) {
  EXPECT_EQ(base::code_of_errno(ENOENT), ErrorCode::kNotFound);
  EXPECT_EQ(base::code_of_errno(EEXIST), ErrorCode::kExists);
  EXPECT_EQ(base::code_of_errno(ENOSPC), ErrorCode::kNoSpace);
  EXPECT_EQ(base::code_of_errno(EFBIG), ErrorCode::kNoSpace);
  EXPECT_EQ(base::code_of_errno(ENOMEM), ErrorCode::kOutOfMemory);
  EXPECT_EQ(base::code_of_errno(EACCES), ErrorCode::kIo);
  EXPECT_EQ(base::code_of(std::make_error_code(std::errc::no_space_on_device)), ErrorCode::kNoSpace);
}

}  // namespace
}  // namespace pare
