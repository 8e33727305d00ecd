// Reads config.json as untrusted input.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace pare::model {

inline constexpr std::size_t kMostMembers = 10'000;
/// Lists of layers are read anew for each layer.
inline constexpr std::size_t kMostListed = 1'000;

/// A parsed configuration; an absent file is an empty one.
class Config {
 public:
  Config() = default;
  /// Throws Error naming `path` if the text is not a JSON object, nests deeper than base::kMutableJsonDepth, or has
  /// more than kMostMembers members.
  Config(const std::optional<std::string>& text, std::filesystem::path path);

  const std::filesystem::path& path() const noexcept { return path_; }
  // Values of keys; nullopt if absent or null. Throw Error naming the key for a value of another type.
  std::optional<std::string> text(std::string_view key) const;
  std::optional<std::uint64_t> number(std::string_view key) const;
  /// A number from 0 to 2^31 - 1.
  std::optional<std::int32_t> token_id(std::string_view key) const;
  std::optional<double> real(std::string_view key) const;
  std::optional<bool> flag(std::string_view key) const;
  /// Whether a list holds the number; false for an absent list. Throws Error for a list of more than kMostListed.
  bool lists(std::string_view key, std::uint64_t number) const;
  // The elements of an array; empty if absent or null.
  std::vector<std::string> texts(std::string_view key) const;
  std::vector<double> reals(std::string_view key) const;
  /// Whether the key is there and not null.
  bool has(std::string_view key) const { return find(key).has_value(); }
  /// Whether the key is there and null, which is not the same as a default value.
  bool is_null(std::string_view key) const;
  /// Whether a text holds the word, between bars ("c2p|p2c"), or a list does; false if absent.
  bool mentions(std::string_view key, std::string_view word) const;
  /// First element of "architectures"; empty if there is none.
  std::string first_architecture() const;
  /// The object under a key (a composition's "encoder" and "decoder"); empty if absent.
  Config nested(std::string_view key) const;

 private:
  void take_members(const base::JsonValue& object);
  std::optional<base::JsonValue> find(std::string_view key) const;

  std::shared_ptr<const base::JsonDocument> document_;           ///< shared with nested configurations
  std::map<std::string, base::JsonValue, std::less<>> members_;  ///< the last of duplicates
  std::filesystem::path path_;
};

}  // namespace pare::model
