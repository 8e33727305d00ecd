#include "kernels/block_quants.h"

#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/block_quants.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
// Highway's per-target headers come after foreach_target.h.
#include <hwy/highway.h>

#include <bit>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Byte = std::uint8_t;

constexpr std::size_t kSmall = 32, kLarge = 256;  // elements of a block

/// A block as small integers q and the scales of its groups: an element is scale * q, or scale * q + low. (a - b is the
/// same as a + -b.)
struct Unpacked {
  alignas(64) std::int8_t q[kLarge];
  float scale[16], low[16];
};

/// The values of IQ4_NL and IQ4_XS, and those of MXFP4 (doubled).
constexpr std::int8_t kCurve[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
constexpr std::int8_t kE2M1[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

inline float half_at(const Byte* bytes) {
  std::uint16_t half;
  std::memcpy(&half, bytes, sizeof half);
  const std::uint32_t magnitude = static_cast<std::uint32_t>(half & 0x7fffU) << 13;
  // Scaling by 2^112 replaces the bias of the exponent, and is exact for subnormals, too.
  std::uint32_t bits = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112F);
  if ((half & 0x7c00U) == 0x7c00U) bits |= 0x7f800000U;
  return std::bit_cast<float>(bits | static_cast<std::uint32_t>(half & 0x8000U) << 16);
}

/// Half the value of an E8M0 exponent: kE2M1 is doubled.
inline float half_of_e8m0(Byte exponent) {
  const std::uint32_t bits = exponent < 2 ? 0x00200000U << exponent : static_cast<std::uint32_t>(exponent - 1) << 23;
  return std::bit_cast<float>(bits);
}

/// n bytes hold the low halves of n values, then the high halves of the next n.
template <std::size_t n>
HWY_INLINE void nibbles(const Byte* HWY_RESTRICT bytes, int offset, std::int8_t* HWY_RESTRICT q) {
  for (std::size_t i = 0; i < n; ++i) q[i] = static_cast<std::int8_t>((bytes[i] & 15) - offset);
  for (std::size_t i = 0; i < n; ++i) q[n + i] = static_cast<std::int8_t>((bytes[i] >> 4) - offset);
}

template <std::size_t n>
HWY_INLINE void looked_up(const Byte* HWY_RESTRICT bytes, const std::int8_t* HWY_RESTRICT values,
                          std::int8_t* HWY_RESTRICT q) {
  for (std::size_t i = 0; i < n; ++i) q[i] = values[bytes[i] & 15];
  for (std::size_t i = 0; i < n; ++i) q[n + i] = values[bytes[i] >> 4];
}

/// 32 bytes hold four values each: 32 values in the lowest bits, then 32 in the next ones, and so on.
HWY_INLINE void quarters(const Byte* HWY_RESTRICT bytes, int offset, std::int8_t* HWY_RESTRICT q) {
  for (int part = 0; part < 4; ++part)
    for (std::size_t i = 0; i < 32; ++i)
      q[part * 32 + i] = static_cast<std::int8_t>((bytes[i] >> (2 * part) & 3) - offset);
}

/// Adds the fifth bits of 32 values.
HWY_INLINE void fifth_bits(const Byte* bits_at, int offset, std::int8_t* HWY_RESTRICT q) {
  std::uint32_t bits;
  std::memcpy(&bits, bits_at, sizeof bits);
  for (std::size_t i = 0; i < 32; ++i) q[i] = static_cast<std::int8_t>((q[i] | (bits >> i & 1) << 4) - offset);
}

/// The six-bit scales and minima of Q4_K and Q5_K.
HWY_INLINE void scales_and_lows(const Byte* block, Unpacked& to) {
  const float scale = half_at(block), low = half_at(block + 2);
  const Byte* packed = block + 4;
  for (std::size_t i = 0; i < 4; ++i) {
    const int first = packed[i] & 63, first_low = packed[4 + i] & 63;
    const int second = (packed[8 + i] & 15) | (packed[i] >> 2 & 48);
    const int second_low = (packed[8 + i] >> 4) | (packed[4 + i] >> 2 & 48);
    to.scale[i] = scale * static_cast<float>(first);
    to.scale[4 + i] = scale * static_cast<float>(second);
    to.low[i] = -(low * static_cast<float>(first_low));
    to.low[4 + i] = -(low * static_cast<float>(second_low));
  }
}

// Each has the size of a block, of its groups, whether there are lows, and how a block is unpacked.

struct Q4_0 {
  static constexpr std::size_t kElements = kSmall, kBytes = 18, kGroup = 32;
  static constexpr bool kLows = false;
  static HWY_INLINE void unpack(const Byte* block, Unpacked& to) {
    to.scale[0] = half_at(block);
    nibbles<16>(block + 2, 8, to.q);
  }
};

struct Q4_1 {
  static constexpr std::size_t kElements = kSmall, kBytes = 20, kGroup = 32;
  static constexpr bool kLows = true;
  static HWY_INLINE void unpack(const Byte* block, Unpacked& to) {
    to.scale[0] = half_at(block);
    to.low[0] = half_at(block + 2);
    nibbles<16>(block + 4, 0, to.q);
  }
};

struct Q5_0 {
  static constexpr std::size_t kElements = kSmall, kBytes = 22, kGroup = 32;
  static constexpr bool kLows = false;
  static HWY_INLINE void unpack(const Byte* block, Unpacked& to) {
    to.scale[0] = half_at(block);
    nibbles<16>(block + 6, 0, to.q);
    fifth_bits(block + 2, 16, to.q);
  }
};

struct Q5_1 {
  static constexpr std::size_t kElements = kSmall, kBytes = 24, kGroup = 32;
  static constexpr bool kLows = true;
  static HWY_INLINE void unpack(const Byte* block, Unpacked& to) {
    to.scale[0] = half_at(block);
    to.low[0] = half_at(block + 2);
    nibbles<16>(block + 8, 0, to.q);
    fifth_bits(block + 4, 0, to.q);
  }
};

struct Q8_0 {
  static constexpr std::size_t kElements = kSmall, kBytes = 34, kGroup = 32;
  static constexpr bool kLows = false;
  static HWY_INLINE void unpack(const Byte* block, Unpacked& to) {
    to.scale[0] = half_at(block);
    std::memcpy(to.q, block + 2, 32);
  }
};

struct IQ4_NL {
  static constexpr std::size_t kElements = kSmall, kBytes = 18, kGroup = 32;
  static constexpr bool kLows = false;
  static HWY_INLINE void unpack(const Byte* block, Unpacked& to) {
    to.scale[0] = half_at(block);
    looked_up<16>(block + 2, kCurve, to.q);
  }
};

struct MXFP4 {
  static constexpr std::size_t kElements = kSmall, kBytes = 17, kGroup = 32;
  static constexpr bool kLows = false;
  static HWY_INLINE void unpack(const Byte* block, Unpacked& to) {
    to.scale[0] = half_of_e8m0(block[0]);
    looked_up<16>(block + 1, kE2M1, to.q);
  }
};

struct Q2_K {
  static constexpr std::size_t kElements = kLarge, kBytes = 84, kGroup = 16;
  static constexpr bool kLows = true;
  static HWY_INLINE void unpack(const Byte* block, Unpacked& to) {
    const float scale = half_at(block + 80), low = half_at(block + 82);
    for (std::size_t i = 0; i < 16; ++i) {
      to.scale[i] = scale * static_cast<float>(block[i] & 15);
      to.low[i] = -(low * static_cast<float>(block[i] >> 4));
    }
    for (std::size_t half = 0; half < 2; ++half) quarters(block + 16 + 32 * half, 0, to.q + 128 * half);
  }
};

struct Q3_K {
  static constexpr std::size_t kElements = kLarge, kBytes = 110, kGroup = 16;
  static constexpr bool kLows = false;
  static HWY_INLINE void unpack(const Byte* block, Unpacked& to) {
    const float scale = half_at(block + 108);
    const Byte* packed = block + 96;
    for (std::size_t i = 0; i < 16; ++i) {
      const int low = i < 8 ? packed[i] & 15 : packed[i - 8] >> 4;
      const int high = packed[8 + i % 4] >> (2 * (i / 4)) & 3;
      to.scale[i] = scale * static_cast<float>((low | high << 4) - 32);
    }
    for (std::size_t half = 0; half < 2; ++half) quarters(block + 32 + 32 * half, 0, to.q + 128 * half);
    for (std::size_t part = 0; part < 8; ++part)
      for (std::size_t i = 0; i < 32; ++i)
        to.q[part * 32 + i] = static_cast<std::int8_t>(to.q[part * 32 + i] - (~(block[i] >> part) & 1) * 4);
  }
};

struct Q4_K {
  static constexpr std::size_t kElements = kLarge, kBytes = 144, kGroup = 32;
  static constexpr bool kLows = true;
  static HWY_INLINE void unpack(const Byte* block, Unpacked& to) {
    scales_and_lows(block, to);
    for (std::size_t part = 0; part < 4; ++part) nibbles<32>(block + 16 + 32 * part, 0, to.q + 64 * part);
  }
};

struct Q5_K {
  static constexpr std::size_t kElements = kLarge, kBytes = 176, kGroup = 32;
  static constexpr bool kLows = true;
  static HWY_INLINE void unpack(const Byte* block, Unpacked& to) {
    scales_and_lows(block, to);
    for (std::size_t part = 0; part < 4; ++part) nibbles<32>(block + 48 + 32 * part, 0, to.q + 64 * part);
    for (std::size_t part = 0; part < 8; ++part)
      for (std::size_t i = 0; i < 32; ++i)
        to.q[part * 32 + i] = static_cast<std::int8_t>(to.q[part * 32 + i] | (block[16 + i] >> part & 1) << 4);
  }
};

struct Q6_K {
  static constexpr std::size_t kElements = kLarge, kBytes = 210, kGroup = 16;
  static constexpr bool kLows = false;
  static HWY_INLINE void unpack(const Byte* block, Unpacked& to) {
    const float scale = half_at(block + 208);
    for (std::size_t i = 0; i < 16; ++i)
      to.scale[i] = scale * static_cast<float>(static_cast<std::int8_t>(block[192 + i]));
    for (std::size_t half = 0; half < 2; ++half) {
      std::int8_t* HWY_RESTRICT q = to.q + 128 * half;
      const Byte* HWY_RESTRICT high = block + 128 + 32 * half;
      nibbles<64>(block + 64 * half, 0, q);
      for (int part = 0; part < 4; ++part)
        for (std::size_t i = 0; i < 32; ++i)
          q[part * 32 + i] = static_cast<std::int8_t>((q[part * 32 + i] | (high[i] >> (2 * part) & 3) << 4) - 32);
    }
  }
};

struct IQ4_XS {
  static constexpr std::size_t kElements = kLarge, kBytes = 136, kGroup = 32;
  static constexpr bool kLows = false;
  static HWY_INLINE void unpack(const Byte* block, Unpacked& to) {
    const float scale = half_at(block);
    for (std::size_t i = 0; i < 8; ++i) {
      const int low = block[4 + i / 2] >> (i % 2 * 4) & 15, high = block[2 + i / 4] >> (i % 4 * 2) & 3;
      to.scale[i] = scale * static_cast<float>((low | high << 4) - 32);
      looked_up<16>(block + 8 + 16 * i, kCurve, to.q + 32 * i);
    }
  }
};

struct TQ1_0 {
  static constexpr std::size_t kElements = kLarge, kBytes = 54, kGroup = 256;
  static constexpr bool kLows = false;
  /// Five base-3 digits of n bytes each, most significant first.
  static HWY_INLINE void digits(const Byte* HWY_RESTRICT bytes, std::size_t n, std::size_t count,
                                std::int8_t* HWY_RESTRICT q) {
    unsigned power = 1;
    for (std::size_t digit = 0; digit < count; ++digit, power *= 3)
      for (std::size_t i = 0; i < n; ++i)
        q[digit * n + i] = static_cast<std::int8_t>((static_cast<Byte>(bytes[i] * power) * 3U >> 8) - 1U);
  }
  static HWY_INLINE void unpack(const Byte* block, Unpacked& to) {
    to.scale[0] = half_at(block + 52);
    digits(block, 32, 5, to.q);
    digits(block + 32, 16, 5, to.q + 160);
    digits(block + 48, 4, 4, to.q + 240);
  }
};

struct TQ2_0 {
  static constexpr std::size_t kElements = kLarge, kBytes = 66, kGroup = 256;
  static constexpr bool kLows = false;
  static HWY_INLINE void unpack(const Byte* block, Unpacked& to) {
    to.scale[0] = half_at(block + 64);
    for (std::size_t half = 0; half < 2; ++half) quarters(block + 32 * half, 1, to.q + 128 * half);
  }
};

template <class B>
void decode(const std::byte* bytes, std::size_t count, float* HWY_RESTRICT out) {
  const hn::CappedTag<float, 16> d;
  const hn::Rebind<std::int32_t, decltype(d)> wide;
  const hn::Rebind<std::int8_t, decltype(d)> narrow;
  const auto* block = reinterpret_cast<const Byte*>(bytes);
  Unpacked unpacked;
  for (std::size_t n = 0; n < count; ++n, block += B::kBytes, out += B::kElements) {
    B::unpack(block, unpacked);
    for (std::size_t group = 0; group < B::kElements / B::kGroup; ++group) {
      const auto scale = hn::Set(d, unpacked.scale[group]);
      const std::size_t begin = group * B::kGroup;
      for (std::size_t i = begin; i < begin + B::kGroup; i += hn::Lanes(d)) {
        const auto q = hn::ConvertTo(d, hn::PromoteTo(wide, hn::LoadU(narrow, unpacked.q + i)));
        auto value = hn::Mul(scale, q);  // two roundings, as the reference has them
        if constexpr (B::kLows) value = hn::Add(value, hn::Set(d, unpacked.low[group]));
        hn::StoreU(value, d, out + i);
      }
    }
  }
}

/// Calls visit with a value of the type's struct.
template <class Visit>
auto with_block(BlockType type, const Visit& visit) {
  switch (type) {
    case BlockType::kQ4_0:
      return visit(Q4_0());
    case BlockType::kQ4_1:
      return visit(Q4_1());
    case BlockType::kQ5_0:
      return visit(Q5_0());
    case BlockType::kQ5_1:
      return visit(Q5_1());
    case BlockType::kQ8_0:
      return visit(Q8_0());
    case BlockType::kIQ4_NL:
      return visit(IQ4_NL());
    case BlockType::kMXFP4:
      return visit(MXFP4());
    case BlockType::kQ2_K:
      return visit(Q2_K());
    case BlockType::kQ3_K:
      return visit(Q3_K());
    case BlockType::kQ4_K:
      return visit(Q4_K());
    case BlockType::kQ5_K:
      return visit(Q5_K());
    case BlockType::kQ6_K:
      return visit(Q6_K());
    case BlockType::kIQ4_XS:
      return visit(IQ4_XS());
    case BlockType::kTQ1_0:
      return visit(TQ1_0());
    default:
      return visit(TQ2_0());
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
