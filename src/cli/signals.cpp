#include "cli/signals.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>

namespace pare::cli {
namespace {

volatile std::sig_atomic_t stop_signal = SIGINT;
std::atomic<const Context*> to_stop{nullptr};

void stop() {
  if (const Context* context = to_stop.load(std::memory_order_acquire)) context->stop();
}

extern "C" void on_stop(int signal) {
  stop_signal = signal;
  stop();
}

volatile std::sig_atomic_t shrank = 0;

/// Maps a page of zeros where the file now ends and stops the context, so that the command ends and cleans up as after
/// any other failure.
extern "C" void on_bus_error(int signal, siginfo_t* info, void*) {
  constexpr std::uintptr_t kPage = 4096;
  void* page = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(info->si_addr) & ~(kPage - 1));
  const bool past_end = info->si_code == BUS_ADRERR;
  if (!past_end || ::mmap(page, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
    std::signal(signal, SIG_DFL);  // the fault repeats
    return;
  }
  shrank = 1;
  stop();
}

/// On the thread's stack for signals, where it has one, because not every moment allows the other (see
/// linear/signal_stack.h).
void handle(int signal, void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags | SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

SignalHandlers::SignalHandlers(const Context& context) {
  to_stop.store(&context, std::memory_order_release);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction inherited {};
    ::sigaction(signal, nullptr, &inherited);
    if (inherited.sa_handler == SIG_IGN) continue;  // a background job of a shell
    // The default action returns after the first signal, so a second one ends the process at once.
    handle(signal, on_stop, SA_RESTART | static_cast<int>(SA_RESETHAND));
  }
  struct sigaction bus {};
  bus.sa_sigaction = on_bus_error;
  bus.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&bus.sa_mask);
  ::sigaction(SIGBUS, &bus, nullptr);
  handle(SIGXFSZ, SIG_IGN, 0);  // the write fails instead
  handle(SIGPIPE, SIG_IGN, 0);
}

SignalHandlers::~SignalHandlers() { to_stop.store(nullptr, std::memory_order_release); }

bool file_shrank() noexcept { return shrank != 0; }
int stop_status() noexcept { return 128 + stop_signal; }

}  // namespace pare::cli
