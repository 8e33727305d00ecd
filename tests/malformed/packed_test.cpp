// One named corruption of a packed file per field; each must be refused by an Error that names the file, the tensor
// and the cause, when the file is opened or, if it shows in the data only, when they are read. Checksums are correct
// unless they are the corruption, because a faulty or malicious writer would compute them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "malformed/packed_file.h"

namespace pare::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(MalformedPacked, TheGoodOnesAreRead) {
  for (const Packed& packed : {bitmask(), gaps8(), gaps4(), gaps8_zstd(), dense_zstd(), dense()})
    EXPECT_EQ(failure(packed), "") << packed.encoding;
}

// The metadata.

TEST(MalformedPacked, NoJson) {
  EXPECT_THAT(failure(File(gaps8()).with_metadata(R"("pare.packed":"{")")),
              StartsWith("model.safetensors: 'pare.packed' is not valid JSON: "));
}
TEST(MalformedPacked, Version) {
  File file(gaps8());
  file.version = "2";
  EXPECT_EQ(failure(file), "model.safetensors: was packed in version 2 of the format; this pare reads version 1");
  file.version = "\"1\"";
  EXPECT_EQ(failure(file), "model.safetensors: 'pare.packed' has no version");
}
TEST(MalformedPacked, NoHeader) {
  EXPECT_EQ(failure(File(gaps8()).with_metadata(R"("pare.packed":"{\"version\":1}")")),
            "model.safetensors: 'pare.header' is missing from its metadata");
}
TEST(MalformedPacked, HeaderChecksum) {
  File file(gaps8());
  file.header_hash[3] ^= 1;
  EXPECT_THAT(failure(file), StartsWith("model.safetensors: 'pare.header' is damaged: its checksum is "));
  EXPECT_EQ(failure(File(gaps8()).with_metadata(R"("pare.header":"{}","pare.packed":"{\"version\":1}")")),
            "model.safetensors: 'pare.packed' has no checksum of 'pare.header'");
}
TEST(MalformedPacked, HeaderThatIsNone) {
  for (const auto& [header, cause] :
       {std::pair{"", "'pare.header' does not begin with '{'"},
        {"{\"", "'pare.header' is not valid JSON: "},
        {R"({"m.weight":{"dtype":"F9","shape":[2],"data_offsets":[0,2]}})", "tensor 'm.weight': unknown dtype 'F9'"},
        {R"({"m.weight":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
         "tensor 'm.weight': its data begin at 1, leaving a hole from 0"},
        {R"({"m.weight":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,2]}})",
         "tensor 'm.weight': the product of its shape overflows"}}) {
    File file(gaps8());
    file.header = header;
    file.header_hash = hash_of(header);
    EXPECT_THAT(failure(file), StartsWith(std::string("model.safetensors: ") + cause)) << header;
  }
}
TEST(MalformedPacked, RecordsThatAreNone) {
  File file(gaps8());
  file.records = "[]";
  EXPECT_EQ(failure(file), "model.safetensors: 'pare.packed' lists no tensors");
  file.records = "{}";
  EXPECT_EQ(failure(file), tensor_error("'pare.packed' does not list it"));
  file.records = R"({"m.weight":{"encoding":"gaps8","nonzeros":4}})";
  EXPECT_EQ(failure(file), tensor_error("its entry in 'pare.packed' lacks encoding, nonzeros or xxh3_64"));
  file.records = R"({"m.weight":{"encoding":"gaps8","nonzeros":-4,"xxh3_64":"0"}})";
  EXPECT_EQ(failure(file), tensor_error("its entry in 'pare.packed' lacks encoding, nonzeros or xxh3_64"));
  file.records = R"({"m.weight":{"encoding":"gaps9","nonzeros":4,"xxh3_64":"0"}})";
  EXPECT_EQ(failure(file), tensor_error("has unknown encoding 'gaps9'"));
  file = File(gaps8());
  file.records.replace(file.records.size() - 1, 1, R"(,"m.weight":{}})");
  EXPECT_EQ(failure(file), tensor_error("'pare.packed' lists it twice"));
  file = File(gaps8());
  file.records.replace(file.records.size() - 1, 1, R"(,"other":{}})");
  EXPECT_EQ(failure(file), "model.safetensors: 'pare.packed' lists 2 tensors, 'pare.header' 1");
}

// The parts.

TEST(MalformedPacked, MissingParts) {
  for (const Packed& packed : {bitmask(), gaps8(), gaps4(), gaps8_zstd(), dense_zstd(), dense()})
    for (std::size_t i = 0; i < packed.parts.size(); ++i) {
      File file(packed);
      const std::string name = file.parts[i].name;
      file.parts.erase(file.parts.begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_EQ(failure(file), tensor_error("its part '" + name + "' is missing from the file"));
    }
}
TEST(MalformedPacked, PartsLeftOver) {
  File file(gaps8());
  file.parts.push_back({"other", "U8", "[1]", "x"});
  EXPECT_EQ(failure(file), "model.safetensors: tensor 'other': is not part of any tensor of 'pare.header'");
}
TEST(MalformedPacked, PartsOfTwoTensors) {
  // Both 'm' and 'm.weight' would be made of 'm.bitmask'.
  File file(bitmask());
  const std::string zeros(40, '\0');
  file.header = header_of({{"m", "F8_E4M3", "[2,20]", zeros}, {"m.weight", "F8_E4M3", "[2,20]", zeros}}, "");
  file.header_hash = hash_of(file.header);
  const std::string record =
      file.records.substr(file.records.find(':'), file.records.size() - 1 - file.records.find(':'));
  file.records = "{\"m\"" + record + ",\"m.weight\"" + record + "}";
  EXPECT_EQ(failure(file), tensor_error("its part 'm.bitmask' also belongs to another tensor"));
}
TEST(MalformedPacked, DtypesOfParts) {
  for (const Packed& packed : {bitmask(), gaps8(), gaps4(), gaps8_zstd(), dense_zstd()})
    for (std::size_t i = 0; i < packed.parts.size(); ++i) {
      File file(packed);
      file.parts[i].dtype = file.parts[i].dtype == "I64" ? "U64" : "I8";
      EXPECT_THAT(failure(file), StartsWith(tensor_error("its part '" + file.parts[i].name + "' has dtype ")));
    }
  File file(dense());
  file.parts[0].dtype = "I32";
  EXPECT_EQ(failure(file), tensor_error("has another dtype or shape in 'pare.header'"));
  file = File(dense());
  file.parts[0].shape = "[1,2]";
  EXPECT_EQ(failure(file), tensor_error("has another dtype or shape in 'pare.header'"));
}
TEST(MalformedPacked, ADtypeThatIsNeverPacked) {
  Packed packed = gaps8();
  packed.dtype = packed.parts[1].dtype = "I8";
  EXPECT_EQ(failure(packed), tensor_error("has dtype I8, which is never packed"));
}
TEST(MalformedPacked, Checksum) {
  for (const Packed& packed : {bitmask(), gaps8(), gaps4(), gaps8_zstd(), dense_zstd(), dense()})
    for (std::size_t i = 0; i < packed.parts.size(); ++i) {
      if (packed.parts[i].name == "m.shape") continue;  // checked against the header before anything is read
      File file(packed);
      file.parts[i].data.back() = static_cast<char>(file.parts[i].data.back() ^ 1);
      EXPECT_THAT(failure(file), StartsWith(tensor_error("its data are damaged: their checksum is ")))
          << file.parts[i].name;
    }
}

// Counts and sizes.

TEST(MalformedPacked, MoreNonzerosThanElements) {
  Packed packed = gaps8();
  packed.nonzeros = 41;
  EXPECT_EQ(failure(packed), tensor_error("41 nonzeros are declared for 40 elements"));
}
TEST(MalformedPacked, NumberOfValues) {
  for (Packed packed : {bitmask(), gaps8(), gaps4(), gaps8_zstd()}) {
    packed.nonzeros = 5;
    EXPECT_EQ(failure(packed), tensor_error("there are 4 bytes of values; its shape and number of values need 5"));
  }
}
TEST(MalformedPacked, SizeOfTheBitmask) {
  Packed packed = bitmask();
  packed.parts[0].shape = "[5]";
  packed.parts[0].data.pop_back();
  EXPECT_EQ(failure(packed), tensor_error("there are 5 bytes of bitmask; its shape and number of values need 6"));
}
TEST(MalformedPacked, BitsBeyondARow) {
  Packed packed = bitmask();
  packed.parts[0].data = std::string("\x18\0\x10\0\0\4", 6);  // bit 20 of a row of 20
  EXPECT_EQ(failure(packed),
            tensor_error("its bitmask has bits beyond a row's end, or not as many as there are values"));
}
TEST(MalformedPacked, NumberOfBits) {
  for (const char* mask : {"\x18\0\0\0\0\4", "\x1a\0\x8\0\0\4"}) {
    Packed packed = bitmask();
    packed.parts[0].data.assign(mask, 6);
    EXPECT_EQ(failure(packed),
              tensor_error("its bitmask has bits beyond a row's end, or not as many as there are values"));
  }
}
TEST(MalformedPacked, RowOffsets) {
  for (const auto& offsets : {u64({0, 2}), u64({0, 4}), u64({1, 3}), u64({0, ~std::uint64_t{0}})}) {
    Packed packed = bitmask();
    packed.parts[3].data = offsets;
    EXPECT_EQ(failure(packed), tensor_error("its row_offsets contradict its bitmask"));
  }
  Packed packed = bitmask();
  packed.parts[3] = {"m.row_offsets", "I64", "[1]", u64({0})};
  EXPECT_EQ(failure(packed), tensor_error("there are 8 bytes of row_offsets; its shape and number of values need 16"));
}
TEST(MalformedPacked, Shape) {
  Packed packed = bitmask();
  packed.parts[2].data = u64({20, 2});
  EXPECT_EQ(failure(packed), tensor_error("its 'shape' is not the shape that the header gives"));
  packed.parts[2] = {"m.shape", "I64", "[1]", u64({40})};
  EXPECT_EQ(failure(packed), tensor_error("there are 8 bytes of 'shape'; its shape and number of values need 16"));
}
TEST(MalformedPacked, Gaps) {
  const std::string cause = "its gaps do not fit its shape and the number of its values";
  for (const std::string& gaps : {std::string("\3\0\16\24", 4),     // the last is element 40 of 40
                                  std::string("\3\0\16\377", 4),    // three nonzeros
                                  std::string("\3\0\16\22\0", 5)})  // five
    EXPECT_EQ(failure(gaps8(gaps)), tensor_error(cause));
  for (const char* gaps : {"\x03\xfe\x05", "\x03\xfe\x13", "\x03\xfe\xf3", "\x03\xee\x03"})
    EXPECT_EQ(failure(gaps4(gaps)), tensor_error(cause)) << testing::PrintToString(gaps);
}
TEST(MalformedPacked, NumberOfGaps) {
  EXPECT_EQ(failure(gaps8("\3\1\1")),
            tensor_error("there are 3 bytes of gaps; its shape and number of values need 4 to 5"));
  EXPECT_EQ(failure(gaps8("\3\1\1\1\1\1")),
            tensor_error("there are 6 bytes of gaps; its shape and number of values need 4 to 5"));
  EXPECT_EQ(failure(gaps4("\3")),
            tensor_error("there are 1 bytes of gaps; its shape and number of values need 2 to 4"));
}
TEST(MalformedPacked, ElementsOfADenseTensor) {
  Packed packed = dense_zstd();
  packed.shape = "[2,19]";
  packed.dense_bytes = 38;
  packed.nonzeros = 38;
  EXPECT_EQ(failure(packed), tensor_error("there are 40 bytes of elements; its shape and number of values need 38"));
}
TEST(MalformedPacked, FramesThatAreNone) {
  for (Packed packed : {gaps8_zstd(), dense_zstd()})
    for (std::size_t i = 0; i < packed.parts.size(); ++i) {
      Packed broken = packed;
      broken.parts[i].data[0] = 'x';
      EXPECT_THAT(failure(broken), HasSubstr("are not a zstd frame of a known size")) << packed.encoding;
      broken = packed;
      broken.parts[i].data.pop_back();
      broken.parts[i].shape = "[" + std::to_string(broken.parts[i].data.size()) + "]";
      EXPECT_THAT(failure(broken), HasSubstr("its data cannot be decompressed: ")) << packed.encoding;
    }
}

// Files that would fill memory.

TEST(MalformedPacked, Bombs) {
  Packed packed{"m.weight",
                "F32",
                "[1099511627776]",
                "gaps8",
                0,
                0,
                {{"m.weight.gaps8", "U8", "[0]", ""}, {"m.weight.values", "F32", "[0]", ""}}};
  File file(packed);
  file.header = R"({"m.weight":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}})";
  file.header_hash = hash_of(file.header);
  EXPECT_EQ(failure(file),
            tensor_error("0 bytes are declared to unpack to 4398046511104, which is more than 2048 times as many"));
  const std::string frame = zstd(std::string(1 << 24, '\0'));
  packed = {"m.weight",
            "F32",
            "[4194304]",
            "dense-zstd",
            0,
            0,
            {{"m.weight.zstd", "U8", "[" + std::to_string(frame.size()) + "]", frame}}};
  file = File(packed);
  file.header = R"({"m.weight":{"dtype":"F32","shape":[4194304],"data_offsets":[0,16777216]}})";
  file.header_hash = hash_of(file.header);
  EXPECT_THAT(failure(file), HasSubstr("are declared to unpack to 16777216, which is more than 2048 times as many"));
}
TEST(MalformedPacked, RowsOfNothing) {
  Packed packed = gaps8();
  packed.nonzeros = 0;
  packed.parts = {{"m.weight.gaps8", "U8", "[0]", ""}, {"m.weight.values", "F8_E4M3", "[0]", ""}};
  File file(packed);
  file.header = R"({"m.weight":{"dtype":"F8_E4M3","shape":[1099511627776,0],"data_offsets":[0,0]}})";
  file.header_hash = hash_of(file.header);
  EXPECT_EQ(failure(file), tensor_error("has no elements to be read as sparse"));
}

}  // namespace
}  // namespace pare::test
