// Signals: a first Ctrl-C asks the library to stop and clean up, a second one kills.
#pragma once

namespace pare::cli {

/// SIGINT and SIGTERM call request_stop(); SIGPIPE becomes a failed write; SIGBUS (a mapped file
/// was cut short by someone else) becomes one line on standard error and exit status 1.
void install_signal_handlers();
/// 128 + the signal that asked to stop (130 for Ctrl-C).
int stop_status() noexcept;

}  // namespace pare::cli
