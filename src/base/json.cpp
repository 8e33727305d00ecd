#include "base/json.h"

#include <simdjson.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/bytes.h"
#include "base/file_map.h"
#include "base/json_numbers.h"
#include "base/utf8.h"
#include "pare/error.h"

namespace pare::base {
namespace {

namespace dom = simdjson::dom;
using Raw = std::array<std::uint64_t, 2>;

static_assert(sizeof(dom::element) == sizeof(Raw) && std::is_trivially_copyable_v<dom::element>);

dom::element element_of(const Raw& raw) {
  dom::element element;
  std::memcpy(static_cast<void*>(&element), raw.data(), sizeof element);
  return element;
}

Raw raw_of(const dom::element& element) {
  Raw raw;
  std::memcpy(raw.data(), &element, sizeof element);
  return raw;
}

/// The beginning of a hostile text, long enough to recognize it.
std::string excerpt(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  return text.size() <= kLongest ? std::string(text) : std::string(text.substr(0, kLongest)) + "...";
}

}  // namespace

struct JsonDocument::Parsed {
  dom::parser parser;
  dom::element root;
  bool marked = false;  ///< plain_numbers() put its marks into the text
};

JsonDocument::JsonDocument(std::string_view text, std::filesystem::path path, std::size_t depth, std::string subject)
    : path_(std::move(path)), subject_(std::move(subject)), parsed_(std::make_unique<Parsed>()) {
  const std::string prefix = subject_.empty() ? "" : subject_ + (subject_.starts_with("line ") ? ": " : " ");
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (text.empty()) throw Error(ErrorCode::kMalformed, path_, prefix + "is not valid JSON: it is empty");
  if (text.size() > kLargestJson)
    throw Error(ErrorCode::kLimit, path_,
                prefix + "is too large (expected at most " + std::to_string(kLargestJson) + " bytes, found " +
                    std::to_string(text.size()) + ")");
  if (const std::size_t found = json_depth(text); found > depth)
    throw Error(ErrorCode::kLimit, path_,
                prefix + "is not valid JSON: it nests too deeply (expected at most " + std::to_string(depth) +
                    " levels, found " + std::to_string(found) + ")");
  auto error = parsed_->parser.parse(text.data(), text.size()).get(parsed_->root);
  if (error != simdjson::SUCCESS)
    if (const auto plain = plain_numbers(text)) {
      parsed_->marked = true;
      error = parsed_->parser.parse(*plain).get(parsed_->root);
    }
  if (error != simdjson::SUCCESS)
    throw Error(ErrorCode::kMalformed, path_, prefix + "is not valid JSON: " + simdjson::error_message(error));
}

JsonDocument::~JsonDocument() = default;

JsonValue JsonDocument::root() const { return JsonValue(raw_of(parsed_->root), this, ""); }

JsonFile::JsonFile(const std::filesystem::path& path, std::size_t depth)
    : JsonDocument(
          [&] {
            const auto map = FileMap::open(path);
            return std::string(as_text(map->bytes()));
          }(),
          path, depth) {
  if (!root().is_object()) throw Error(ErrorCode::kMalformed, path, "is not a JSON object");
}

void JsonValue::fail(const std::string& cause, ErrorCode code) const {
  std::string place = document_->subject_;
  if (!place_.empty()) place += (place.empty() ? "" : ": ") + place_;
  throw Error(code, document_->path_, (place.empty() ? "" : place + ": ") + cause);
}

std::string JsonValue::found() const {
  const dom::element element = element_of(raw_);
  switch (element.type()) {
    case dom::element_type::ARRAY:
      return "a list";
    case dom::element_type::OBJECT:
      return "an object";
    case dom::element_type::STRING:
      return "'" + excerpt(text()) + "'";
    case dom::element_type::BOOL:
      return boolean() ? "true" : "false";
    case dom::element_type::NULL_VALUE:
      return "null";
    case dom::element_type::DOUBLE: {
      const double value = number();
      if (std::isnan(value)) return "NaN";
      if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
      break;
    }
    default:
      break;
  }
  return simdjson::minify(element);
}

void JsonValue::wrong_type(const char* expected) const {
  fail(std::string("is not ") + expected + " (expected " + expected + ", found " + found() + ")");
}

bool JsonValue::is_null() const { return element_of(raw_).is_null(); }
bool JsonValue::is_text() const { return element_of(raw_).is_string(); }
bool JsonValue::is_object() const { return element_of(raw_).is_object(); }
bool JsonValue::is_list() const { return element_of(raw_).is_array(); }
bool JsonValue::is_boolean() const { return element_of(raw_).is_bool(); }
bool JsonValue::is_number() const { return element_of(raw_).is_number(); }
bool JsonValue::is_integer() const { return element_of(raw_).is<std::int64_t>(); }
bool JsonValue::is_unsigned() const { return element_of(raw_).is<std::uint64_t>(); }

std::string_view JsonValue::text() const {
  std::string_view value;
  if (element_of(raw_).get(value) != simdjson::SUCCESS) wrong_type("a string");
  return value;
}

bool JsonValue::boolean() const {
  bool value = false;
  if (element_of(raw_).get(value) != simdjson::SUCCESS) wrong_type("true or false");
  return value;
}

double JsonValue::number() const {
  double value = 0;
  if (element_of(raw_).get(value) != simdjson::SUCCESS) wrong_type("a number");
  if (!document_->parsed_->marked) return value;
  if (std::fabs(value) == kInfinityMark) return std::copysign(std::numeric_limits<double>::infinity(), value);
  return value == kNanMark ? std::numeric_limits<double>::quiet_NaN() : value;
}

std::int64_t JsonValue::integer() const {
  std::int64_t value = 0;
  if (element_of(raw_).get(value) != simdjson::SUCCESS) wrong_type("an integer");
  return value;
}

std::uint64_t JsonValue::unsigned_integer() const {
  std::uint64_t value = 0;
  if (element_of(raw_).get(value) != simdjson::SUCCESS) wrong_type("a non-negative integer");
  return value;
}

std::int32_t JsonValue::token_id() const {
  std::uint64_t value = 0;
  if (element_of(raw_).get(value) != simdjson::SUCCESS || value > std::numeric_limits<std::int32_t>::max())
    wrong_type("an integer from 0 to 2147483647");
  return static_cast<std::int32_t>(value);
}

std::string JsonValue::below(std::string_view key) const {
  return place_.empty() ? excerpt(key) : place_ + "." + excerpt(key);
}

std::optional<JsonValue> JsonValue::find(std::string_view key) const {
  dom::object object;
  if (element_of(raw_).get(object) != simdjson::SUCCESS) wrong_type("an object");
  std::optional<dom::element> last;
  for (const auto field : object)
    if (field.key == key) last = field.value;
  if (!last || last->is_null()) return std::nullopt;
  return JsonValue(raw_of(*last), document_, below(key));
}

JsonValue JsonValue::at(std::string_view key) const {
  if (auto found = find(key)) return *std::move(found);
  fail("has no '" + excerpt(key) + "'");
}

bool JsonValue::flag(std::string_view key, bool otherwise) const {
  const auto found = find(key);
  return found ? found->boolean() : otherwise;
}

void JsonValue::for_members(const std::function<void(std::string_view, const JsonValue&)>& visit) const {
  dom::object object;
  if (element_of(raw_).get(object) != simdjson::SUCCESS) wrong_type("an object");
  for (const auto field : object) visit(field.key, JsonValue(raw_of(field.value), document_, below(field.key)));
}

void JsonValue::for_elements(const std::function<void(const JsonValue&)>& visit) const {
  dom::array array;
  if (element_of(raw_).get(array) != simdjson::SUCCESS) wrong_type("a list");
  for (const auto element : array) visit(JsonValue(raw_of(element), document_, place_));
}

}  // namespace pare::base
