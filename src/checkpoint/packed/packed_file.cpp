#include "checkpoint/packed/packed_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include <cstring>
#include <unordered_map>

#include "base/hash.h"
#include "checkpoint/packed/packed_format.h"
#include "checkpoint/packed/packed_tensor.h"
#include "checkpoint/safetensors/safetensors_header.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

namespace dom = simdjson::dom;

/// The stored tensors of a file. Each may be taken once.
class Parts {
 public:
  Parts(const SourceFile& file, const std::filesystem::path& path) : path_(path) {
    for (const TensorView& tensor : file.tensors) parts_.emplace(tensor.name, Part{&tensor, false});
  }

  bool contains(const std::string& name) const { return parts_.contains(name); }
  bool taken(const std::string& name) const { return parts_.at(name).taken; }

  /// The part `name` of a tensor. Throws Error if it is missing or already taken.
  const TensorView& take(const std::string& tensor, const std::string& name) {
    const auto found = parts_.find(name);
    if (found == parts_.end())
      throw Error(ErrorCode::kMalformed, path_, tensor, fmt::format("its part '{}' is missing from the file", name));
    if (found->second.taken)
      throw Error(ErrorCode::kMalformed, path_, tensor,
                  fmt::format("its part '{}' also belongs to another tensor", name));
    found->second.taken = true;
    return *found->second.tensor;
  }

  Bytes take(const std::string& tensor, const std::string& name, DType dtype) {
    const TensorView& part = take(tensor, name);
    if (part.dtype != dtype)
      throw Error(
          ErrorCode::kMalformed, path_, tensor,
          fmt::format("its part '{}' has dtype {}; expected {}", name, dtype_name(part.dtype), dtype_name(dtype)));
    return part.bytes;
  }

 private:
  struct Part {
    const TensorView* tensor;
    bool taken;
  };
  std::unordered_map<std::string, Part> parts_;
  const std::filesystem::path& path_;
};

/// "sparse-24-bitmask" has no offsets: every row has as many values.
void take_bitmask(Parts& parts, const PartNames& names, StoredTensor& stored, bool has_row_offsets = true) {
  stored.positions = parts.take(stored.name, names.bitmask, DType::kU8);
  stored.values = parts.take(stored.name, names.compressed, stored.dtype);
  stored.extents = parts.take(stored.name, names.shape, DType::kI64);
  stored.has_row_offsets = has_row_offsets;
  if (has_row_offsets) stored.row_offsets = parts.take(stored.name, names.row_offsets, DType::kI64);
}

TensorView view_of(StoredTensor stored, std::uint64_t dense_size) {
  TensorView tensor{stored.name, stored.dtype, stored.shape, {}, 0};
  const std::byte* data = stored.encoding == Encoding::kDense ? stored.values.data() : nullptr;
  tensor.bytes = TensorBytes(make_packed_tensor(std::move(stored)), dense_size, data);
  return tensor;
}

/// A file written by `pare pack`, whose metadata describe the original. Uses simdjson directly: records_ holds a value
/// for each tensor, and those of base/json contain a string for their place.
class PareFile {
 public:
  PareFile(const SourceFile& file, std::string_view records, const std::filesystem::path& path)
      : file_(file), path_(path), parts_(file, path) {
    if (const auto error = parser_.parse(records.data(), records.size()).get(root_); error != simdjson::SUCCESS)
      fail(fmt::format("'{}' is not valid JSON: {}", kPackedKey, simdjson::error_message(error)));
    std::uint64_t version = 0;
    if (root_["version"].get_uint64().get(version) != simdjson::SUCCESS)
      fail(fmt::format("'{}' has no version", kPackedKey));
    if (version != kPackedVersion)
      fail(fmt::format("was packed in version {} of the format; this pare reads version {}", version, kPackedVersion),
           ErrorCode::kUnsupported);
  }

  SourceFile read(const std::optional<std::string>& header_text) {
    const std::string& text = checked(header_text);
    const SafetensorsHeader header = parse_header(text, std::nullopt, path_, fmt::format("'{}'", kHeaderKey));
    dom::object records;
    if (root_["tensors"].get_object().get(records) != simdjson::SUCCESS)
      fail(fmt::format("'{}' lists no tensors", kPackedKey));
    for (const auto [name, value] : records)
      if (!records_.emplace(name, value).second) fail(name, fmt::format("'{}' lists it twice", kPackedKey));

    SourceFile unpacked;
    unpacked.size = file_.size;
    for (const SafetensorsEntry& entry : header.tensors) unpacked.tensors.push_back(read_tensor(entry));
    for (const TensorView& tensor : file_.tensors) {
      if (!parts_.taken(tensor.name)) fail(tensor.name, fmt::format("is not part of any tensor of '{}'", kHeaderKey));
      unpacked.stored_names.push_back(tensor.name);
    }
    if (records_.size() != header.tensors.size())
      fail(fmt::format("'{}' lists {} tensors, '{}' {}", kPackedKey, records_.size(), kHeaderKey,
                       header.tensors.size()));
    const auto owner =
        std::make_shared<Owner>(Owner{std::string(sizeof(std::uint64_t), '\0') + text, file_.keep_alive});
    const std::uint64_t length = text.size();
    std::memcpy(owner->header.data(), &length, sizeof length);
    unpacked.header = std::as_bytes(std::span(owner->header));
    unpacked.metadata_header = unpacked.header;
    unpacked.keep_alive = owner;
    return unpacked;
  }

 private:
  struct Owner {
    std::string header;
    std::shared_ptr<const void> file;
  };

  [[noreturn]] void fail(const std::string& cause, ErrorCode code = ErrorCode::kMalformed) const {
    throw Error(code, path_, cause);
  }
  [[noreturn]] void fail(std::string_view tensor, const std::string& cause,
                         ErrorCode code = ErrorCode::kMalformed) const {
    throw Error(code, path_, std::string(tensor), cause);
  }

  const std::string& checked(const std::optional<std::string>& header_text) const {
    if (!header_text) fail(fmt::format("'{}' is missing from its metadata", kHeaderKey));
    std::string_view checksum;
    if (root_["header_xxh3_64"].get_string().get(checksum) != simdjson::SUCCESS)
      fail(fmt::format("'{}' has no checksum of '{}'", kPackedKey, kHeaderKey));
    base::Hash64 hash;
    hash.add(std::as_bytes(std::span(*header_text)));
    if (hash.hex() != checksum)
      fail(fmt::format("'{}' is damaged: its checksum is {}, but should be {}", kHeaderKey, hash.hex(), checksum));
    return *header_text;
  }

  TensorView read_tensor(const SafetensorsEntry& entry) {
    StoredTensor stored;
    stored.path = path_;
    stored.name = entry.name;
    stored.dtype = entry.dtype;
    stored.shape = entry.shape;
    read_record(stored);
    const PartNames names(entry.name);
    switch (stored.encoding) {
      case Encoding::kDense: {
        const TensorView& part = parts_.take(entry.name, entry.name);
        if (part.dtype != entry.dtype || part.shape != entry.shape)
          fail(entry.name, fmt::format("has another dtype or shape in '{}'", kHeaderKey));
        stored.values = part.bytes;
        break;
      }
      case Encoding::kBitmask:
        take_bitmask(parts_, names, stored);
        break;
      case Encoding::kGaps8:
      case Encoding::kGaps4:
        stored.positions =
            parts_.take(entry.name, stored.encoding == Encoding::kGaps8 ? names.gaps8 : names.gaps4, DType::kU8);
        stored.values = parts_.take(entry.name, names.values, entry.dtype);
        break;
      case Encoding::kDenseZstd:
        stored.values = parts_.take(entry.name, names.zstd, DType::kU8);
        break;
      case Encoding::kGaps8Zstd:
        stored.positions = parts_.take(entry.name, names.gaps8_zstd, DType::kU8);
        stored.values = parts_.take(entry.name, names.values_zstd, DType::kU8);
        break;
    }
    return view_of(std::move(stored), entry.size());
  }

  void read_record(StoredTensor& stored) const {
    const auto record = records_.find(stored.name);
    if (record == records_.end()) fail(stored.name, fmt::format("'{}' does not list it", kPackedKey));
    std::string_view encoding, checksum;
    if (record->second["encoding"].get_string().get(encoding) != simdjson::SUCCESS ||
        record->second["nonzeros"].get_uint64().get(stored.nonzeros) != simdjson::SUCCESS ||
        record->second["xxh3_64"].get_string().get(checksum) != simdjson::SUCCESS || checksum.empty())
      fail(stored.name, fmt::format("its entry in '{}' lacks encoding, nonzeros or xxh3_64", kPackedKey));
    const std::optional<Encoding> known = parse_encoding(encoding);
    if (!known) fail(stored.name, fmt::format("has unknown encoding '{}'", encoding), ErrorCode::kUnsupported);
    stored.encoding = *known;
    stored.checksum = checksum;
  }

  const SourceFile& file_;
  const std::filesystem::path& path_;
  Parts parts_;
  dom::parser parser_;
  dom::element root_;
  std::unordered_map<std::string, dom::element> records_;
};

/// A file written by compressed-tensors (formats "sparse-bitmask" and "sparse-24-bitmask"), recognized by the names of
/// its parts only. Each set of parts is replaced by its tensor, with ".weight" appended to the name.
class BitmaskFile {
 public:
  BitmaskFile(const SourceFile& file, const std::filesystem::path& path)
      : file_(file), path_(path), parts_(file, path) {}

  static constexpr std::string_view kCompressed = ".compressed", kBitmask = ".bitmask";

  SourceFile read() {
    SourceFile unpacked;
    unpacked.size = file_.size;
    unpacked.metadata_header = file_.metadata_header;
    unpacked.keep_alive = file_.keep_alive;
    std::vector<TensorView> packed;
    for (const TensorView& tensor : file_.tensors)
      if (marks_tensor(tensor.name)) packed.push_back(read_tensor(tensor));
    std::size_t next = 0;
    for (const TensorView& tensor : file_.tensors) {
      unpacked.stored_names.push_back(tensor.name);
      if (marks_tensor(tensor.name)) {
        unpacked.tensors.push_back(std::move(packed[next++]));
      } else if (!parts_.taken(tensor.name)) {
        unpacked.tensors.push_back(tensor);
      }
    }
    return unpacked;
  }

  bool holds_packed() const {
    for (const TensorView& tensor : file_.tensors)
      if (marks_tensor(tensor.name)) return true;
    return false;
  }

 private:
  bool marks_tensor(const std::string& name) const {
    return name.ends_with(kCompressed) &&
           parts_.contains(name.substr(0, name.size() - kCompressed.size()) + std::string(kBitmask));
  }

  TensorView read_tensor(const TensorView& compressed) {
    StoredTensor stored;
    stored.path = path_;
    stored.name = compressed.name.substr(0, compressed.name.size() - kCompressed.size()) + ".weight";
    if (parts_.contains(stored.name))
      throw Error(ErrorCode::kMalformed, path_, stored.name, "the file holds it both packed and unpacked");
    stored.dtype = compressed.dtype;
    stored.encoding = Encoding::kBitmask;
    const PartNames names(stored.name);
    // Two values of every four stand in rows; those of the other format are one row, and its offsets are needed.
    take_bitmask(parts_, names, stored, compressed.shape.size() != 2 || parts_.contains(names.row_offsets));
    std::uint64_t elements = 1;
    for (std::size_t axis = 0; axis < stored.extents.size() / 8; ++axis) {
      std::int64_t extent = 0;
      std::memcpy(&extent, stored.extents.data() + axis * 8, sizeof extent);
      if (extent < 0) throw Error(ErrorCode::kMalformed, path_, stored.name, fmt::format("its shape holds {}", extent));
      stored.shape.push_back(static_cast<std::uint64_t>(extent));
      elements *= static_cast<std::uint64_t>(extent);  // an overflow is found by make_packed_tensor
    }
    stored.nonzeros = compressed.elements();
    if (!stored.has_row_offsets && (stored.shape.size() != 2 || compressed.shape[0] != stored.shape[0] ||
                                    compressed.shape[1] != stored.shape[1] / 2))
      throw Error(ErrorCode::kMalformed, path_, stored.name,
                  fmt::format("its part '{}' has shape [{}] (expected two values in four of each row, as there is no "
                              "part '{}')",
                              names.compressed, fmt::join(compressed.shape, ", "), names.row_offsets));
    const std::uint64_t dense_size = elements * dtype_bits(stored.dtype) / 8;
    return view_of(std::move(stored), dense_size);
  }

  const SourceFile& file_;
  const std::filesystem::path& path_;
  Parts parts_;
};

}  // namespace

SourceFile unpack_pare_file(const SourceFile& file, std::string_view records, const std::optional<std::string>& header,
                            const std::filesystem::path& path) {
  return PareFile(file, records, path).read(header);
}

SourceFile unpack_bitmasks(SourceFile file, const std::filesystem::path& path) {
  BitmaskFile bitmasks(file, path);
  return bitmasks.holds_packed() ? bitmasks.read() : std::move(file);
}

}  // namespace pare::checkpoint
