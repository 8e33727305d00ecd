// Errors that tests expect: by code, file, tensor and the numbers and names in the message, not by its prose.
#pragma once

#include <gmock/gmock.h>

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "pare/error.h"

namespace pare {

inline void PrintTo(ErrorCode code, std::ostream* out) { *out << error_code_name(code); }

namespace test {

/// Matches a function that throws an Error of this code, file and tensor (none if empty) with all of `parts` in its
/// message.
inline auto ThrowsError(ErrorCode code, const std::filesystem::path& file = {}, const std::string& tensor = {},
                        const std::vector<std::string>& parts = {}) {
  std::vector<testing::Matcher<std::string>> matchers;
  for (const std::string& part : parts) matchers.push_back(testing::HasSubstr(part));
  return testing::Throws<Error>(testing::AllOf(
      testing::Property("code", &Error::code, code), testing::Property("file", &Error::file, file),
      testing::Property("tensor", &Error::tensor, tensor),
      testing::ResultOf(
          "message", [](const Error& error) { return std::string(error.what()); }, testing::AllOfArray(matchers))));
}

}  // namespace test
}  // namespace pare
