// Pruning of tensors that PyTorch holds in memory; pare.torch checks them first.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "bindings.h"
#include "call.h"
#include "pare/error.h"
#include "pare/live_tensors.h"

namespace nb = nanobind;

namespace pare::python {
namespace {

/// Addresses of the weights, the pruned weights and the mask (0: not wanted), with the dtype and number of elements.
using Addresses = std::tuple<std::uintptr_t, std::uintptr_t, std::uintptr_t, std::string, std::uint64_t>;

LiveTensor live_of(const Addresses& addresses) {
  const auto& [weights, pruned, mask, dtype, elements] = addresses;
  const std::optional<DType> type = parse_dtype(dtype);
  if (!type) throw Error(ErrorCode::kArgument, "unknown dtype '" + dtype + "'");
  const auto at = [](std::uintptr_t address) { return reinterpret_cast<std::byte*>(address); };
  return {at(weights), elements, *type, at(pruned), at(mask)};
}

void prune_live(const std::vector<Addresses>& tensors, std::uint64_t count, unsigned threads,
                const nb::object& progress) {
  std::vector<LiveTensor> live;
  for (const Addresses& addresses : tensors) live.push_back(live_of(addresses));
  run_without_lock(threads, progress, [&](const Context& context) { prune_smallest(live, count, context); });
}

}  // namespace

void bind_live_tensors(nb::module_& module) {
  module.def("prune_smallest", prune_live, nb::arg("tensors"), nb::arg("count"), nb::arg("threads"),
             nb::arg("progress").none());
}

}  // namespace pare::python
