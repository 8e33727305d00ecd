// A stack for signal handlers, for threads inside oneDNN.
#pragma once

namespace pare::linear {

/// Gives the calling thread, until it ends, a stack for signal handlers that were installed with SA_ONSTACK, unless it
/// has one. oneDNN's sgemm uses the stack pointer for memory on the heap while it runs (2.6, kernels for AVX and
/// AVX-512), so a handler that runs on the thread's own stack writes over what lies below that memory.
void use_signal_stack() noexcept;

}  // namespace pare::linear
