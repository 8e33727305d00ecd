#include "base/files.h"

#include <system_error>

#include "base/system_error.h"
#include "pare/error.h"

namespace pare::base {
namespace {

std::filesystem::file_status status_of(const std::filesystem::path& path) {
  std::error_code failure;
  const std::filesystem::file_status status = std::filesystem::status(path, failure);
  if (!std::filesystem::status_known(status))
    throw Error(code_of(failure), path, "cannot be opened: " + failure.message());
  return status;
}

}  // namespace

bool is_there(const std::filesystem::path& path) { return std::filesystem::exists(status_of(path)); }
bool is_file(const std::filesystem::path& path) { return std::filesystem::is_regular_file(status_of(path)); }
bool is_directory(const std::filesystem::path& path) { return std::filesystem::is_directory(status_of(path)); }

std::filesystem::path resolved(const std::filesystem::path& path) {
  std::error_code failure;
  std::filesystem::path whole = std::filesystem::canonical(path, failure);
  if (failure) throw Error(code_of(failure), path, "cannot be resolved: " + failure.message());
  return whole;
}

std::filesystem::path without_trailing_separator(const std::filesystem::path& path) {
  return path.has_filename() ? path : path.parent_path();
}

}  // namespace pare::base
