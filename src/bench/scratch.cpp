#include "bench/scratch.h"

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <system_error>

#include "base/files.h"

namespace pare::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kName = "pare-bench";

fs::path usual_parent() {
  if (const char* chosen = std::getenv("TMPDIR"); chosen != nullptr && *chosen != '\0') return chosen;
  std::error_code ignored;
  return fs::is_directory("/var/tmp", ignored) ? "/var/tmp" : "/tmp";
}

}  // namespace

ScratchDirectory::ScratchDirectory(fs::path parent) {
  if (parent.empty()) parent = usual_parent();
  if (!base::is_directory(parent))
    throw Error(ErrorCode::kNotFound, parent, "cannot hold temporary files: it is not a directory");
  base::remove_dead_staged(parent / kName);
  staged_ = base::create_staged_directory(parent / kName);
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  fs::remove_all(staged_.path, ignored);
  ::close(staged_.descriptor);
}

Error ScratchDirectory::described(const Error& error) const {
  const std::string hidden = staged_.path.string() + "/";
  if (!error.file().string().starts_with(hidden)) return error;
  std::string cause = error.what();
  if (cause.starts_with(hidden)) cause.erase(0, hidden.size());
  return Error(error.code(), staged_.path.parent_path(), "temporary file " + cause);
}

}  // namespace pare::bench
