#include "cli/streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include "pare/error.h"
#include "pare/table.h"

namespace pare::cli {
namespace {

bool silent = false;

/// 0, or the errno of the failure.
int write_all(int descriptor, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

void print_line(std::string_view kind, std::string_view text) {
  write_all(STDERR_FILENO,
            std::string(kind) + printable(text) + '\n');  // a failure to write to standard error is ignored
}

}  // namespace

void silence() noexcept { silent = true; }

void print(std::string_view text) {
  if (silent) return;
  const int failure = write_all(STDOUT_FILENO, text);
  if (failure == 0) return;
  if (failure == EPIPE) {
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  }
  const bool full = failure == ENOSPC || failure == EDQUOT || failure == EFBIG;
  throw Error(full ? ErrorCode::kNoSpace : ErrorCode::kIo,
              std::string("standard output: cannot write: ") + std::strerror(failure));
}

void print_note(std::string_view text) {
  if (!silent) print_line("pare: note: ", text);
}
void print_error(std::string_view text) { print_line("pare: ", text); }

void reserve_standard_streams() {
  // Lowest free descriptor first, so 0, 1 and 2 are filled in turn. Read-only, so that writing to a closed stream fails
  // as it should.
  int descriptor = 0;
  do descriptor = ::open("/dev/null", O_RDONLY);
  while (descriptor >= 0 && descriptor <= STDERR_FILENO);
  if (descriptor > STDERR_FILENO) ::close(descriptor);
}

}  // namespace pare::cli
