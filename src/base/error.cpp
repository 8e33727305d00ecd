#include "pare/error.h"

namespace pare {
namespace {

std::atomic<bool> stop_flag{false};
static_assert(std::atomic<bool>::is_always_lock_free, "request_stop() is called from signal handlers");

std::string sentence(const std::filesystem::path& file, const std::string& tensor, const std::string& cause) {
  std::string text;
  if (!file.empty()) text += file.string() + ": ";
  if (!tensor.empty()) text += "tensor '" + tensor + "': ";
  text += cause;
  for (char& c : text)  // hostile names must not break the line or drive the terminal
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return text;
}

}  // namespace

Error::Error(std::filesystem::path file, std::string tensor, const std::string& cause)
    : std::runtime_error(sentence(file, tensor, cause)), file_(std::move(file)), tensor_(std::move(tensor)) {}

void request_stop() noexcept { stop_flag.store(true, std::memory_order_relaxed); }
bool stop_requested() noexcept { return stop_flag.load(std::memory_order_relaxed); }

}  // namespace pare
