// Calls of the library that take time: without Python's lock, with progress and Ctrl-C.
#pragma once

#include <nanobind/nanobind.h>

#include <functional>
#include <optional>
#include <type_traits>

#include "pare/context.h"

namespace pare::python {

/// Runs `work` on a thread of its own with a Context of `threads` threads, and waits for it without Python's lock.
/// Meanwhile the calling thread calls `progress` (None, or a callable that takes step, fraction and bytes) some ten
/// times a second, and handles signals. If either raises, `work` is stopped and the exception passed on. What `work`
/// throws is passed on, too.
void run_without_lock(unsigned threads, const nanobind::object& progress,
                      const std::function<void(const Context&)>& work);

/// The same with the result of `work`, which must not touch Python's objects.
template <class Work>
auto call(unsigned threads, const nanobind::object& progress, Work work) {
  std::optional<std::invoke_result_t<Work, const Context&>> result;
  run_without_lock(threads, progress, [&](const Context& context) { result.emplace(work(context)); });
  return std::move(*result);
}

}  // namespace pare::python
