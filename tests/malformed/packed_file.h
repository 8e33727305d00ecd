// Packed files as a writer would make them. A test can corrupt every field.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/hash.h"
#include "checkpoint/packed/packed_format.h"
#include "checkpoint/packed/packed_tensor.h"
#include "support/safetensors.h"

namespace pare::test {

struct Part {
  std::string name, dtype, shape, data;
};

inline std::string hash_of(std::string_view text) {
  base::Hash64 hash;
  hash.add(std::as_bytes(std::span(text)));
  return hash.hex();
}

inline std::string u64(std::initializer_list<std::uint64_t> numbers) {
  std::string bytes;
  for (const std::uint64_t number : numbers) bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
  return bytes;
}

inline std::string zstd(std::string_view content) {
  return text_of(checkpoint::compress_zstd(std::as_bytes(std::span(content))));
}

inline std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return out;
}

inline std::string header_of(const std::vector<Part>& parts, const std::string& metadata) {
  std::string header = "{" + metadata;
  std::size_t begin = 0;
  for (const Part& part : parts) {
    header += (header.size() > 1 ? ",\"" : "\"") + part.name + R"(":{"dtype":")" + part.dtype + R"(","shape":)" +
              part.shape + R"(,"data_offsets":[)" + std::to_string(begin) + "," +
              std::to_string(begin + part.data.size()) + "]}";
    begin += part.data.size();
  }
  return header + "}";
}

/// A packed tensor and its encoding.
struct Packed {
  std::string name, dtype, shape, encoding;
  std::size_t dense_bytes;
  std::uint64_t nonzeros;
  std::vector<Part> parts;  ///< in the order of the checksum
};

/// Two rows of 20 bytes, nonzeros at 3, 4, 19 and 38.
inline Packed bitmask() {
  return {"m.weight",
          "F8_E4M3",
          "[2,20]",
          "sparse-bitmask",
          40,
          4,
          {{"m.bitmask", "U8", "[2,3]", std::string("\x18\0\x8\0\0\4", 6)},
           {"m.compressed", "F8_E4M3", "[4]", "\x80\x7f\1\2"},
           {"m.shape", "I64", "[2]", u64({2, 20})},
           {"m.row_offsets", "I64", "[2]", u64({0, 3})}}};
}
inline Packed gaps8(std::string gaps = std::string("\3\0\16\22", 4)) {
  return {"m.weight",
          "F8_E4M3",
          "[2,20]",
          "gaps8",
          40,
          4,
          {{"m.weight.gaps8", "U8", "[" + std::to_string(gaps.size()) + "]", gaps},
           {"m.weight.values", "F8_E4M3", "[4]", "\x80\x7f\1\2"}}};
}
inline Packed gaps4(std::string gaps = "\x03\xfe\x03") {
  Packed packed = gaps8();
  packed.encoding = "gaps4";
  packed.parts[0] = {"m.weight.gaps4", "U8", "[" + std::to_string(gaps.size()) + "]", gaps};
  return packed;
}
inline Packed gaps8_zstd() {
  Packed packed = gaps8();
  packed.encoding = "gaps8-zstd";
  for (Part& part : packed.parts) {
    part = {part.name + ".zstd", "U8", "", zstd(part.data)};
    part.shape = "[" + std::to_string(part.data.size()) + "]";
  }
  return packed;
}
inline Packed dense_zstd() {
  const std::string frame = zstd(std::string(40, '\5'));
  return {"m.weight",
          "F8_E4M3",
          "[2,20]",
          "dense-zstd",
          40,
          40,
          {{"m.weight.zstd", "U8", "[" + std::to_string(frame.size()) + "]", frame}}};
}
inline Packed dense() { return {"m.weight", "F32", "[2]", "dense", 8, 2, {{"m.weight", "F32", "[2]", "abcdefgh"}}}; }

/// The contents of the file, each of which can be corrupted.
struct File {
  std::string header, header_hash, records, version = "1";
  std::vector<Part> parts;

  explicit File(const Packed& packed) : parts(packed.parts) {
    header = header_of({{packed.name, packed.dtype, packed.shape, std::string(packed.dense_bytes, '\0')}}, "");
    header_hash = hash_of(header);
    std::string data;
    for (const Part& part : parts) data += part.data;
    records = "{\"" + packed.name + R"(":{"encoding":")" + packed.encoding + R"(","nonzeros":)" +
              std::to_string(packed.nonzeros) + R"(,"xxh3_64":")" + hash_of(data) + "\"}}";
  }

  std::string text() const {
    const std::string packed =
        R"({"version":)" + version + R"(,"header_xxh3_64":")" + header_hash + R"(","tensors":)" + records + "}";
    return with_metadata(R"("pare.header":")" + escaped(header) + R"(","pare.packed":")" + escaped(packed) + "\"");
  }
  std::string with_metadata(const std::string& entries) const {
    std::string data;
    for (const Part& part : parts) data += part.data;
    return safetensors(header_of(parts, R"("__metadata__":{)" + entries + "}"), data);
  }
};

/// The message of opening a file and reading all its tensors, dense and sparse.
inline std::string failure(const std::string& file) {
  return error_of([&] {
    const checkpoint::SourceFile source = parse_safetensors(file);
    for (const TensorView& tensor : source.tensors) {
      std::string of_rows;
      if (tensor.bytes.packed() != nullptr) of_rows = error_of([&] { tensor.bytes.packed()->sparse_rows(); });
      const std::string of_bytes = error_of([&] { tensor.bytes.data(); });
      // The bytes of a dense tensor are used in place, so opening does not read all of them.
      if (!of_bytes.empty()) {
        EXPECT_EQ(of_rows, of_bytes) << "both ways of reading must see it";
      }
      if (!of_rows.empty()) throw Error(ErrorCode::kMalformed, of_rows);
    }
  });
}
inline std::string failure(const File& file) { return failure(file.text()); }
inline std::string failure(const Packed& packed) { return failure(File(packed)); }

inline std::string tensor_error(const std::string& cause) { return "model.safetensors: tensor 'm.weight': " + cause; }

}  // namespace pare::test
