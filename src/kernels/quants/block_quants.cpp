#include "kernels/quants/block_quants.h"

#include "kernels/targets.h"

#ifndef PARE_KERNELS_TOGETHER
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/quants/block_quants.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
#endif
// Highway's per-target headers come after foreach_target.h.
#include <hwy/highway.h>

#include "kernels/quants/block_layouts-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class B>
void decode(const std::byte* bytes, std::size_t count, float* HWY_RESTRICT out) {
  const hn::CappedTag<float, 16> d;
  const hn::Rebind<std::int32_t, decltype(d)> wide;
  const hn::Rebind<std::int8_t, decltype(d)> narrow;
  const auto* block = reinterpret_cast<const Byte*>(bytes);
  alignas(64) std::int8_t numbers[B::kElements];
  float scales[16], lows[16];
  for (std::size_t n = 0; n < count; ++n, block += B::kBytes, out += B::kElements) {
    B::unpack(block, {numbers, scales, lows});
    for (std::size_t group = 0; group < B::kElements / B::kGroup; ++group) {
      const auto scale = hn::Set(d, scales[group]);
      const std::size_t begin = group * B::kGroup;
      for (std::size_t i = begin; i < begin + B::kGroup; i += hn::Lanes(d)) {
        const auto q = hn::ConvertTo(d, hn::PromoteTo(wide, hn::LoadU(narrow, numbers + i)));
        auto value = hn::Mul(scale, q);  // two roundings, as the reference has them
        if constexpr (B::kLows) value = hn::Add(value, hn::Set(d, lows[group]));
        hn::StoreU(value, d, out + i);
      }
    }
  }
}

void DecodeBlocksTarget(BlockType type, const std::byte* blocks, std::size_t count, float* out) {
  with_block(type, [&](auto block) { decode<decltype(block)>(blocks, count, out); });
}

BlockShape BlockShapeTarget(BlockType type) {
  return with_block(type, [](auto block) { return BlockShape{decltype(block)::kElements, decltype(block)::kBytes}; });
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(DecodeBlocksTarget);
}  // namespace

BlockShape block_shape(BlockType type) noexcept { return HWY_STATIC_DISPATCH(BlockShapeTarget)(type); }

void decode_blocks(BlockType type, const std::byte* blocks, std::size_t count, float* out) {
  PARE_DISPATCH(DecodeBlocksTarget)(type, blocks, count, out);
}

}  // namespace pare::kernels
#endif
