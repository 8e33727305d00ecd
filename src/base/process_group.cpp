#include "pare/process_group.h"

namespace pare {

void ProcessGroup::send(unsigned to, std::span<const std::byte> bytes, const Context& context) {
  do_send(to, bytes, context);
  bytes_.fetch_add(bytes.size(), std::memory_order_relaxed);
  messages_.fetch_add(1, std::memory_order_relaxed);
}

std::vector<std::byte> ProcessGroup::receive(unsigned from, const Context& context) {
  return do_receive(from, context);
}

}  // namespace pare
