#include "cli/signals.h"

#include <unistd.h>

#include <csignal>
#include <string_view>

#include "pare/error.h"

namespace pare::cli {
namespace {

volatile std::sig_atomic_t stop_signal = SIGINT;

extern "C" void on_stop(int signal) {
  stop_signal = signal;
  request_stop();
}

extern "C" void on_bus_error(int) {
  constexpr std::string_view kMessage = "pare: a mapped file shrank while it was being read\n";
  if (::write(STDERR_FILENO, kMessage.data(), kMessage.size()) < 0) ::_exit(1);
  ::_exit(1);
}

void handle(int signal, void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

void install_signal_handlers() {
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction inherited {};
    ::sigaction(signal, nullptr, &inherited);
    if (inherited.sa_handler == SIG_IGN) continue;  // a job that its shell put into the background
    // Back to the default once used: a second signal ends the process at once.
    handle(signal, on_stop, SA_RESTART | static_cast<int>(SA_RESETHAND));
  }
  handle(SIGBUS, on_bus_error, static_cast<int>(SA_RESETHAND));
  handle(SIGPIPE, SIG_IGN, 0);
}

int stop_status() noexcept { return 128 + stop_signal; }

}  // namespace pare::cli
