// safetensors read and written, against the reference library: tests/golden/make_safetensors.py.
#include "support/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "checkpoint/safetensors/safetensors_header.h"
#include "checkpoint/safetensors/safetensors_writer.h"
#include "pare/checkpoint.h"

namespace pare {
namespace {

using checkpoint::SourceFile;
using test::parse_safetensors;
using test::safetensors;
using test::text_of;
using testing::ElementsAre;
using testing::StartsWith;
namespace fs = std::filesystem;

const fs::path kGolden = fs::path(PARE_SOURCE_DIR) / "tests/golden/safetensors";

const nlohmann::json& expected() {
  static const nlohmann::json all = nlohmann::json::parse(std::ifstream(kGolden / "expected.json"));
  return all;
}

std::vector<std::string> golden_files() {
  std::vector<std::string> names;
  for (const auto& [name, ignored] : expected().items()) names.push_back(name);
  return names;
}

std::vector<std::string> names_of(const SourceFile& file) {
  std::vector<std::string> names;
  for (const TensorView& tensor : file.tensors) names.push_back(tensor.name);
  return names;
}

/// The bytes that writing these tensors makes.
std::string written(const std::vector<TensorView>& tensors, const std::map<std::string, std::string>& metadata) {
  std::vector<const TensorView*> views;
  for (const TensorView& tensor : tensors) views.push_back(&tensor);
  const checkpoint::SafetensorsLayout layout = checkpoint::plan_layout(views, metadata);
  std::string file = layout.header;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(layout.offsets[i], file.size()) << tensors[i].name;
    file += text_of(tensors[i].bytes);
  }
  EXPECT_EQ(layout.offsets.size(), tensors.size());
  EXPECT_EQ(layout.file_size, file.size());
  return file;
}

class GoldenSafetensors : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Files, GoldenSafetensors, testing::ValuesIn(golden_files()),
                         [](const auto& file) { return file.param.substr(0, file.param.find('.')); });

TEST_P(GoldenSafetensors, HoldsWhatTheReferenceSays) {
  const SourceFile file = checkpoint::read_safetensors(kGolden / GetParam());
  const nlohmann::json& golden = expected().at(GetParam());
  EXPECT_EQ(nlohmann::json(checkpoint::read_metadata(file.metadata_header)), golden["metadata"]);
  ASSERT_EQ(file.tensors.size(), golden["tensors"].size());
  for (std::size_t i = 0; i < file.tensors.size(); ++i) {
    const TensorView& tensor = file.tensors[i];
    SCOPED_TRACE(tensor.name);
    const nlohmann::json& entry = golden["tensors"][i];
    EXPECT_EQ(tensor.name, entry["name"]);
    EXPECT_EQ(dtype_name(tensor.dtype), entry["dtype"].get<std::string>());
    EXPECT_EQ(tensor.shape, entry["shape"].get<std::vector<std::uint64_t>>());
    EXPECT_EQ(test::hex(tensor.bytes), entry["bytes"]);
  }
}

TEST_P(GoldenSafetensors, IsWrittenByteForByteAsTheReferenceDid) {
  const SourceFile file = checkpoint::read_safetensors(kGolden / GetParam());
  EXPECT_EQ(written(file.tensors, checkpoint::read_metadata(file.metadata_header)),
            test::read_text(kGolden / GetParam()));
}

TEST_P(GoldenSafetensors, KeepsTheHeaderVerbatim) {
  const SourceFile file = checkpoint::read_safetensors(kGolden / GetParam());
  const std::string bytes = test::read_text(kGolden / GetParam());
  EXPECT_EQ(file.size, bytes.size());
  EXPECT_THAT(bytes, StartsWith(text_of(file.header)));
  std::size_t data = 0;
  for (const TensorView& tensor : file.tensors) data += tensor.bytes.size();
  EXPECT_EQ(file.header.size() + data, bytes.size());
}

TEST(DTypes, HaveTheNamesAndSizesOfTheFormat) {
  const std::vector<std::pair<const char*, unsigned>> format{
      {"F64", 64},    {"F32", 32},        {"F16", 16},        {"BF16", 16}, {"F8_E4M3", 8}, {"F8_E5M2", 8},
      {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"F4", 4},    {"F6_E2M3", 6}, {"F6_E3M2", 6},
      {"C64", 64},    {"I64", 64},        {"I32", 32},        {"I16", 16},  {"I8", 8},      {"U64", 64},
      {"U32", 32},    {"U16", 16},        {"U8", 8},          {"BOOL", 8}};
  unsigned analyzed = 0;
  for (const auto& [name, bits] : format) {
    const std::optional<DType> dtype = parse_dtype(name);
    ASSERT_TRUE(dtype) << name;
    EXPECT_EQ(dtype_name(*dtype), name);
    EXPECT_EQ(dtype_bits(*dtype), bits) << name;
    analyzed += is_analyzed(*dtype) ? 1 : 0;
  }
  EXPECT_EQ(analyzed, 6U);
  for (const char* name : {"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})
    EXPECT_TRUE(is_analyzed(*parse_dtype(name))) << name;
  for (const char* name : {"", "f32", "F32 ", "float32", "I4", "F128", "BF16X"})
    EXPECT_FALSE(parse_dtype(name)) << name;
}

TEST(Safetensors, EveryDtypeSurvivesARoundTrip) {
  std::string bytes(48, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(37 * i + 11);
  for (std::size_t code = 0; code <= static_cast<std::size_t>(DType::kBool); ++code) {
    TensorView tensor;
    tensor.name = "w";
    tensor.dtype = static_cast<DType>(code);
    tensor.shape = {48 * 8 / dtype_bits(tensor.dtype)};
    tensor.bytes = std::as_bytes(std::span(bytes));
    SCOPED_TRACE(dtype_name(tensor.dtype));
    const SourceFile file = parse_safetensors(written({tensor}, {}));
    ASSERT_EQ(file.tensors.size(), 1U);
    EXPECT_EQ(file.tensors[0].dtype, tensor.dtype);
    EXPECT_EQ(file.tensors[0].shape, tensor.shape);
    EXPECT_EQ(file.tensors[0].elements(), tensor.shape[0]);
    EXPECT_EQ(text_of(file.tensors[0].bytes), bytes);
  }
}

TEST(Safetensors, MetadataSurviveARoundTrip) {
  const std::map<std::string, std::string> metadata{
      {"format", "pt"}, {"empty", ""}, {"", "no key"}, {"json", R"({"a": "\\\""})"}, {"линия", "две\nстроки"}};
  const std::string bytes = written({}, metadata);
  EXPECT_EQ(checkpoint::read_metadata(parse_safetensors(bytes).metadata_header), metadata);
}

TEST(Safetensors, NamesThatAreNoTextAreWrittenAsText) {
  TensorView tensor;
  tensor.name = "bad\xff";  // a PyTorch archive may hold it; JSON may not
  const std::string byte = "x";
  tensor.dtype = DType::kU8;
  tensor.bytes = std::as_bytes(std::span(byte));
  EXPECT_THAT(names_of(parse_safetensors(written({tensor}, {}))), ElementsAre("bad\xef\xbf\xbd"));  // U+FFFD
}

TEST(Safetensors, TensorsComeInTheOrderOfTheData) {
  const SourceFile file = parse_safetensors(safetensors(
      R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})",
      "xyz"));
  EXPECT_THAT(names_of(file), ElementsAre("a", "b"));
  EXPECT_EQ(text_of(file.tensors[0].bytes), "xy");
  EXPECT_EQ(text_of(file.tensors[1].bytes), "z");
}

TEST(Safetensors, EmptyTensorsLieAnywhere) {
  const SourceFile file =
      parse_safetensors(safetensors(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                                    R"("end":{"dtype":"F32","shape":[0],"data_offsets":[3,3]},)"
                                    R"("between":{"dtype":"F32","shape":[4,0],"data_offsets":[2,2]},)"
                                    R"("begin":{"dtype":"F32","shape":[0,4],"data_offsets":[0,0]},)"
                                    R"("b":{"dtype":"U8","shape":[],"data_offsets":[2,3]}})",
                                    "xyz"));
  EXPECT_THAT(names_of(file), ElementsAre("begin", "a", "between", "b", "end"));
  EXPECT_EQ(file.tensors[3].elements(), 1U) << "a scalar";
}

TEST(Safetensors, FieldsMayComeInAnyOrderAndWithWhitespace) {
  const SourceFile file =
      parse_safetensors(safetensors("{ \"w\" :\n{\"data_offsets\": [0, 4],\t\"shape\": [ ], \"dtype\": "
                                    "\"F\\u0033\\u0032\"}, \"__metadata__\": {} }    ",
                                    "wxyz"));
  ASSERT_EQ(file.tensors.size(), 1U);
  EXPECT_EQ(file.tensors[0].dtype, DType::kF32);
  EXPECT_TRUE(checkpoint::read_metadata(file.metadata_header).empty());
}

TEST(Safetensors, DataNeedNotBeAligned) {
  const SourceFile file = parse_safetensors(
      safetensors(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                  R"("w":{"dtype":"F64","shape":[1],"data_offsets":[1,9]}})",  // old writers did not sort by size
                  "a12345678"));
  EXPECT_EQ(text_of(file.tensors[1].bytes), "12345678");
}

TEST(RewriteLayout, KeepsASafetensorsHeaderAsItIs) {
  test::TemporaryDirectory directory;
  // A header that pare would write otherwise: not in data order, with spaces and an escaped name.
  const std::string file = safetensors(
      R"({ "b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}, "\u0061":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}} )",
      "xyz");
  test::write_text(directory / "model.safetensors", file);
  const Checkpoint opened = Checkpoint::open((directory / "model.safetensors").string());
  const checkpoint::SafetensorsLayout layout = checkpoint::rewrite_layout(opened, 0);
  EXPECT_EQ(layout.header + "xyz", file);
  EXPECT_EQ(layout.file_size, file.size());
  EXPECT_THAT(layout.offsets, ElementsAre(file.size() - 3, file.size() - 1));
  EXPECT_EQ(checkpoint::rewrite_index(opened), std::nullopt) << "one file needs no index";
}

TEST(RewriteLayout, GivesAPyTorchArchiveTheFormatThatTransformersAsksFor) {
  const Checkpoint opened = Checkpoint::open((kGolden.parent_path() / "torch/no_checksums.pt").string());
  const checkpoint::SafetensorsLayout layout = checkpoint::rewrite_layout(opened, 0);
  EXPECT_EQ(layout.header.substr(8),
            R"({"__metadata__":{"format":"pt"},"x":{"dtype":"F32","shape":[5],"data_offsets":[0,20]}}  )");
  EXPECT_EQ(layout.file_size, layout.header.size() + 20);
}

TEST(RewriteIndex, ListsEveryTensorsFileAndTheirTotalSize) {
  test::TemporaryDirectory directory;
  test::write_text(directory / "model-00001-of-00002.safetensors", test::safetensors_of({{"a", "xx"}, {"c", "y"}}));
  test::write_text(directory / "model-00002-of-00002.safetensors", test::safetensors_of({{"b", "zzz"}}));
  test::write_text(directory / "model.safetensors.index.json",
                   R"({"metadata":{"total_size":6},"weight_map":{"a":"model-00001-of-00002.safetensors",)"
                   R"("b":"model-00002-of-00002.safetensors","c":"model-00001-of-00002.safetensors"}})");
  const Checkpoint opened = Checkpoint::open(directory.path().string());
  const nlohmann::json index = nlohmann::json::parse(checkpoint::rewrite_index(opened).value());
  EXPECT_EQ(index, nlohmann::json::parse(test::read_text(directory / "model.safetensors.index.json")));
}

}  // namespace
}  // namespace pare
