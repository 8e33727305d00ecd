// Pruning of tensors that PyTorch holds in memory; pare.torch checks them first.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>
#include <sys/mman.h>

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

/// New memory is written here for the first time, which takes a fraction of the time in large pages. A wish: where the
/// system does not fulfil it, everything works as well.
void prefer_large_pages(std::byte* data, std::size_t bytes) {
  constexpr std::uintptr_t kPage = std::uintptr_t{1} << 21;
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  const std::uintptr_t begin = (address + kPage - 1) / kPage * kPage, end = (address + bytes) / kPage * kPage;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

void prune_live(const std::vector<Addresses>& tensors, std::uint64_t count, unsigned threads,
                const nb::object& progress) {
  std::vector<LiveTensor> live;
  for (const Addresses& addresses : tensors) {
    const LiveTensor& added = live.emplace_back(live_of(addresses));
    const std::size_t bytes = added.elements * dtype_bits(added.dtype) / 8;
    if (added.mask != nullptr) prefer_large_pages(added.mask, bytes);
    if (added.pruned != nullptr && added.pruned != added.weights) prefer_large_pages(added.pruned, bytes);
  }
  run_without_lock(threads, progress, [&](const Context& context) { prune_smallest(live, count, context); });
}

}  // namespace

void bind_live_tensors(nb::module_& module) {
  module.def("prune_smallest", prune_live, nb::arg("tensors"), nb::arg("count"), nb::arg("threads"),
             nb::arg("progress").none());
}

}  // namespace pare::python
