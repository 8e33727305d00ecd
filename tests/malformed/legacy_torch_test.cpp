// Damaged files of torch.save before 1.6, made from those in tests/golden/torch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/files.h"
#include "unit/checkpoint/torch_builder.h"

namespace pare {
namespace {

using test::failure;
using testing::HasSubstr;
using testing::StartsWith;

std::string golden(const std::string& name) {
  return test::read_text(std::filesystem::path(PARE_SOURCE_DIR) / "tests/golden/torch" / name);
}

/// The file with `from`, which it contains once, replaced.
std::string with(std::string file, const std::string& from, const std::string& to) {
  const auto at = file.find(from);
  EXPECT_NE(at, std::string::npos);
  return file.replace(at, from.size(), to);
}

TEST(MalformedLegacy, TheGoodOnesAreRead) {
  for (const char* name : {"legacy.pt", "legacy_training.pt"}) EXPECT_EQ(failure(golden(name)), "");
}
TEST(MalformedLegacy, TruncatedAnywhere) {
  const std::string file = golden("legacy_training.pt");
  for (std::size_t size = 0; size < file.size(); ++size)
    EXPECT_THAT(failure(file.substr(0, size)), StartsWith("model.bin: ")) << size;
}
TEST(MalformedLegacy, TrailingData) {
  EXPECT_EQ(failure(golden("legacy.pt") + "xyz"), "model.bin: has 3 bytes after its last storage (expected none)");
}
TEST(MalformedLegacy, EveryByteChangedNeverCrashes) {
  const std::string file = golden("legacy_training.pt");
  for (std::size_t i = 0; i < file.size(); ++i)
    for (const unsigned value : {0U, 1U, 0x2eU, 0x7fU, 0xffU}) {
      std::string changed = file;
      changed[i] = static_cast<char>(value);
      failure(changed);
    }
}
TEST(MalformedLegacy, AnotherVersionOrMachine) {
  const std::string file = golden("legacy_training.pt");
  EXPECT_THAT(failure(with(file, std::string("M\xe9\x03"), std::string("M\xea\x03"))),
              HasSubstr("has another version of torch.save's legacy format (expected 1001)"));
  const std::string little = "little_endian";
  const auto at = file.find("\x88", file.find(little));  // NEWTRUE
  std::string big = file;
  big[at] = '\x89';
  EXPECT_THAT(failure(big), HasSubstr("big-endian"));
}
TEST(MalformedLegacy, CountsThatDiffer) {
  std::string file = golden("legacy_training.pt");
  file[file.size() - 16 - 8] = 5;  // the last storage has 16 bytes
  EXPECT_THAT(failure(file), HasSubstr("has the wrong number of elements (expected "));
  file[file.size() - 16 - 1] = '\x7f';
  EXPECT_THAT(failure(file), HasSubstr("has the wrong number of elements"));
}
TEST(MalformedLegacy, APickleThatRunsCode) {
  EXPECT_THAT(failure(with(golden("legacy_training.pt"), "argparse\nNamespace", "subprocess\nPopen")),
              HasSubstr("refers to 'subprocess.Popen', which builds no tensor and is not run"));
}

}  // namespace
}  // namespace pare
