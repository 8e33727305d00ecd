#include "linear/signal_stack.h"

#include <sys/mman.h>

#include <csignal>
#include <cstddef>

namespace pare::linear {
namespace {

constexpr std::size_t kStackBytes = std::size_t{1} << 16;  ///< several times the registers that the kernel saves

/// Of one thread.
class SignalStack {
 public:
  SignalStack() noexcept {
    stack_t before{};
    if (::sigaltstack(nullptr, &before) != 0 || (before.ss_flags & SS_DISABLE) == 0) return;
    void* memory = ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    stack_t stack{};
    stack.ss_sp = memory;
    stack.ss_size = kStackBytes;
    if (::sigaltstack(&stack, nullptr) == 0)
      memory_ = memory;
    else
      ::munmap(memory, kStackBytes);
  }
  ~SignalStack() {
    if (memory_ == nullptr) return;
    stack_t now{};
    if (::sigaltstack(nullptr, &now) != 0 || now.ss_sp != memory_) return;  // the host program has replaced it
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    if (::sigaltstack(&none, nullptr) == 0) ::munmap(memory_, kStackBytes);
  }
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

 private:
  void* memory_ = nullptr;
};

}  // namespace

void use_signal_stack() noexcept { thread_local const SignalStack stack; }

}  // namespace pare::linear
