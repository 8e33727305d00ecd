// Failures of system calls as codes.
#pragma once

#include <system_error>

#include "pare/error.h"

namespace pare::base {

/// The code for an errno value; kIo for values without a specific code.
ErrorCode code_of_errno(int number) noexcept;
/// The same for what std::filesystem reports.
ErrorCode code_of(const std::error_code& failure) noexcept;

}  // namespace pare::base
