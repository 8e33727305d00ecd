// config.json, read with suspicion.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pare::model {

/// A parsed configuration; an absent file is an empty one.
class Config {
 public:
  Config();
  /// Throws Error naming `path` if the text is no JSON object.
  Config(const std::optional<std::string>& text, std::filesystem::path path);
  ~Config();
  Config(const Config&);
  Config& operator=(const Config&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  // Values of keys; nullopt if absent or null. Throw Error naming the key for a value of another type.
  std::optional<std::string> text(std::string_view key) const;
  std::optional<std::uint64_t> number(std::string_view key) const;
  std::optional<double> real(std::string_view key) const;
  std::optional<bool> flag(std::string_view key) const;
  /// First element of "architectures"; empty if there is none.
  std::string first_architecture() const;
  /// The object under a key (a composition's "encoder" and "decoder"); empty if absent.
  Config nested(std::string_view key) const;

 private:
  struct Json;
  std::unique_ptr<Json> json_;
  std::filesystem::path path_;
};

}  // namespace pare::model
