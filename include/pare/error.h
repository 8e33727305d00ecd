// What the world did wrong: the one exception type that pare throws.
#pragma once

#include <atomic>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace pare {

/// Thrown for bad input and failed input/output; never for pare's own bugs.
/// what() is one line: "FILE: tensor 'NAME': CAUSE" (parts that do not apply are left out).
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& cause) : Error({}, {}, cause) {}
  Error(std::filesystem::path file, const std::string& cause) : Error(std::move(file), {}, cause) {}
  Error(std::filesystem::path file, std::string tensor, const std::string& cause);

  const std::filesystem::path& file() const noexcept { return file_; }
  const std::string& tensor() const noexcept { return tensor_; }

 private:
  std::filesystem::path file_;
  std::string tensor_;
};

/// Thrown by long operations after request_stop(); whatever was half written is gone.
class Interrupted : public Error {
 public:
  Interrupted() : Error("interrupted") {}
};

/// Asks every running pare operation of this process to stop soon. Async-signal-safe.
void request_stop() noexcept;
bool stop_requested() noexcept;

}  // namespace pare
