#include "chart/gnuplot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <thread>

#include "base/descriptor.h"
#include "base/system_error.h"
#include "pare/chart.h"
#include "pare/error.h"
#include "pare/table.h"

namespace pare::chart {
namespace {

constexpr std::string_view kPngMagic = "\x89PNG\r\n\x1a\n";
constexpr std::string_view kPngEnd = "IEND\xae\x42\x60\x82";
constexpr std::size_t kMessageLimit = 64 << 10;
constexpr std::chrono::seconds kVersionLimit{20};
constexpr int kStopCheckMilliseconds = 100;

[[noreturn]] void fail(const char* what, int code) {
  throw Error(base::code_of_errno(code), std::string("gnuplot: ") + what + ": " + std::strerror(code));
}

using base::Descriptor;

/// A file in memory, for the child's standard input and output. Unlike a pipe it cannot block or break, so there is no
/// deadlock and no SIGPIPE.
int memory_file(std::string_view content) {
  const int fd = ::memfd_create("pare-chart", MFD_CLOEXEC);
  if (fd < 0) fail("cannot make a buffer", errno);
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int code = errno;
      ::close(fd);
      fail("cannot fill a buffer", code);
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  ::lseek(fd, 0, SEEK_SET);
  return fd;
}

std::string contents(int fd) {
  const off_t size = ::lseek(fd, 0, SEEK_END);
  std::string text(size > 0 ? static_cast<std::size_t>(size) : 0, '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t got = ::pread(fd, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail("cannot read the picture", errno);
    done += static_cast<std::size_t>(got);
  }
  return text;
}

/// Attributes and actions of a child whose standard streams are the three given descriptors.
class Spawn {
 public:
  Spawn(int input, int output, int errors) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, errors, STDERR_FILENO);
    sigset_t none, defaults;
    ::sigemptyset(&none);
    ::sigemptyset(&defaults);
    for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGXFSZ}) ::sigaddset(&defaults, signal);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &defaults);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~Spawn() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;

  pid_t start(std::string program, const char* option = "--default-settings") const {
    std::string settings = option;
    char* arguments[] = {program.data(), settings.data(), nullptr};
    pid_t child = -1;
    const int code = ::posix_spawnp(&child, program.c_str(), &actions_, &attributes_, arguments, environ);
    if (code != 0)
      throw Error(ErrorCode::kUnavailable, "cannot start '" + printable(program) + "' to draw a chart (" +
                                               std::strerror(code) +
                                               "); install gnuplot-nox, or name the program in PARE_GNUPLOT");
    return child;
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

using Clock = std::chrono::steady_clock;

/// Reads what the child writes to `fd` until the child closes it. Asks the child to end if the call is stopped, and
/// kills it at `deadline`.
std::string listen(int fd, pid_t child, Clock::time_point deadline, const Context& context) {
  std::string message;
  char buffer[4096];
  for (bool told = false;;) {
    if (context.stopped() && !told) told = ::kill(child, SIGTERM) == 0;
    if (Clock::now() >= deadline) return message;
    pollfd waiting{fd, POLLIN, 0};
    if (::poll(&waiting, 1, kStopCheckMilliseconds) <= 0) continue;
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return message;
    if (message.size() < kMessageLimit) message.append(buffer, static_cast<std::size_t>(got));
  }
}

/// The child's exit status; nullopt if it had to be killed at `deadline`.
std::optional<int> wait_for(pid_t child, Clock::time_point deadline) {
  int status = 0;
  bool ended = false;
  for (;;) {
    const pid_t got = ::waitpid(child, &status, ended ? 0 : WNOHANG);
    if (got < 0 && errno != EINTR) fail("cannot wait for it", errno);
    if (got == child) return ended ? std::nullopt : std::optional(status);
    if (got == 0 && Clock::now() >= deadline) ended = ::kill(child, SIGKILL) == 0;
    if (got == 0 && !ended) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

const char* program_name() {
  const char* named = std::getenv("PARE_GNUPLOT");
  return named != nullptr && *named != '\0' ? named : "gnuplot";
}

/// The line with the cause; gnuplot prints the command and a caret before it.
std::string last_line(const std::string& message) {
  const std::size_t end = message.find_last_not_of(" \t\r\n");
  if (end == std::string::npos) return "no message";
  const std::size_t feed = message.find_last_of('\n', end);
  const std::size_t start = message.find_first_not_of(" \t\r\n", feed == std::string::npos ? 0 : feed + 1);
  return printable(message.substr(start, end + 1 - start));
}

bool whole_picture(std::string_view picture, PictureFormat format) {
  if (format == PictureFormat::kPng) return picture.starts_with(kPngMagic) && picture.ends_with(kPngEnd);
  return picture.find("<svg") != std::string_view::npos && picture.rfind("</svg>") != std::string_view::npos;
}

}  // namespace

PictureFormat picture_format(const std::filesystem::path& file) {
  std::string extension = file.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (extension == ".png") return PictureFormat::kPng;
  if (extension == ".svg") return PictureFormat::kSvg;
  throw Error(ErrorCode::kArgument, file, "a chart's name must end in .png or .svg");
}

std::string run_gnuplot(const std::string& script, PictureFormat format, std::chrono::milliseconds limit,
                        const Context& context) {
  const Clock::time_point deadline = Clock::now() + limit;
  const Descriptor input(memory_file(script)), output(memory_file({}));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("cannot make a pipe", errno);
  const Descriptor errors(ends[0]);
  Descriptor child_errors(ends[1]);
  const pid_t child = Spawn(input.get(), output.get(), child_errors.get()).start(program_name());
  child_errors.close();
  const std::string message = listen(errors.get(), child, deadline, context);
  const std::optional<int> ended = wait_for(child, deadline);
  context.check();
  if (!ended)
    throw Error(ErrorCode::kUnavailable, fmt::format("gnuplot did not finish within {} s", limit.count() / 1000.0));
  const int status = *ended;
  if (WIFSIGNALED(status))
    throw Error(ErrorCode::kUnavailable, "gnuplot was ended by signal " + std::to_string(WTERMSIG(status)));
  if (WEXITSTATUS(status) != 0) throw Error(ErrorCode::kUnavailable, "gnuplot failed: " + last_line(message));
  std::string picture = contents(output.get());
  if (!whole_picture(picture, format))
    throw Error(ErrorCode::kUnavailable, "gnuplot wrote an incomplete picture: " + last_line(message));
  return picture;
}

}  // namespace pare::chart

namespace pare {

void require_gnuplot() {
  const base::Descriptor input(chart::memory_file({})), output(chart::memory_file({}));
  const pid_t child = chart::Spawn(input.get(), output.get(), output.get()).start(chart::program_name(), "--version");
  chart::wait_for(child, chart::Clock::now() + chart::kVersionLimit);
}

}  // namespace pare
