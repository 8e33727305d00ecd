#include "cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "pare/table.h"

namespace pare::cli {
namespace {

using namespace std::chrono_literals;

void draw(std::string_view text) {
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;  // the terminal may be closed
}

std::size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::ceil(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

/// As many whole characters as fit into `columns`.
std::string clipped(std::string text, std::size_t columns) {
  while (display_width(text) > columns) {
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0) == 0x80) text.pop_back();
    if (!text.empty()) text.pop_back();
  }
  return text;
}

}  // namespace

ProgressLine::ProgressLine(std::string what, bool quiet)
    : what_(std::move(what)), enabled_(!quiet && ::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  if (drawn_) draw("\r\033[K");
}

Context ProgressLine::follow(const Context& context) {
  if (!enabled_ || !context.leads()) return context;
  return context.with_progress([this](const Progress& progress) {
    show(progress.step.empty() ? std::string_view(what_) : progress.step, progress.fraction, progress.bytes);
  });
}

void ProgressLine::show(std::string_view what, double fraction, std::uint64_t bytes_done) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;  // another thread is drawing; a later call will do
  const auto now = Clock::now();
  if (now - start_ < 1s || now - last_ < 100ms) return;
  last_ = now;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  fraction = std::clamp(fraction, 0.0, 1.0);
  std::string line = fmt::format("{:3.0f} %  {}", std::floor(100 * fraction), printable(what));
  if (bytes_done != 0)
    line += fmt::format("  {}/s", bytes_text(static_cast<std::uint64_t>(static_cast<double>(bytes_done) / elapsed)));
  if (fraction > 0.01) line += fmt::format("  {} left", duration_text(elapsed * (1 - fraction) / fraction));
  draw("\r\033[K" + clipped(std::move(line), terminal_columns() - 1));
  drawn_ = true;
}

}  // namespace pare::cli
