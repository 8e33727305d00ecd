// The exception that pare throws for failures, and its codes.
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "pare/context.h"

namespace pare {

/// What kind of failure an Error is, for programs that react to it. Values are added at the end only.
enum class ErrorCode : std::uint8_t {
  kArgument,     ///< an option or argument is not valid, or does not suit the model: change the call
  kNotFound,     ///< a file, directory or model name does not exist
  kExists,       ///< the output exists, and `force` was not given or does not allow replacing it
  kIo,           ///< the system refused to open, read or write something
  kNoSpace,      ///< a disk, a quota or a limit on file size is exhausted
  kMalformed,    ///< a file breaks the rules of its format: cut off, damaged or contradictory
  kUnsupported,  ///< a file or model is valid, but pare cannot do this with it
  kMismatch,     ///< config, tensors, shards and tokenizer contradict each other, or two models or measurements differ
  kLimit,        ///< larger, longer or more deeply nested than pare or the model accepts
  kOutOfMemory,  ///< memory is exhausted, or the call would exhaust it
  kUnavailable,  ///< a program, a server or a capability of the machine is missing, failed or refuses, e.g. gnuplot
  kChanged,      ///< a file changed while it was read
};

/// Returns the name of a code in JSON output and in docs/errors.md: "argument", "not-found", "exists", "io",
/// "no-space", "malformed", "unsupported", "mismatch", "limit", "out-of-memory", "unavailable", "changed".
std::string_view error_code_name(ErrorCode code) noexcept;

/// Thrown for bad input and failed input/output. Cancellation throws Interrupted instead.
/// what() is one line: "FILE: tensor 'NAME': CAUSE" (parts that do not apply are left out).
class Error : public std::runtime_error {
 public:
  // Templates, so that Error({}, ...) does not compile with {} as a code.
  template <std::same_as<ErrorCode> Code>
  Error(Code code, const std::string& cause) : Error({}, {}, cause, code) {}
  template <std::same_as<ErrorCode> Code>
  Error(Code code, std::filesystem::path file, const std::string& cause) : Error(std::move(file), {}, cause, code) {}
  template <std::same_as<ErrorCode> Code>
  Error(Code code, std::filesystem::path file, std::string tensor, const std::string& cause)
      : Error(std::move(file), std::move(tensor), cause, code) {}

  ErrorCode code() const noexcept { return code_; }
  const std::filesystem::path& file() const noexcept { return file_; }  ///< empty if the error is not about a file
  const std::string& tensor() const noexcept { return tensor_; }        ///< empty if the error is not about a tensor

 private:
  Error(std::filesystem::path file, std::string tensor, const std::string& cause, ErrorCode code);

  ErrorCode code_;
  std::filesystem::path file_;
  std::string tensor_;
};

}  // namespace pare
