#include "base/system_error.h"

#include <cerrno>

namespace pare::base {

ErrorCode code_of_errno(int number) noexcept {
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::kNotFound;
    case EEXIST:
      return ErrorCode::kExists;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return ErrorCode::kNoSpace;
    case ENOMEM:
      return ErrorCode::kOutOfMemory;
    default:
      return ErrorCode::kIo;
  }
}

ErrorCode code_of(const std::error_code& failure) noexcept { return code_of_errno(failure.value()); }

}  // namespace pare::base
