#include "pare/live_tensors.h"

#include <fmt/format.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "pare/error.h"
#include "prune/criteria/cut_smallest.h"
#include "stats/float_format.h"
#include "stats/tensor_pieces.h"

namespace pare {
namespace {

TensorView live_view(const LiveTensor& live, std::size_t index) {
  TensorView view;
  view.name = fmt::format("tensor {}", index);
  if (!is_analyzed(live.dtype))
    throw Error(ErrorCode::kUnsupported, {}, view.name,
                fmt::format("weights of type {} cannot be pruned", dtype_name(live.dtype)));
  view.dtype = live.dtype;
  view.shape = {live.elements};
  view.bytes = {live.weights, static_cast<std::size_t>(live.elements) * (dtype_bits(live.dtype) / 8)};
  return view;
}

/// Writes 1 or 0 for the keys from `cut` on and below, as elements whose pattern of 1 is `one`.
template <class Bits>
void write_mask(const std::byte* weights, std::byte* mask, std::uint64_t count, std::uint64_t cut, Bits one) {
  constexpr auto kMagnitude = static_cast<Bits>(static_cast<Bits>(~Bits{0}) >> 1U);
  if (cut > kMagnitude) return static_cast<void>(std::memset(mask, 0, count * sizeof(Bits)));
  const auto lowest = static_cast<Bits>(cut);
  for (std::uint64_t i = 0; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, weights + i * sizeof(Bits), sizeof(Bits));
    const Bits kept = static_cast<Bits>(bits & kMagnitude) < lowest ? Bits{0} : one;
    std::memcpy(mask + i * sizeof(Bits), &kept, sizeof(Bits));
  }
}

void write_mask_of(const stats::FloatFormat& format, const std::byte* weights, std::byte* mask, std::uint64_t count,
                   std::uint64_t cut) {
  const std::uint64_t one = stats::rounded_key(format, 1);
  switch (format.width) {
    case kernels::Width::k8:
      return write_mask(weights, mask, count, cut, static_cast<std::uint8_t>(one));
    case kernels::Width::k16:
      return write_mask(weights, mask, count, cut, static_cast<std::uint16_t>(one));
    case kernels::Width::k32:
      return write_mask(weights, mask, count, cut, static_cast<std::uint32_t>(one));
    case kernels::Width::k64:
      return write_mask(weights, mask, count, cut, one);
  }
}

/// Writes the outputs of some elements: the mask first, because the weights may be overwritten.
void write_live(const LiveTensor& live, const Mask::BelowKey& cut, std::uint64_t begin, std::uint64_t count) {
  const stats::FloatFormat& format = stats::float_format(live.dtype);
  // Ties before tie_end go, too, so the first key to keep is one higher there.
  const std::uint64_t with_ties = cut.tie_end <= begin ? 0 : std::min(count, cut.tie_end - begin);
  const auto write = [&](std::uint64_t from, std::uint64_t n, std::uint64_t key) {
    if (n == 0) return;
    const std::size_t offset = from * format.size();
    if (live.mask != nullptr) write_mask_of(format, live.weights + offset, live.mask + offset, n, key);
    if (live.pruned != nullptr)
      kernels::copy_from_key(format.width, live.weights + offset, live.pruned + offset, n, key);
  };
  write(begin, with_ties, cut.key + 1);
  write(begin + with_ties, count - with_ties, cut.key);
}

}  // namespace

void prune_smallest(std::span<const LiveTensor> tensors, std::uint64_t count, const Context& context) {
  std::vector<TensorView> views;
  std::uint64_t elements = 0;
  for (const LiveTensor& live : tensors) {
    views.push_back(live_view(live, views.size()));
    elements += live.elements;
  }
  if (count > elements)
    throw Error(ErrorCode::kArgument, fmt::format("cannot prune {} weights of {}", count, elements));
  const prune::SetCut cut = prune::cut_smallest(views, {&count, 1}, context).front();
  context.check();
  const std::vector<stats::Piece> pieces = stats::cut_into_pieces(views);
  // Stopping now would leave some weights pruned and others not.
  const Context unstoppable(context.threads());
  base::parallel_for(pieces.size(), unstoppable, [&](std::size_t item, unsigned) {
    const stats::Piece& piece = pieces[item];
    const auto* below = std::get_if<Mask::BelowKey>(&cut.tensors[piece.tensor].mask.kind());
    write_live(tensors[piece.tensor], below == nullptr ? Mask::BelowKey{} : *below, piece.begin, piece.count);
  });
}

}  // namespace pare
