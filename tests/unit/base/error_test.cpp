// What an Error says: one line, "FILE: tensor 'NAME': CAUSE".
#include "pare/error.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace pare {
namespace {

TEST(Error, NamesFileTensorAndCause) {
  const Error error("models/a.safetensors", "h.0.weight", "unknown dtype 'F7'");
  EXPECT_STREQ(error.what(), "models/a.safetensors: tensor 'h.0.weight': unknown dtype 'F7'");
  EXPECT_EQ(error.file(), "models/a.safetensors");
  EXPECT_EQ(error.tensor(), "h.0.weight");
}

TEST(Error, LeavesOutWhatDoesNotApply) {
  EXPECT_STREQ(Error("a.bin", "is empty").what(), "a.bin: is empty");
  EXPECT_STREQ(Error("no amounts given").what(), "no amounts given");
  EXPECT_STREQ(Error({}, "w", "is tied").what(), "tensor 'w': is tied");
  EXPECT_TRUE(Error("no amounts given").file().empty());
  EXPECT_TRUE(Error("a.bin", "is empty").tensor().empty());
}

TEST(Error, StaysOneLineAndDrivesNoTerminal) {
  // Line breaks, an ANSI escape and DEL, in the file's name, the tensor's and the cause.
  const Error error("a\nb.bin", "w\r\x1b[31mred\x7f", "cause\twith\ncontrols");
  EXPECT_STREQ(error.what(), "a?b.bin: tensor 'w??[31mred?': cause?with?controls");
  EXPECT_EQ(error.tensor(), "w\r\x1b[31mred\x7f") << "the name itself is kept";
}

TEST(Error, KeepsNamesInOtherScripts) {
  EXPECT_STREQ(Error("modèle.bin", "重み", "is empty").what(), "modèle.bin: tensor '重み': is empty");
}

TEST(Error, InterruptedIsAnError) {
  EXPECT_TRUE((std::is_base_of_v<Error, Interrupted>));
  EXPECT_STREQ(Interrupted().what(), "interrupted");
}

}  // namespace
}  // namespace pare
