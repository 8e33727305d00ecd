#include "bench/scratch.h"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

#include "pare/error.h"

namespace pare::bench {
namespace {

namespace fs = std::filesystem;

fs::path usual_parent() {
  if (const char* chosen = std::getenv("TMPDIR"); chosen != nullptr && *chosen != '\0') return chosen;
  std::error_code ignored;
  return fs::is_directory("/var/tmp", ignored) ? "/var/tmp" : "/tmp";
}

}  // namespace

ScratchDirectory::ScratchDirectory(fs::path parent) {
  if (parent.empty()) parent = usual_parent();
  std::string pattern = (parent / "pare-bench.XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr)
    throw Error(parent, "cannot hold temporary files: " + std::generic_category().message(errno));
  path_ = pattern;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace pare::bench
