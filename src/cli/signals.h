// Signals: a first Ctrl-C asks the library to stop and clean up, a second one kills.
#pragma once

namespace pare::cli {

/// SIGINT, SIGTERM and SIGHUP call request_stop(). SIGPIPE and SIGXFSZ become a failed write. SIGBUS (a mapped file was
/// cut short by someone else) calls request_stop() too, and file_shrank() tells.
void install_signal_handlers();
bool file_shrank() noexcept;
/// 128 + the signal that asked to stop (130 for Ctrl-C).
int stop_status() noexcept;

}  // namespace pare::cli
