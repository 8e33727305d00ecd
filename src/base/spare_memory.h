// Memory of activations, which are made and dropped by the thousand in a forward pass. A thread keeps blocks that it
// has freed and hands them out again, so that their pages need not be cleared by the system each time.
#pragma once

#include <cstddef>

namespace pare::base {

/// `bytes` bytes, not set, aligned to cache lines. Throws std::bad_alloc.
void* take_memory(std::size_t bytes);
/// Gives back what take_memory() returned for `bytes`, on any thread. A thread keeps at most 64 MiB.
void give_back_memory(void* memory, std::size_t bytes) noexcept;

}  // namespace pare::base
