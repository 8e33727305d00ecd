#include "checkpoint/torch/strided.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "base/checked.h"
#include "base/parallel.h"
#include "base/pieces.h"

namespace pare::checkpoint {
namespace {

/// Copies elements [begin, end) of the view in C order. The element size is a template argument so
/// that each copy becomes one load and one store.
template <unsigned kBytes>
void copy_piece(const std::byte* storage, const StridedView& view, std::uint64_t begin, std::uint64_t end,
                std::byte* to) {
  const std::size_t last = view.shape.size() - 1;  // scalars are contiguous and are not copied here
  const std::uint64_t columns = view.shape[last], column_stride = view.strides[last];
  for (std::uint64_t at = begin; at < end;) {
    std::uint64_t row = at / columns;
    const std::uint64_t column = at % columns, count = std::min(columns - column, end - at);
    std::uint64_t source = view.offset + column * column_stride;
    for (std::size_t k = last; k-- > 0;) {
      source += row % view.shape[k] * view.strides[k];
      row /= view.shape[k];
    }
    for (std::uint64_t i = 0; i < count; ++i, source += column_stride)
      std::memcpy(to + (at + i) * kBytes, storage + source * kBytes, kBytes);
    at += count;
  }
}

}  // namespace

std::optional<std::uint64_t> strided_end(const StridedView& view) noexcept {
  std::uint64_t last = view.offset;
  for (std::size_t k = 0; k < view.shape.size(); ++k) {
    if (view.shape[k] == 0) return 0;
  }
  for (std::size_t k = 0; k < view.shape.size(); ++k) {
    const auto reach = base::checked_multiply(view.shape[k] - 1, view.strides[k]);
    const auto sum = reach ? base::checked_add(last, *reach) : std::nullopt;
    if (!sum) return std::nullopt;
    last = *sum;
  }
  return base::checked_add(last, 1);
}

bool is_contiguous(const StridedView& view) noexcept {
  std::uint64_t expected = 1;
  for (const std::uint64_t extent : view.shape)
    if (extent == 0) return true;
  for (std::size_t k = view.shape.size(); k-- > 0;) {
    if (view.shape[k] == 1) continue;
    if (view.strides[k] != expected) return false;
    expected *= view.shape[k];  // cannot overflow, because strided_end() and so every earlier stride fit
  }
  return true;
}

void copy_strided(std::span<const std::byte> storage, const StridedView& view, unsigned element_bytes,
                  std::span<std::byte> to, const Context& context) {
  const std::uint64_t elements = to.size() / element_bytes;
  const auto copy = [&](std::uint64_t begin, std::uint64_t end) {
    switch (element_bytes) {
      case 1:
        return copy_piece<1>(storage.data(), view, begin, end, to.data());
      case 2:
        return copy_piece<2>(storage.data(), view, begin, end, to.data());
      case 4:
        return copy_piece<4>(storage.data(), view, begin, end, to.data());
      case 8:
        return copy_piece<8>(storage.data(), view, begin, end, to.data());
      case 16:
        return copy_piece<16>(storage.data(), view, begin, end, to.data());
      default:
        assert(false && "element size");
    }
  };
  const std::uint64_t pieces = elements / base::kPieceElements + (elements % base::kPieceElements != 0 ? 1 : 0);
  base::parallel_for(pieces, context, [&](std::size_t piece, unsigned) {
    copy(piece * base::kPieceElements, std::min(elements, (piece + 1) * base::kPieceElements));
  });
}

}  // namespace pare::checkpoint
