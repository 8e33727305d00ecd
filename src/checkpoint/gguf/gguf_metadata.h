// The metadata of a GGUF file: typed values by key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace pare::checkpoint {

/// Types of metadata values, numbered as in the files.
enum class GgufKind : std::uint32_t { kU8, kI8, kU16, kI16, kU32, kI32, kF32, kBool, kText, kArray, kU64, kI64, kF64 };

/// A value as the file stores it.
struct GgufValue {
  GgufKind kind = GgufKind::kU8;  ///< of the value, or of an array's elements
  bool is_array = false;
  std::uint64_t count = 1;  ///< elements of an array
  base::Bytes data;         ///< the elements, without the array's type and count
};

/// The functions that look a value up return nullopt, or nothing, if the key is missing. They throw Error (kMismatch)
/// naming the file and the key if the value has another type.
class GgufMetadata {
 public:
  /// `owner` keeps the bytes of the values alive.
  GgufMetadata(std::filesystem::path path, std::map<std::string, GgufValue, std::less<>> values,
               std::vector<std::string> order, std::shared_ptr<const void> owner);

  const std::filesystem::path& path() const noexcept { return path_; }
  const GgufValue* find(std::string_view key) const noexcept;
  std::optional<std::string> text(std::string_view key) const;
  /// An integer of any width.
  std::optional<std::int64_t> integer(std::string_view key) const;
  /// A floating-point number or an integer.
  std::optional<double> number(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::vector<std::string_view> texts(std::string_view key) const;
  std::vector<std::int64_t> integers(std::string_view key) const;
  std::vector<double> numbers(std::string_view key) const;
  /// The keys in the order of the file.
  const std::vector<std::string>& keys() const noexcept { return order_; }

  [[noreturn]] void fail(std::string_view key, const std::string& cause) const;

 private:
  const GgufValue* expect(std::string_view key, bool array) const;

  std::filesystem::path path_;
  std::map<std::string, GgufValue, std::less<>> values_;
  std::vector<std::string> order_;
  std::shared_ptr<const void> owner_;
};

}  // namespace pare::checkpoint
