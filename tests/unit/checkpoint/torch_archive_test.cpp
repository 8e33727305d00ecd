// PyTorch archives against their contents according to PyTorch: tests/golden/make_torch_archives.py.
#include "checkpoint/torch/torch_archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "checkpoint/safetensors/safetensors_header.h"
#include "unit/checkpoint/torch_builder.h"

namespace pare {
namespace {

using checkpoint::SourceFile;
using testing::HasSubstr;
namespace fs = std::filesystem;

const fs::path kGolden = fs::path(PARE_SOURCE_DIR) / "tests/golden/torch";

const nlohmann::json& expected() {
  static const nlohmann::json all = nlohmann::json::parse(std::ifstream(kGolden / "expected.json"));
  return all;
}

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += kDigits[std::to_integer<unsigned>(byte) >> 4];
    text += kDigits[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

const TensorView& find(const SourceFile& file, std::string_view name) {
  for (const TensorView& tensor : file.tensors)
    if (tensor.name == name) return tensor;
  throw std::out_of_range(std::string(name));
}

class Golden : public testing::TestWithParam<const char*> {};

TEST_P(Golden, HoldsWhatPyTorchSays) {
  const SourceFile file = checkpoint::read_torch_archive(kGolden / GetParam());
  const nlohmann::json& tensors = expected().at(GetParam());
  ASSERT_EQ(file.tensors.size(), tensors.size());
  EXPECT_EQ(file.size, fs::file_size(kGolden / GetParam()));
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TensorView& tensor = file.tensors[i];
    SCOPED_TRACE(tensor.name);
    EXPECT_EQ(tensor.name, tensors[i]["name"]);
    EXPECT_EQ(dtype_name(tensor.dtype), tensors[i]["dtype"].get<std::string>());
    EXPECT_EQ(tensor.shape, tensors[i]["shape"].get<std::vector<std::uint64_t>>());
    EXPECT_EQ(hex(tensor.bytes), tensors[i]["bytes"]);
  }
}

INSTANTIATE_TEST_SUITE_P(Archives, Golden,
                         testing::Values("dtypes.pt", "views.pt", "parameters.pt", "pytorch_model.bin",
                                         "training_protocol2.pth", "training_protocol3.pth", "training_protocol4.pth",
                                         "training_protocol5.pth", "no_checksums.pt", "legacy.pt", "legacy_training.pt",
                                         "sparse.pt", "objects.pt"));

struct Refusal {
  const char* file;
  const char* cause;
};
class Refused : public testing::TestWithParam<Refusal> {};

TEST_P(Refused, NamesTheCause) {
  try {
    checkpoint::read_torch_archive(kGolden / GetParam().file);
    FAIL() << "was read";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(GetParam().cause));
    EXPECT_EQ(error.file(), kGolden / GetParam().file);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Archives, Refused,
    testing::Values(Refusal{"refused_negated.pt", "tensor 'x': is a lazily negated or conjugated view"},
                    Refusal{"refused_complex128.pt", "tensor 'x': has dtype complex128"},
                    Refusal{"refused_module.pt", "is an object of 'torch.nn.modules.linear.Linear', which is not run"},
                    Refusal{"refused_tensor.pt", "is a single tensor, not a state dict"},
                    Refusal{"refused_no_tensors.pt", "contains no tensors"},
                    Refusal{"refused_two_dicts.pt", "several dicts of tensors ('generator', 'discriminator'"}));

TEST(TorchArchive, ObjectsAreSteppedOverAndNamed) {
  const SourceFile file = checkpoint::read_torch_archive(kGolden / "objects.pt");
  ASSERT_EQ(file.notes.size(), 1U);
  EXPECT_THAT(file.notes[0], HasSubstr("objects.pt: objects of 'argparse.Namespace', 'collections.defaultdict'"));
  EXPECT_THAT(file.notes[0], HasSubstr("1 of them are in the state dict, and left out"));
}

TEST(TorchArchive, ContiguousViewsAreNotCopied) {
  const SourceFile file = checkpoint::read_torch_archive(kGolden / "views.pt");
  const std::byte* base = find(file, "base").bytes.data();
  EXPECT_EQ(find(file, "rows").bytes.data(), base + 2 * 8 * 4);
  EXPECT_EQ(find(file, "row").bytes.data(), base + 3 * 8 * 4);
  EXPECT_EQ(find(file, "last").bytes.data(), base + (5 * 8 + 7) * 4);
  EXPECT_EQ(find(file, "unit_rows").bytes.data(), base + 2 * 4);
}

TEST(TorchArchive, TheSameViewTwiceIsCopiedOnce) {
  const SourceFile file = checkpoint::read_torch_archive(kGolden / "views.pt");
  EXPECT_EQ(find(file, "transposed").bytes.data(), find(file, "transposed_again").bytes.data());
  EXPECT_NE(find(file, "transposed").bytes.data(), find(file, "steps").bytes.data());
}

TEST(TorchArchive, TiedWeightsAreTheSameBytes) {
  const SourceFile file = checkpoint::read_torch_archive(kGolden / "pytorch_model.bin");
  EXPECT_EQ(find(file, "embed.weight").bytes.data(), find(file, "head.weight").bytes.data());
}

TEST(TorchArchive, BytesOutliveTheReader) {
  std::shared_ptr<const void> alive;
  std::span<const std::byte> mapped, copied;
  {
    SourceFile file = checkpoint::read_torch_archive(kGolden / "views.pt");
    mapped = find(file, "base").bytes;
    copied = find(file, "transposed").bytes;
    alive = file.keep_alive;
  }
  EXPECT_EQ(hex(mapped), expected()["views.pt"][0]["bytes"]);
  EXPECT_EQ(hex(copied), expected()["views.pt"][1]["bytes"]);
}

TEST(TorchArchive, IsConvertedAsTransformersSavesIt) {
  const SourceFile file = checkpoint::read_torch_archive(kGolden / "pytorch_model.bin");
  EXPECT_EQ(checkpoint::read_metadata(file.metadata_header), (std::map<std::string, std::string>{{"format", "pt"}}));
  EXPECT_TRUE(file.header.empty());
}

TEST(TorchArchive, PrefersTheWrappedStateDict) {
  using namespace test::pickle;
  const auto one = [](const char* key) { return test::pickle::tensor(storage("FloatStorage", key, 2), 0, {2}, {1}); };
  const std::string two_floats(8, '\1');
  const auto names = [&](const std::string& value) {
    std::vector<std::string> all;
    for (const TensorView& tensor :
         test::parse(test::make_zip(test::archive_items(whole(value), {{"0", two_floats}}))).tensors)
      all.push_back(tensor.name);
    return all;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names(dict({{"ema", dict({{"a", one("0")}})}, {"model", dict({{"b", one("0")}})}})), Names{"b"});
  EXPECT_EQ(names(dict({{"model", dict({{"a", one("0")}})}, {"state_dict", dict({{"b", one("0")}})}})), Names{"b"});
  EXPECT_EQ(names(dict({{"net", dict({{"a", one("0")}})}, {"x", number(1)}})), Names{"a"});
  EXPECT_EQ(names(dict({{"w", one("0")}, {"net", dict({{"a", one("0")}})}})), Names{"w"});
  EXPECT_EQ(names(dict({{"w", one("0")}, {"model", number(3)}})), Names{"w"});
}

TEST(TorchArchive, LargeCopiesAreTheSameForAnyNumberOfThreads) {
  using namespace test::pickle;
  constexpr std::int64_t kRows = 700, kColumns = 900;  // more than one piece of work
  std::string data(kRows * kColumns * 2, '\0');
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 2654435761U >> 13);
  const std::string file = test::make_zip(
      test::archive_items(whole(dict({{"t", test::pickle::tensor(storage("HalfStorage", "0", kRows * kColumns), 0,
                                                                 {kColumns, kRows}, {1, kColumns})}})),
                          {{"0", data}}));
  const SourceFile source = test::parse(file);
  const auto* found = reinterpret_cast<const char*>(source.tensors.at(0).bytes.data());
  for (std::int64_t column = 0; column < kColumns; ++column)
    for (std::int64_t row = 0; row < kRows; ++row)
      ASSERT_EQ(std::memcmp(found + (column * kRows + row) * 2, data.data() + (row * kColumns + column) * 2, 2), 0);
}

TEST(TorchArchive, MayBeAnOldOneWithoutByteOrder) {
  using namespace test::pickle;
  const std::string pickle = whole(dict({{"x", test::pickle::tensor(storage("ByteStorage", "0", 3), 1, {2}, {1})}}));
  const SourceFile file = test::parse(test::make_zip({{"m/data.pkl", pickle}, {"m/data/0", "abc"}}));
  EXPECT_EQ(hex(file.tensors.at(0).bytes), "6263");
}

}  // namespace
}  // namespace pare
