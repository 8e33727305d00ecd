// The one reader of JSON files that come from outside.
//
// It accepts what Python's json accepts: integers of any size, numbers beyond a double (which become infinite), NaN,
// Infinity and -Infinity, a byte order mark, and duplicate keys, of which the last counts. Depth is limited; time and
// memory are linear in the text; nothing recurses on the text's depth.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pare/error.h"

namespace pare::base {

class JsonDocument;

/// A value and its path from the document's root. Lives as long as its document. Functions that read the value throw
/// Error, naming file and key, if it has another type.
class JsonValue {
 public:
  [[noreturn]] void fail(const std::string& cause, ErrorCode code = ErrorCode::kMalformed) const;

  bool is_null() const;
  bool is_text() const;
  bool is_object() const;
  bool is_list() const;
  bool is_boolean() const;
  bool is_number() const;    ///< an integer or not
  bool is_integer() const;   ///< from -2^63 up to 2^63 - 1
  bool is_unsigned() const;  ///< from 0 up to 2^64 - 1

  std::string_view text() const;
  bool boolean() const;
  double number() const;         ///< may be infinite or NaN
  std::int64_t integer() const;  ///< from -2^63 up to 2^63 - 1
  std::uint64_t unsigned_integer() const;
  std::int32_t token_id() const;  ///< from 0 up to 2^31 - 1

  /// A member (of duplicates, the last); nullopt if it is absent or null. Takes time linear in the number of members.
  std::optional<JsonValue> find(std::string_view key) const;
  /// A required member.
  JsonValue at(std::string_view key) const;
  bool flag(std::string_view key, bool otherwise) const;

  /// Calls visit(key, value) for each member, duplicates included, in the order of the text.
  void for_members(const std::function<void(std::string_view, const JsonValue&)>& visit) const;
  /// Calls visit(value) for each element. Their paths contain no index, because a vocabulary has many elements.
  void for_elements(const std::function<void(const JsonValue&)>& visit) const;

 private:
  friend class JsonDocument;
  using Raw = std::array<std::uint64_t, 2>;  ///< simdjson's element, which is kept out of this header

  JsonValue(Raw raw, const JsonDocument* document, std::string place)
      : raw_(raw), document_(document), place_(std::move(place)) {}
  [[noreturn]] void wrong_type(const char* expected) const;
  std::string found() const;
  std::string below(std::string_view key) const;

  Raw raw_;
  const JsonDocument* document_;
  std::string place_;
};

inline constexpr std::size_t kJsonDepth = 1000;               ///< about where Python gives up
inline constexpr std::size_t kMutableJsonDepth = 64;          ///< for values that are copied and written recursively
inline constexpr std::uint64_t kLargestJson = 4'000'000'000;  ///< bytes

/// A parsed text.
class JsonDocument {
 public:
  /// Throws Error naming `path` (and `subject`, if it is given: "line 3") for a text that is not JSON, is larger than
  /// kLargestJson or has objects and lists nested deeper than `depth`.
  JsonDocument(std::string_view text, std::filesystem::path path, std::size_t depth = kJsonDepth,
               std::string subject = {});
  ~JsonDocument();
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  JsonValue root() const;

 private:
  friend class JsonValue;
  struct Parsed;

  std::filesystem::path path_;
  std::string subject_;
  std::unique_ptr<Parsed> parsed_;
};

/// A parsed file whose root is an object.
class JsonFile : public JsonDocument {
 public:
  /// Throws Error for a file that cannot be read, as JsonDocument does, and for a root of another type.
  explicit JsonFile(const std::filesystem::path& path, std::size_t depth = kJsonDepth);
};

}  // namespace pare::base
