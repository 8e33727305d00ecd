// Signals: a first Ctrl-C asks the library to stop and clean up, a second one kills.
#pragma once

#include "pare/context.h"

namespace pare::cli {

/// While this object lives, SIGINT, SIGTERM and SIGHUP stop `context`, which must outlive it. SIGPIPE and SIGXFSZ
/// become a failed write. SIGBUS (another process truncated a mapped file) stops the context too, and file_shrank() is
/// true.
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
