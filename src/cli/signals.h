// Signals: a first Ctrl-C asks the library to stop and clean up, a second one kills.
#pragma once

#include "pare/context.h"

namespace pare::cli {

/// As long as it lives, SIGINT, SIGTERM and SIGHUP stop `context`, which must outlive it. SIGPIPE and SIGXFSZ become a
/// failed write. SIGBUS (a mapped file was cut short by someone else) stops the context too, and file_shrank() tells.
class SignalHandlers {
 public:
  explicit SignalHandlers(const Context& context);
  ~SignalHandlers();
  SignalHandlers(const SignalHandlers&) = delete;
  SignalHandlers& operator=(const SignalHandlers&) = delete;
};
bool file_shrank() noexcept;
/// 128 + the signal that asked to stop (130 for Ctrl-C).
int stop_status() noexcept;

}  // namespace pare::cli
