// Work spread over threads. Results must not depend on which worker took which item.
#pragma once

#include <cstddef>
#include <functional>

#include "pare/context.h"

namespace pare::base {

/// Number of threads that `requested` stands for (0: one per core this process may use).
unsigned thread_count(unsigned requested) noexcept;
inline unsigned thread_count(const Context& context) noexcept { return thread_count(context.threads()); }

/// The same, but 1 for work of few multiply-adds: handing a piece to a second thread takes some microseconds.
unsigned worthwhile_threads(unsigned requested, std::size_t multiply_adds) noexcept;
inline unsigned worthwhile_threads(const Context& context, std::size_t multiply_adds) noexcept {
  return worthwhile_threads(context.threads(), multiply_adds);
}

/// The same as a context, for parallel_for().
inline Context worthwhile(const Context& context, std::size_t multiply_adds) {
  return context.with_threads(worthwhile_threads(context, multiply_adds));
}

/// Calls body(item, worker) for every item in [0, items), on up to context.threads() threads; `worker` is
/// below thread_count(context.threads()) and not shared by two calls that run at once. Items are handed out
/// in rising order, one at a time. Throws Interrupted soon after `context` is stopped. The first exception of a body
/// ends the loop and is rethrown.
void parallel_for(std::size_t items, const Context& context,
                  const std::function<void(std::size_t item, unsigned worker)>& body);

/// Runs `body` once, on this thread, while the other context.threads() - 1 threads stay awake for its calls of
/// parallel_for(), each of which then takes about a microsecond less: for many short loops one after another, as in a
/// forward pass of few tokens. A loop inside another loop's body finds no such thread, so `body` should not nest them.
/// Rethrows what `body` throws.
void with_team(const Context& context, const std::function<void()>& body);

}  // namespace pare::base
