// The safetensors format, by the rules of its reference implementation: eight bytes of header
// length, a JSON object, and tensors that fill the rest of the file without hole or overlap.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "base/checked.h"
#include "base/file_map.h"
#include "checkpoint/source.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

namespace dom = simdjson::dom;

constexpr std::uint64_t kHeaderLimit = 100'000'000;  // the reference's own
constexpr std::uint64_t kLengthBytes = 8;

/// Reads one file's header into tensors.
class Parser {
 public:
  Parser(std::span<const std::byte> bytes, const std::filesystem::path& path) : bytes_(bytes), path_(path) {}

  SourceFile parse() {
    const std::string_view json = header_text();
    data_ = bytes_.subspan(kLengthBytes + json.size());
    dom::parser parser;
    dom::element root;
    if (const simdjson::error_code error = parser.parse(json.data(), json.size(), true).get(root);
        error != simdjson::SUCCESS)
      fail(fmt::format("the header is no valid JSON: {}", simdjson::error_message(error)));
    dom::object header;
    if (root.get_object().get(header) != simdjson::SUCCESS) fail("the header is no JSON object");
    SourceFile file;
    for (const auto [key, value] : header) {
      if (key == "__metadata__") {
        if (seen_metadata_) fail("the header has two '__metadata__' entries");
        seen_metadata_ = true;
        read_metadata(value, file);
      } else {
        read_tensor(key, value, file);
      }
    }
    require_coverage(file);
    file.header = bytes_.first(kLengthBytes + json.size());
    file.size = bytes_.size();
    return file;
  }

 private:
  [[noreturn]] void fail(const std::string& cause) const { throw Error(path_, cause); }
  [[noreturn]] void fail(std::string_view tensor, const std::string& cause) const {
    throw Error(path_, std::string(tensor), cause);
  }

  std::string_view header_text() const {
    if (bytes_.size() < kLengthBytes)
      fail(fmt::format("is {} bytes long, too short for a safetensors header", bytes_.size()));
    std::uint64_t length = 0;
    std::memcpy(&length, bytes_.data(), kLengthBytes);
    if (length > kHeaderLimit)
      fail(fmt::format("the header claims {} bytes; the limit is {} (is this a safetensors file?)", length,
                       kHeaderLimit));
    if (length > bytes_.size() - kLengthBytes)
      fail(fmt::format("the header claims {} bytes but only {} follow: the file is truncated", length,
                       bytes_.size() - kLengthBytes));
    const std::string_view json(reinterpret_cast<const char*>(bytes_.data()) + kLengthBytes, length);
    if (json.empty() || json.front() != '{') fail("the header does not begin with '{'");
    return json;
  }

  void read_metadata(const dom::element& value, SourceFile& file) const {
    if (value.is_null()) return;  // an absent one, to the reference
    dom::object entries;
    if (value.get_object().get(entries) != simdjson::SUCCESS) fail("'__metadata__' is no JSON object");
    for (const auto [key, text] : entries) {
      std::string_view string;
      if (text.get_string().get(string) != simdjson::SUCCESS)
        fail(fmt::format("'__metadata__' entry '{}' is no string", key));
      if (!file.metadata.emplace(key, string).second) fail(fmt::format("'__metadata__' has two entries '{}'", key));
    }
  }

  void read_tensor(std::string_view name, const dom::element& value, SourceFile& file) {
    if (!names_.insert(std::string(name)).second) fail(name, "the name appears twice in the header");
    dom::object fields;
    if (value.get_object().get(fields) != simdjson::SUCCESS) fail(name, "its header entry is no JSON object");
    TensorView tensor;
    tensor.name = name;
    std::vector<std::uint64_t> offsets;
    bool has_dtype = false, has_shape = false, has_offsets = false;
    for (const auto [key, field] : fields) {
      if (key != "dtype" && key != "shape" && key != "data_offsets") continue;  // as the reference does
      bool& seen = key == "dtype" ? has_dtype : key == "shape" ? has_shape : has_offsets;
      if (seen) fail(name, fmt::format("field '{}' appears twice", key));
      seen = true;
      if (key == "dtype") {
        tensor.dtype = read_dtype(name, field);
      } else {
        (key == "shape" ? tensor.shape : offsets) = read_numbers(name, key, field);
      }
    }
    if (!has_dtype || !has_shape || !has_offsets)
      fail(name, fmt::format("field '{}' is missing", !has_dtype ? "dtype" : !has_shape ? "shape" : "data_offsets"));
    if (offsets.size() != 2) fail(name, fmt::format("'data_offsets' holds {} numbers; expected 2", offsets.size()));
    place(tensor, offsets[0], offsets[1]);
    file.tensors.push_back(std::move(tensor));
  }

  DType read_dtype(std::string_view name, const dom::element& field) const {
    std::string_view text;
    if (field.get_string().get(text) != simdjson::SUCCESS) fail(name, "'dtype' is no string");
    const std::optional<DType> dtype = parse_dtype(text);
    if (!dtype) fail(name, fmt::format("unknown dtype '{}'", text));
    return *dtype;
  }

  std::vector<std::uint64_t> read_numbers(std::string_view name, std::string_view key,
                                          const dom::element& field) const {
    dom::array array;
    if (field.get_array().get(array) != simdjson::SUCCESS) fail(name, fmt::format("'{}' is no array", key));
    std::vector<std::uint64_t> numbers;
    for (const dom::element item : array) {
      std::uint64_t number = 0;
      if (item.get_uint64().get(number) != simdjson::SUCCESS)
        fail(name, fmt::format("'{}' holds something that is no non-negative integer", key));
      numbers.push_back(number);
    }
    return numbers;
  }

  /// Checks offsets against shape and dtype, and points the tensor at its bytes.
  void place(TensorView& tensor, std::uint64_t begin, std::uint64_t end) const {
    const std::optional<std::uint64_t> elements = base::checked_product(tensor.shape);
    const std::optional<std::uint64_t> bits =
        elements ? base::checked_multiply(*elements, dtype_bits(tensor.dtype)) : std::nullopt;
    if (!bits) fail(tensor.name, "the product of its shape overflows");
    if (*bits % 8 != 0) fail(tensor.name, "its elements do not fill whole bytes");
    if (begin > end || end > data_.size())
      fail(tensor.name,
           fmt::format("data_offsets [{}, {}) do not lie within the {} bytes of data", begin, end, data_.size()));
    if (end - begin != *bits / 8)
      fail(tensor.name, fmt::format("dtype {} and its shape need {} bytes, but data_offsets span {}",
                                    dtype_name(tensor.dtype), *bits / 8, end - begin));
    tensor.bytes = data_.subspan(begin, end - begin);
  }

  /// Sorts tensors by place and requires that they tile the data.
  void require_coverage(SourceFile& file) const {
    std::stable_sort(file.tensors.begin(), file.tensors.end(), [](const TensorView& a, const TensorView& b) {
      return std::pair(a.bytes.data(), a.bytes.size()) < std::pair(b.bytes.data(), b.bytes.size());
    });
    std::uint64_t end = 0;
    for (const TensorView& tensor : file.tensors) {
      const auto begin = static_cast<std::uint64_t>(tensor.bytes.data() - data_.data());
      if (begin < end)
        fail(tensor.name, fmt::format("its data begin at {}, inside the tensor before it (up to {})", begin, end));
      if (begin > end) fail(tensor.name, fmt::format("its data begin at {}, leaving a hole from {}", begin, end));
      end = begin + tensor.bytes.size();
    }
    if (end != data_.size())
      fail(fmt::format("tensors cover {} bytes of data, but the file holds {}", end, data_.size()));
  }

  std::span<const std::byte> bytes_, data_;
  const std::filesystem::path& path_;
  std::unordered_set<std::string> names_;
  bool seen_metadata_ = false;
};

}  // namespace

SourceFile parse_safetensors(std::span<const std::byte> bytes, const std::filesystem::path& path,
                             std::shared_ptr<const void> owner) {
  SourceFile file = Parser(bytes, path).parse();
  file.keep_alive = std::move(owner);
  return file;
}

SourceFile read_safetensors(const std::filesystem::path& path) {
  const auto map = base::FileMap::open(path);
  return parse_safetensors(map->bytes(), path, map);
}

}  // namespace pare::checkpoint
