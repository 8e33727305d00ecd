// Reports the failure of a command.
#pragma once

#include <string>
#include <string_view>

#include "pare/error.h"

namespace pare::cli {

/// Prints a failure as one line on standard error and, if the command line asked for JSON, also as one object on
/// standard output: {"error": {"code": ..., "message": ..., "file": ..., "tensor": ...}}. Throws nothing.
class FailureReport {
 public:
  /// Looks for --json and --format json itself, since a command line that cannot be parsed is a failure as well.
  FailureReport(int argc, char** argv) noexcept;

  /// From now on, lines begin with the rank and the host of this process.
  void name_rank(unsigned rank);

  /// `message` is the line; an empty `file` or `tensor` is left out.
  void print(std::string_view code, std::string_view message, const std::string& file = {},
             const std::string& tensor = {}) const noexcept;
  void print(const Error& error) const noexcept;

 private:
  bool json_ = false;
  std::string rank_;  ///< "rank 3 on HOST: "
};

}  // namespace pare::cli
