// One named corruption of a safetensors file per field; each must be refused by an Error that names
// the file, the tensor, if there is one, and the cause. Everything that the format allows must be accepted.
#include "support/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pare/checkpoint.h"
#include "support/errors.h"

namespace pare {
namespace {

using test::safetensors;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kFile = "model.safetensors: ";
constexpr const char* kTensor = "model.safetensors: tensor 'w': ";

std::string failure(const std::string& file) { return test::safetensors_failure(file); }

/// The message for a wrong header (and data).
std::string with_header(std::string_view header, std::string_view data = "") {
  return failure(safetensors(header, data));
}

/// The message for a file of one tensor 'w' of these fields.
std::string with_fields(std::string_view fields, std::string_view data = "abcd") {
  return with_header("{\"w\":{" + std::string(fields) + "}}", data);
}
std::string with_dtype(std::string_view dtype) {
  return with_fields(R"("dtype":)" + std::string(dtype) + R"(,"shape":[4],"data_offsets":[0,4])");
}
std::string with_shape(std::string_view shape, std::string_view dtype = "U8") {
  return with_fields(R"("dtype":")" + std::string(dtype) + R"(","shape":)" + std::string(shape) +
                     R"(,"data_offsets":[0,4])");
}
std::string with_offsets(std::string_view offsets) {
  return with_fields(R"("dtype":"U8","shape":[4],"data_offsets":)" + std::string(offsets));
}

/// A header of U8 tensors named a, b, ... at [begin, end).
std::string placed(const std::vector<std::pair<int, int>>& places) {
  std::string header = "{";
  char name = 'a';
  for (const auto& [begin, end] : places) {
    if (name != 'a') header += ",";
    header += std::string("\"") + name++ + R"(":{"dtype":"U8","shape":[)" + std::to_string(end - begin) +
              R"(],"data_offsets":[)" + std::to_string(begin) + "," + std::to_string(end) + "]}";
  }
  return header + "}";
}

/// Metadata, three tensors of different kinds, an escape and padding: every byte has a meaning.
std::string good() {
  return safetensors(
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},)"
      R"("b\n":{"dtype":"F4","shape":[2,3],"data_offsets":[8,11]},"c":{"dtype":"BOOL","shape":[],"data_offsets":[11,12]}}  )",
      "12345678abc\x01");
}

TEST(MalformedSafetensors, TheGoodOnesAreRead) {
  EXPECT_EQ(failure(good()), "");
  EXPECT_EQ(with_dtype(R"("U8")"), "");
  EXPECT_EQ(with_header("{}"), "");
  EXPECT_EQ(with_header(placed({{0, 2}, {2, 2}, {2, 4}}), "abcd"), "");
}

// The frame: length, header, JSON.

TEST(MalformedSafetensors, EmptyFile) {
  EXPECT_EQ(failure(""), std::string(kFile) + "is 0 bytes long, too short for a safetensors header");
}
TEST(MalformedSafetensors, ShorterThanTheLength) {
  EXPECT_EQ(failure("1234567"), std::string(kFile) + "is 7 bytes long, too short for a safetensors header");
}
TEST(MalformedSafetensors, EmptyHeader) {
  EXPECT_EQ(failure(safetensors("", "")), std::string(kFile) + "the header does not begin with '{'");
  EXPECT_EQ(failure(safetensors("{}", "", 0)), std::string(kFile) + "the header does not begin with '{'");
}
TEST(MalformedSafetensors, HeaderAboveTheLimit) {
  EXPECT_EQ(
      failure(safetensors("{}", "", 100'000'001)),
      std::string(kFile) + "the header claims 100000001 bytes; the limit is 100000000 (is this a safetensors file?)");
  EXPECT_THAT(failure(safetensors("{}", "", ~std::uint64_t{0})), HasSubstr("claims 18446744073709551615 bytes"));
  EXPECT_THAT(failure("<!DOCTYPE html>"), HasSubstr("is a web page, not weights"));
  EXPECT_THAT(failure("version https://git-lfs.github.com/spec/v1\n"), HasSubstr("is a Git LFS pointer"));
}
TEST(MalformedSafetensors, HeaderPastTheEnd) {
  EXPECT_EQ(failure(safetensors("{}", "abc", 6)),
            std::string(kFile) + "the header claims 6 bytes but only 5 follow: the file is truncated");
  EXPECT_THAT(failure(safetensors("{}", "", 100'000'000)), HasSubstr("claims 100000000 bytes but only 2 follow"));
}
TEST(MalformedSafetensors, HeaderThatBeginsWithSomethingElse) {
  for (const char* header : {" {}", "\n{}", "[]", "null", "\"{}\"", "\xef\xbb\xbf{}", "x"})
    EXPECT_EQ(with_header(header), std::string(kFile) + "the header does not begin with '{'") << header;
}
TEST(MalformedSafetensors, HeaderCutShort) {
  EXPECT_THAT(failure(safetensors(R"({"w":{}})", "", 5)),
              StartsWith(std::string(kFile) + "the header is not valid JSON"));
}
TEST(MalformedSafetensors, InvalidJson) {
  for (const char* header : {"{", "{]", "{}}", "{} x", "{'w':1}", R"({"w"})", R"({"w":})", R"({"a":1,})", R"({a:1})",
                             R"({"w":01})", R"({"w":NaN})", R"({"w":1e999})", R"({"w":99999999999999999999})",
                             "{\"w\n\":1}", R"({"\x":1})", R"({"\ud800":1})", "{}//"})
    EXPECT_THAT(with_header(header), StartsWith(std::string(kFile) + "the header is not valid JSON: ")) << header;
  EXPECT_THAT(with_header(std::string_view("{}\0", 3)), HasSubstr("the header is not valid JSON"));
}
TEST(MalformedSafetensors, InvalidUtf8) {
  for (const char* name : {"\xff", "\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82"})
    EXPECT_THAT(with_header("{\"" + std::string(name) + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})"),
                StartsWith(std::string(kFile) + "the header is not valid JSON: "));
}
TEST(MalformedSafetensors, DeepNestingEndsSoon) {
  for (const std::size_t depth : {2000UL, 1'000'000UL})
    EXPECT_THAT(with_header("{\"w\":" + std::string(depth, '[') + std::string(depth, ']') + "}"),
                StartsWith(std::string(kFile) + "the header is not valid JSON: "));
}

// Names and metadata.

TEST(MalformedSafetensors, DuplicateName) {
  const std::string entry = R"({"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  EXPECT_EQ(with_header("{\"w\":" + entry + ",\"w\":" + entry + "}", "abcd"),
            std::string(kTensor) + "the name appears twice in the header");
  EXPECT_EQ(with_header("{\"w\":" + entry + ",\"\\u0077\":" + entry + "}", "abcd"),
            std::string(kTensor) + "the name appears twice in the header");
}
TEST(MalformedSafetensors, HostileNamesStayOnOneLine) {
  EXPECT_EQ(with_header(R"({"\u001b[2J\n":1})"),
            std::string(kFile) + "tensor '?[2J?': its header entry is not a JSON object");
}
TEST(MalformedSafetensors, DuplicateMetadata) {
  EXPECT_EQ(with_header(R"({"__metadata__":{},"__metadata__":{}})"),
            std::string(kFile) + "the header has two '__metadata__' entries");
  EXPECT_EQ(with_header(R"({"__metadata__":null,"__metadata__":null})"),
            std::string(kFile) + "the header has two '__metadata__' entries");
  EXPECT_EQ(with_header(R"({"__metadata__":{"a":"1","a":"2"}})"),
            std::string(kFile) + "'__metadata__' has two entries 'a'");
}
TEST(MalformedSafetensors, MetadataOfTheWrongType) {
  for (const char* metadata : {"[]", "\"pt\"", "1", "true"})
    EXPECT_EQ(with_header("{\"__metadata__\":" + std::string(metadata) + "}"),
              std::string(kFile) + "'__metadata__' is not a JSON object")
        << metadata;
  for (const char* value : {"1", "null", "true", "{}", "[\"pt\"]"})
    EXPECT_EQ(with_header(R"({"__metadata__":{"format":)" + std::string(value) + "}}"),
              std::string(kFile) + "'__metadata__' entry 'format' is not a string")
        << value;
}
TEST(MalformedSafetensors, WhatTheReferencePassesOver) {
  EXPECT_EQ(with_header(R"({"__metadata__":null})"), "");
  EXPECT_EQ(with_fields(R"("dtype":"U8","shape":[4],"x":[{}],"data_offsets":[0,4],"x":null)"), "");
}

// Fields of a tensor.

TEST(MalformedSafetensors, EntryOfTheWrongType) {
  for (const char* entry : {"null", "1", "\"F32\"", "true", "[\"U8\",[4],[0,4]]"})
    EXPECT_EQ(with_header("{\"w\":" + std::string(entry) + "}", "abcd"),
              std::string(kTensor) + "its header entry is not a JSON object")
        << entry;
}
TEST(MalformedSafetensors, MissingField) {
  EXPECT_EQ(with_fields(""), std::string(kTensor) + "field 'dtype' is missing");
  EXPECT_EQ(with_fields(R"("shape":[4],"data_offsets":[0,4])"), std::string(kTensor) + "field 'dtype' is missing");
  EXPECT_EQ(with_fields(R"("dtype":"U8","data_offsets":[0,4])"), std::string(kTensor) + "field 'shape' is missing");
  EXPECT_EQ(with_fields(R"("dtype":"U8","shape":[4])"), std::string(kTensor) + "field 'data_offsets' is missing");
  EXPECT_EQ(with_fields(R"("dtype":"U8","Shape":[4],"data_offsets":[0,4])"),
            std::string(kTensor) + "field 'shape' is missing");
}
TEST(MalformedSafetensors, FieldTwice) {
  const std::string fields = R"("dtype":"U8","shape":[4],"data_offsets":[0,4])";
  EXPECT_EQ(with_fields(fields + R"(,"dtype":"U8")"), std::string(kTensor) + "field 'dtype' appears twice");
  EXPECT_EQ(with_fields(fields + R"(,"shape":[4])"), std::string(kTensor) + "field 'shape' appears twice");
  EXPECT_EQ(with_fields(fields + R"(,"data_offsets":[0,4])"),
            std::string(kTensor) + "field 'data_offsets' appears twice");
}
TEST(MalformedSafetensors, UnknownDtype) {
  for (const char* dtype : {"", "f32", "F33", "F32 ", "float32", "C128", "I4"})
    EXPECT_EQ(with_dtype("\"" + std::string(dtype) + "\""),
              std::string(kTensor) + "unknown dtype '" + std::string(dtype) + "'");
}
TEST(MalformedSafetensors, DtypeOfTheWrongType) {
  for (const char* dtype : {"null", "0", "[\"U8\"]", "{\"U8\":null}"})
    EXPECT_EQ(with_dtype(dtype), std::string(kTensor) + "'dtype' is not a string") << dtype;
}
TEST(MalformedSafetensors, ShapeOfTheWrongType) {
  for (const char* shape : {"null", "4", "\"4\"", "{}"})
    EXPECT_EQ(with_shape(shape), std::string(kTensor) + "'shape' is not an array") << shape;
}
TEST(MalformedSafetensors, ExtentThatIsNoSize) {
  for (const char* shape : {"[-4]", "[4.0]", "[0.5]", "[4e0]", "[\"4\"]", "[null]", "[true]", "[[4]]"})
    EXPECT_EQ(with_shape(shape),
              std::string(kTensor) + "'shape' contains an element that is not a non-negative integer")
        << shape;
  EXPECT_THAT(with_shape("[18446744073709551616]"), StartsWith(kFile));  // 2^64
}
TEST(MalformedSafetensors, ShapeWhoseProductOverflows) {
  const std::string overflow = std::string(kTensor) + "the product of its shape overflows";
  EXPECT_EQ(with_shape("[4294967296,4294967296]"), overflow);       // 2^64 elements
  EXPECT_EQ(with_shape("[4,4611686018427387905]"), overflow);       // 4 (2^62 + 1): 4, if it wrapped
  EXPECT_EQ(with_shape("[18446744073709551615,2,0]"), overflow);    // though 0 in the end
  EXPECT_EQ(with_shape("[2305843009213693952]", "F64"), overflow);  // 2^61 elements are 2^64 bytes
  EXPECT_EQ(with_shape("[2305843009213693952]", "U8"), overflow);   // and 2^64 bits
  EXPECT_EQ(with_shape("[1152921504606846977]", "F32"), overflow);  // 4 bytes, if they wrapped
}
TEST(MalformedSafetensors, ShapeAndDtypeThatNeedAnotherSize) {
  EXPECT_EQ(with_shape("[3]"), std::string(kTensor) + "dtype U8 and its shape need 3 bytes, but data_offsets span 4");
  EXPECT_EQ(with_shape("[4]", "F32"),
            std::string(kTensor) + "dtype F32 and its shape need 16 bytes, but data_offsets span 4");
  EXPECT_EQ(with_shape("[]"), std::string(kTensor) + "dtype U8 and its shape need 1 bytes, but data_offsets span 4");
  EXPECT_EQ(with_shape("[4,0]"), std::string(kTensor) + "dtype U8 and its shape need 0 bytes, but data_offsets span 4");
  EXPECT_EQ(with_shape("[4]", "F4"),
            std::string(kTensor) + "dtype F4 and its shape need 2 bytes, but data_offsets span 4");
}
TEST(MalformedSafetensors, SubByteElementsThatEndWithinAByte) {
  const std::string misaligned = std::string(kTensor) + "its elements do not fill whole bytes";
  EXPECT_EQ(with_shape("[7]", "F4"), misaligned);
  EXPECT_EQ(with_shape("[5]", "F6_E2M3"), misaligned);
  EXPECT_EQ(with_shape("[1,6]", "F6_E3M2"), misaligned);
}
TEST(MalformedSafetensors, OffsetsOfTheWrongType) {
  for (const char* offsets : {"null", "4", "\"0,4\"", "{}"})
    EXPECT_EQ(with_offsets(offsets), std::string(kTensor) + "'data_offsets' is not an array") << offsets;
  for (const char* offsets : {"[-1,4]", "[0,4.0]", "[0,null]", "[\"0\",4]"})
    EXPECT_EQ(with_offsets(offsets),
              std::string(kTensor) + "'data_offsets' contains an element that is not a non-negative integer")
        << offsets;
}
TEST(MalformedSafetensors, OffsetsThatAreNoPair) {
  EXPECT_EQ(with_offsets("[]"), std::string(kTensor) + "'data_offsets' holds 0 numbers; expected 2");
  EXPECT_EQ(with_offsets("[4]"), std::string(kTensor) + "'data_offsets' holds 1 numbers; expected 2");
  EXPECT_EQ(with_offsets("[0,4,4]"), std::string(kTensor) + "'data_offsets' holds 3 numbers; expected 2");
}

// Offsets of the data.

TEST(MalformedSafetensors, BeginPastEnd) {
  EXPECT_EQ(with_offsets("[4,0]"), std::string(kTensor) + "data_offsets [4, 0) do not lie within the 4 bytes of data");
}
TEST(MalformedSafetensors, EndPastTheFile) {
  EXPECT_EQ(with_offsets("[1,5]"), std::string(kTensor) + "data_offsets [1, 5) do not lie within the 4 bytes of data");
  EXPECT_THAT(with_offsets("[18446744073709551612,18446744073709551615]"), HasSubstr("do not lie within"));
  EXPECT_THAT(with_offsets("[0,18446744073709551615]"), HasSubstr("do not lie within"));
  EXPECT_THAT(with_header(R"({"w":{"dtype":"U8","shape":[0],"data_offsets":[5,5]}})", "abcd"),
              HasSubstr("[5, 5) do not lie within"));
}
TEST(MalformedSafetensors, Hole) {
  EXPECT_EQ(with_header(placed({{0, 1}, {2, 4}}), "abcd"),
            std::string(kFile) + "tensor 'b': its data begin at 2, leaving a hole from 1");
  EXPECT_EQ(with_header(placed({{1, 4}}), "abcd"),
            std::string(kFile) + "tensor 'a': its data begin at 1, leaving a hole from 0");
}
TEST(MalformedSafetensors, Overlap) {
  EXPECT_EQ(with_header(placed({{0, 3}, {2, 4}}), "abcd"),
            std::string(kFile) + "tensor 'b': its data begin at 2, inside the tensor before it (up to 3)");
  EXPECT_EQ(with_header(placed({{0, 4}, {0, 4}}), "abcd"),
            std::string(kFile) + "tensor 'b': its data begin at 0, inside the tensor before it (up to 4)");
  EXPECT_THAT(with_header(placed({{0, 4}, {1, 1}}), "abcd"), HasSubstr("tensor 'b': its data begin at 1, inside"));
}
TEST(MalformedSafetensors, TrailingBytes) {
  EXPECT_EQ(failure(good() + "x"), std::string(kFile) + "tensors cover 12 bytes of data, but the file holds 13");
  EXPECT_EQ(with_header("{}", "x"), std::string(kFile) + "tensors cover 0 bytes of data, but the file holds 1");
}

// All of it.

TEST(MalformedSafetensors, TruncatedAnywhere) {
  const std::string file = good();
  for (std::size_t size = 0; size < file.size(); ++size)
    EXPECT_THAT(failure(file.substr(0, size)), StartsWith(kFile)) << size;
  EXPECT_EQ(failure(file.substr(0, file.size() - 1)),
            std::string(kFile) + "tensor 'c': data_offsets [11, 12) do not lie within the 11 bytes of data");
}
TEST(MalformedSafetensors, EveryByteChangedNeverCrashes) {
  const std::string file = good();
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (unsigned value = 0; value < 256; ++value) {
      std::string changed = file;
      changed[i] = static_cast<char>(value);
      const std::string message = failure(changed);
      accepted += message.empty() ? 1 : 0;
      if (i + 12 >= file.size()) {
        EXPECT_EQ(message, "") << "data may be any bytes";
      }
      if (!message.empty()) {
        EXPECT_THAT(message, StartsWith(kFile)) << i << " " << value;
      }
    }
  }
  EXPECT_GT(accepted, 12U * 256U) << "names may be changed too";
}
TEST(MalformedSafetensors, ALargeHeaderIsReadInOneGo) {
  std::vector<std::pair<std::string, std::string>> tensors;
  for (int i = 0; i < 20'000; ++i) tensors.emplace_back("layer." + std::to_string(i) + ".weight", "x");
  EXPECT_EQ(failure(test::safetensors_of(tensors)), "");
  tensors.emplace_back("layer.7.weight", "x");
  EXPECT_EQ(failure(test::safetensors_of(tensors)),
            std::string(kFile) + "tensor 'layer.7.weight': the name appears twice in the header");
}

TEST(MalformedSafetensors, OpenNamesTheFilesWholePath) {
  const test::TemporaryDirectory directory;
  test::write_text(directory / "model.safetensors", good() + "x");
  for (const std::filesystem::path& path : {directory.path(), directory / "model.safetensors"})
    EXPECT_EQ(test::error_of([&] { Checkpoint::open(path.string()); }),
              (directory / "model.safetensors").string() + ": tensors cover 12 bytes of data, but the file holds 13");
  test::write_text(directory / "model.safetensors", "");
  EXPECT_THAT(
      test::error_of([&] { Checkpoint::open(directory.path().string()); }),
      AllOf(StartsWith((directory / "model.safetensors").string()), EndsWith("too short for a safetensors header")));
}

// Error codes.

TEST(MalformedSafetensors, Codes) {
  const auto reading = [](const std::string& file) { return [file] { test::parse_safetensors(file); }; };
  const auto entry = [](const char* dtype) {
    return safetensors(R"({"w":{"dtype":")" + std::string(dtype) + R"(","shape":[4],"data_offsets":[0,4]}})", "abcd");
  };
  const char* file = "model.safetensors";
  EXPECT_THAT(reading(""), test::ThrowsError(ErrorCode::kMalformed, file));
  EXPECT_THAT(reading(safetensors("{}", "x")), test::ThrowsError(ErrorCode::kMalformed, file, "", {"0", "1"}));
  EXPECT_THAT(reading(entry("F32")), test::ThrowsError(ErrorCode::kMalformed, file, "w", {"16", "4"}));
  EXPECT_THAT(reading(entry("F33")), test::ThrowsError(ErrorCode::kUnsupported, file, "w", {"F33"}));
  EXPECT_THAT(reading(safetensors("{}", "", 100'000'001)),
              test::ThrowsError(ErrorCode::kLimit, file, "", {"100000001", "100000000"}));
}

}  // namespace
}  // namespace pare
