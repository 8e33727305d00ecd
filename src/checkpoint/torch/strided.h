// Strided views of a storage: their extent, whether they are contiguous, and copies of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "pare/context.h"

namespace pare::checkpoint {

/// A view as torch.Tensor describes it: element (i0, i1, ...) lies at offset + sum of ik * strides[k].
/// All numbers count elements; shape and strides have the same length.
struct StridedView {
  std::uint64_t offset = 0;
  std::span<const std::uint64_t> shape, strides;
};

/// One past the last element that the view touches: 0 if it has no elements. nullopt on overflow.
std::optional<std::uint64_t> strided_end(const StridedView& view) noexcept;

/// True if the elements lie one after another in C order (as torch.Tensor.is_contiguous: strides of
/// dimensions of extent 1 do not matter, and an empty tensor is contiguous).
bool is_contiguous(const StridedView& view) noexcept;

/// Copies the view's elements in C order to `to`, on up to context.threads() threads. `storage` must hold
/// strided_end() elements of `element_bytes` (1, 2, 4, 8 or 16) and `to` exactly the view's elements.
/// Throws Interrupted.
void copy_strided(std::span<const std::byte> storage, const StridedView& view, unsigned element_bytes,
                  std::span<std::byte> to, const Context& context = {});

}  // namespace pare::checkpoint
