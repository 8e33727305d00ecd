#include "checkpoint/safetensors/safetensors_header.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "base/bytes.h"
#include "base/checked.h"
#include "checkpoint/file_content.h"
#include "checkpoint/packed/packed_format.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

namespace dom = simdjson::dom;

static_assert(kHeaderPadding >= simdjson::SIMDJSON_PADDING);

/// Reads the JSON into entries. Uses simdjson directly: base/json accepts what Python does, NaN and byte order marks
/// included, which the reference refuses. It also copies the text, which may have 100 MB, and makes a string for the
/// place of each value.
class Parser {
 public:
  Parser(std::string_view json, std::optional<std::uint64_t> data_size, const std::filesystem::path& path,
         std::string_view subject)
      : json_(json), data_size_(data_size), path_(path), subject_(subject) {}

  SafetensorsHeader parse() {
    if (json_.empty() || json_.front() != '{') fail(fmt::format("{} does not begin with '{{'", subject_));
    dom::parser parser;  // outlives names_, which it owns
    dom::element root;
    const bool copy = data_size_.value_or(0) < simdjson::SIMDJSON_PADDING;  // simdjson reads this far beyond the end
    if (const simdjson::error_code error = parser.parse(json_.data(), json_.size(), copy).get(root);
        error != simdjson::SUCCESS)
      fail(fmt::format("{} is not valid JSON: {}", subject_, simdjson::error_message(error)));
    dom::object object;
    if (root.get_object().get(object) != simdjson::SUCCESS) fail(fmt::format("{} is not a JSON object", subject_));
    SafetensorsHeader header;
    for (const auto [key, value] : object) {
      if (key == "__metadata__") {
        if (seen_metadata_) fail(fmt::format("{} has two '__metadata__' entries", subject_));
        seen_metadata_ = true;
        read_metadata(value, header);
      } else {
        read_tensor(key, value, header);
      }
    }
    require_coverage(header);
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& cause, ErrorCode code = ErrorCode::kMalformed) const {
    throw Error(code, path_, cause);
  }
  [[noreturn]] void fail(std::string_view tensor, const std::string& cause,
                         ErrorCode code = ErrorCode::kMalformed) const {
    throw Error(code, path_, std::string(tensor), cause);
  }

  void read_metadata(const dom::element& value, SafetensorsHeader& header) const {
    if (value.is_null()) return;  // the reference treats it as absent
    dom::object entries;
    if (value.get_object().get(entries) != simdjson::SUCCESS) fail("'__metadata__' is not a JSON object");
    std::vector<std::string_view> keys;
    for (const auto [key, text] : entries) {
      std::string_view string;
      if (text.get_string().get(string) != simdjson::SUCCESS)
        fail(fmt::format("'__metadata__' entry '{}' is not a string", key));
      keys.push_back(key);
      if (key == kHeaderKey) header.packed_header = string;
      if (key == kPackedKey) header.packed_records = string;
    }
    std::sort(keys.begin(), keys.end());
    if (const auto twice = std::adjacent_find(keys.begin(), keys.end()); twice != keys.end())
      fail(fmt::format("'__metadata__' has two entries '{}'", *twice));
  }

  void read_tensor(std::string_view name, const dom::element& value, SafetensorsHeader& header) {
    if (!names_.insert(name).second) fail(name, fmt::format("the name appears twice in {}", subject_));
    dom::object fields;
    if (value.get_object().get(fields) != simdjson::SUCCESS) fail(name, "its header entry is not a JSON object");
    SafetensorsEntry tensor;
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
    tensor.begin = offsets[0];
    tensor.end = offsets[1];
    check_place(tensor);
    header.tensors.push_back(std::move(tensor));
  }

  DType read_dtype(std::string_view name, const dom::element& field) const {
    std::string_view text;
    if (field.get_string().get(text) != simdjson::SUCCESS) fail(name, "'dtype' is not a string");
    const std::optional<DType> dtype = parse_dtype(text);
    if (!dtype) fail(name, fmt::format("unknown dtype '{}'", text), ErrorCode::kUnsupported);
    return *dtype;
  }

  std::vector<std::uint64_t> read_numbers(std::string_view name, std::string_view key,
                                          const dom::element& field) const {
    dom::array array;
    if (field.get_array().get(array) != simdjson::SUCCESS) fail(name, fmt::format("'{}' is not an array", key));
    std::vector<std::uint64_t> numbers;
    for (const dom::element item : array) {
      std::uint64_t number = 0;
      if (item.get_uint64().get(number) != simdjson::SUCCESS)
        fail(name, fmt::format("'{}' contains an element that is not a non-negative integer", key));
      numbers.push_back(number);
    }
    return numbers;
  }

  /// Checks offsets against shape and dtype.
  void check_place(const SafetensorsEntry& tensor) const {
    const std::optional<std::uint64_t> elements = base::checked_product(tensor.shape);
    const std::optional<std::uint64_t> bits =
        elements ? base::checked_multiply(*elements, dtype_bits(tensor.dtype)) : std::nullopt;
    if (!bits) fail(tensor.name, "the product of its shape overflows");
    if (*bits % 8 != 0) fail(tensor.name, "its elements do not fill whole bytes");
    if (tensor.begin > tensor.end || (data_size_ && tensor.end > *data_size_))
      fail(tensor.name, fmt::format("data_offsets [{}, {}) do not lie within the {} bytes of data", tensor.begin,
                                    tensor.end, data_size_.value_or(tensor.end)));
    if (tensor.size() != *bits / 8)
      fail(tensor.name, fmt::format("dtype {} and its shape need {} bytes, but data_offsets span {}",
                                    dtype_name(tensor.dtype), *bits / 8, tensor.size()));
  }

  /// Sorts tensors by offset and requires that they tile the data.
  void require_coverage(SafetensorsHeader& header) const {
    std::stable_sort(header.tensors.begin(), header.tensors.end(),
                     [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
                       return std::pair(a.begin, a.size()) < std::pair(b.begin, b.size());
                     });
    for (const SafetensorsEntry& tensor : header.tensors) {
      const std::uint64_t end = header.data_size;
      if (tensor.begin < end)
        fail(tensor.name,
             fmt::format("its data begin at {}, inside the tensor before it (up to {})", tensor.begin, end));
      if (tensor.begin > end)
        fail(tensor.name, fmt::format("its data begin at {}, leaving a hole from {}", tensor.begin, end));
      header.data_size = tensor.end;
    }
    if (data_size_ && header.data_size != *data_size_)
      fail(fmt::format("tensors cover {} bytes of data, but the file holds {}", header.data_size, *data_size_));
  }

  const std::string_view json_;
  const std::optional<std::uint64_t> data_size_;
  const std::filesystem::path& path_;
  const std::string_view subject_;
  std::unordered_set<std::string_view> names_;
  bool seen_metadata_ = false;
};

}  // namespace

std::uint64_t header_length(std::span<const std::byte> front, std::uint64_t file_size,
                            const std::filesystem::path& path) {
  constexpr std::uint64_t kHeaderLimit = 100'000'000;  // the reference's own
  const auto fail = [&](const std::string& cause, ErrorCode code = ErrorCode::kMalformed) {
    throw Error(code, path, cause);
  };
  if (content_of(front) != Content::kSafetensors) reject_content(front, path);
  if (file_size < kLengthBytes || front.size() < kLengthBytes)
    fail(fmt::format("is {} bytes long, too short for a safetensors header", file_size));
  std::uint64_t length = 0;
  std::memcpy(&length, front.data(), kLengthBytes);
  if (length > kHeaderLimit)
    fail(fmt::format("the header claims {} bytes; the limit is {} (is this a safetensors file?)", length, kHeaderLimit),
         ErrorCode::kLimit);
  if (length > file_size - kLengthBytes)
    fail(fmt::format("the header claims {} bytes but only {} follow: the file is truncated", length,
                     file_size - kLengthBytes));
  return length;
}

SafetensorsHeader parse_header(std::string_view json, std::optional<std::uint64_t> data_size,
                               const std::filesystem::path& path, std::string_view subject) {
  return Parser(json, data_size, path, subject).parse();
}

std::map<std::string, std::string> read_metadata(std::span<const std::byte> header) {
  if (header.empty()) return {{"format", "pt"}};
  const std::string_view json = base::as_text(header.subspan(sizeof(std::uint64_t)));
  dom::parser parser;
  dom::object entries;
  std::map<std::string, std::string> metadata;
  const dom::element root = parser.parse(json.data(), json.size());
  if (root["__metadata__"].get_object().get(entries) != simdjson::SUCCESS) return metadata;
  for (const auto [key, text] : entries) metadata.emplace(key, std::string_view(text));
  return metadata;
}

}  // namespace pare::checkpoint
