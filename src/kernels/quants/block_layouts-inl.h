// The blocks of quantized weights as ggml lays them out. Included once per target, after highway.h.
#if defined(PARE_BLOCK_LAYOUTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PARE_BLOCK_LAYOUTS_INL_H_
#undef PARE_BLOCK_LAYOUTS_INL_H_
#else
#define PARE_BLOCK_LAYOUTS_INL_H_
#endif

#include <hwy/highway.h>

#include <bit>
#include <cstdint>
#include <cstring>

#include "kernels/quants/block_bytes-inl.h"
#include "kernels/quants/block_quants.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kSmall = 32, kLarge = 256;  // elements of a block

/// Where a block goes as small integers q and the scales of its groups: an element is scale * q, or scale * q + low.
/// (a - b is the same as a + -b.)
struct Parts {
  std::int8_t* q;
  float *scale, *low;
};

/// The values of IQ4_NL and IQ4_XS, and those of MXFP4 (doubled).
constexpr std::int8_t kCurve[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
constexpr std::int8_t kE2M1[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// Half the value of an E8M0 exponent: kE2M1 is doubled.
inline float half_of_e8m0(Byte exponent) {
  const std::uint32_t bits = exponent < 2 ? 0x00200000U << exponent : static_cast<std::uint32_t>(exponent - 1) << 23;
  return std::bit_cast<float>(bits);
}

/// The six-bit scales and minima of Q4_K and Q5_K.
HWY_INLINE void scales_and_lows(const Byte* block, const Parts& to) {
  constexpr std::uint32_t kSix = 0x3f3f3f3f, kLow = 0x0f0f0f0f, kHigh = 0x30303030;
  std::uint32_t packed[3];
  std::memcpy(packed, block + 4, sizeof packed);
  const std::uint64_t second = (packed[2] & kLow) | (packed[0] >> 2 & kHigh);
  const std::uint64_t second_low = (packed[2] >> 4 & kLow) | (packed[1] >> 2 & kHigh);
  scaled(words((packed[0] & kSix) | second << 32, 0), half_at(block), to.scale);
  scaled(words((packed[1] & kSix) | second_low << 32, 0), -half_at(block + 2), to.low);
}

// Each has the size of a block, of its groups, whether there are lows, the largest |q| (of Q8_0 without -128), where
// the F16 numbers are whose multiples the scales and lows of a block with lows are, and how a block is unpacked.

struct Q4_0 {
  static constexpr std::size_t kElements = kSmall, kBytes = 18, kGroup = 32;
  static constexpr bool kLows = false;
  static constexpr int kMost = 8;
  static HWY_INLINE void unpack(const Byte* block, const Parts& to) {
    to.scale[0] = half_at(block);
    nibbles(block + 2, 8, to.q);
  }
};

struct Q4_1 {
  static constexpr std::size_t kElements = kSmall, kBytes = 20, kGroup = 32;
  static constexpr bool kLows = true;
  static constexpr int kMost = 15;
  static constexpr std::size_t kScaleAt = 0, kLowAt = 2;
  static HWY_INLINE void unpack(const Byte* block, const Parts& to) {
    to.scale[0] = half_at(block);
    to.low[0] = half_at(block + 2);
    nibbles(block + 4, 0, to.q);
  }
};

struct Q5_0 {
  static constexpr std::size_t kElements = kSmall, kBytes = 22, kGroup = 32;
  static constexpr bool kLows = false;
  static constexpr int kMost = 16;
  static HWY_INLINE void unpack(const Byte* block, const Parts& to) {
    to.scale[0] = half_at(block);
    nibbles_and_bits(block + 6, block + 2, 16, to.q);
  }
};

struct Q5_1 {
  static constexpr std::size_t kElements = kSmall, kBytes = 24, kGroup = 32;
  static constexpr bool kLows = true;
  static constexpr int kMost = 31;
  static constexpr std::size_t kScaleAt = 0, kLowAt = 2;
  static HWY_INLINE void unpack(const Byte* block, const Parts& to) {
    to.scale[0] = half_at(block);
    to.low[0] = half_at(block + 2);
    nibbles_and_bits(block + 8, block + 4, 0, to.q);
  }
};

struct Q8_0 {
  static constexpr std::size_t kElements = kSmall, kBytes = 34, kGroup = 32;
  static constexpr bool kLows = false;
  static constexpr int kMost = 127;
  static HWY_INLINE void unpack(const Byte* block, const Parts& to) {
    to.scale[0] = half_at(block);
    std::memcpy(to.q, block + 2, 32);
  }
};

struct IQ4_NL {
  static constexpr std::size_t kElements = kSmall, kBytes = 18, kGroup = 32;
  static constexpr bool kLows = false;
  static constexpr int kMost = 127;
  static HWY_INLINE void unpack(const Byte* block, const Parts& to) {
    to.scale[0] = half_at(block);
    nibbles_of(kCurve, block + 2, to.q);
  }
};

struct MXFP4 {
  static constexpr std::size_t kElements = kSmall, kBytes = 17, kGroup = 32;
  static constexpr bool kLows = false;
  static constexpr int kMost = 12;
  static HWY_INLINE void unpack(const Byte* block, const Parts& to) {
    to.scale[0] = half_of_e8m0(block[0]);
    nibbles_of(kE2M1, block + 1, to.q);
  }
};

struct Q2_K {
  static constexpr std::size_t kElements = kLarge, kBytes = 84, kGroup = 16;
  static constexpr bool kLows = true;
  static constexpr int kMost = 3;
  static constexpr std::size_t kScaleAt = 80, kLowAt = 82;
  static HWY_INLINE void unpack(const Byte* block, const Parts& to) {
    const Bytes16 pairs = load(block);
    scaled(low_half(pairs), half_at(block + 80), to.scale);
    scaled(high_half(pairs), -half_at(block + 82), to.low);
    for (std::size_t half = 0; half < 2; ++half) quarters(block + 16 + 32 * half, 0, to.q + 128 * half);
  }
};

struct Q3_K {
  static constexpr std::size_t kElements = kLarge, kBytes = 110, kGroup = 16;
  static constexpr bool kLows = false;
  static constexpr int kMost = 4;
  static HWY_INLINE void unpack(const Byte* block, const Parts& to) {
    scaled(six_bit_scales(block + 96), half_at(block + 108), to.scale);
    for (std::size_t i = 0; i < 32; i += kWide) {
      const auto third = load_wide(block + i);
      unrolled<8>([&](auto part) HWY_ATTR {
        const auto two = field<part % 4 * 2, 0>(load_wide(block + 32 + part / 4 * 32 + i), 3);
        store(minus(either(two, field<part, 2>(third, 4)), 4), to.q + 32 * part + i);
      });
    }
  }

 private:
  static HWY_INLINE Bytes16 six_bit_scales(const Byte* packed) {
    std::uint64_t low;
    std::uint32_t high;
    std::memcpy(&low, packed, sizeof low);
    std::memcpy(&high, packed + 8, sizeof high);
    constexpr std::uint64_t kLow = 0x0f0f0f0f0f0f0f0f, kHigh = 0x3030303030303030;
    const std::uint64_t first = static_cast<std::uint64_t>(high) << 4 | static_cast<std::uint64_t>(high) << 34;
    const std::uint64_t second = high | static_cast<std::uint64_t>(high >> 2) << 32;
    return minus(words((low & kLow) | (first & kHigh), (low >> 4 & kLow) | (second & kHigh)), all(32));
  }
};

struct Q4_K {
  static constexpr std::size_t kElements = kLarge, kBytes = 144, kGroup = 32;
  static constexpr bool kLows = true;
  static constexpr int kMost = 15;
  static constexpr std::size_t kScaleAt = 0, kLowAt = 2;
  static HWY_INLINE void unpack(const Byte* block, const Parts& to) {
    scales_and_lows(block, to);
    for (std::size_t i = 0; i < 128; i += kWide) {
      const auto pairs = load_wide(block + 16 + i);
      std::int8_t* q = to.q + i / 32 * 64 + i % 32;
      store(low_half(pairs), q);
      store(high_half(pairs), q + 32);
    }
  }
};

struct Q5_K {
  static constexpr std::size_t kElements = kLarge, kBytes = 176, kGroup = 32;
  static constexpr bool kLows = true;
  static constexpr int kMost = 31;
  static constexpr std::size_t kScaleAt = 0, kLowAt = 2;
  static HWY_INLINE void unpack(const Byte* block, const Parts& to) {
    scales_and_lows(block, to);
    for (std::size_t i = 0; i < 32; i += kWide) {
      const auto fifth = load_wide(block + 16 + i);
      unrolled<4>([&](auto part) HWY_ATTR {
        const auto pairs = load_wide(block + 48 + 32 * part + i);
        std::int8_t* q = to.q + 64 * part + i;
        store(either(low_half(pairs), field<2 * part, 4>(fifth, 16)), q);
        store(either(high_half(pairs), field<2 * part + 1, 4>(fifth, 16)), q + 32);
      });
    }
  }
};

struct Q6_K {
  static constexpr std::size_t kElements = kLarge, kBytes = 210, kGroup = 16;
  static constexpr bool kLows = false;
  static constexpr int kMost = 32;
  static HWY_INLINE void unpack(const Byte* block, const Parts& to) {
    scaled(load(block + 192), half_at(block + 208), to.scale);
    for (std::size_t i = 0; i < 64; i += kWide) {
      const std::size_t half = i / 32, at = i % 32;  // of the block
      const auto high = load_wide(block + 128 + i), first = load_wide(block + 64 * half + at);
      const auto second = load_wide(block + 64 * half + 32 + at);
      std::int8_t* q = to.q + 128 * half + at;
      store(minus(either(low_half(first), field<0, 4>(high, 48)), 32), q);
      store(minus(either(low_half(second), field<2, 4>(high, 48)), 32), q + 32);
      store(minus(either(high_half(first), field<4, 4>(high, 48)), 32), q + 64);
      store(minus(either(high_half(second), field<6, 4>(high, 48)), 32), q + 96);
    }
  }
};

struct IQ4_XS {
  static constexpr std::size_t kElements = kLarge, kBytes = 136, kGroup = 32;
  static constexpr bool kLows = false;
  static constexpr int kMost = 127;
  static HWY_INLINE void unpack(const Byte* block, const Parts& to) {
    const float scale = half_at(block);
    for (std::size_t i = 0; i < 8; ++i) {
      const int low = block[4 + i / 2] >> (i % 2 * 4) & 15, high = block[2 + i / 4] >> (i % 4 * 2) & 3;
      to.scale[i] = scale * static_cast<float>((low | high << 4) - 32);
      nibbles_of(kCurve, block + 8 + 16 * i, to.q + 32 * i);
    }
  }
};

struct TQ1_0 {
  static constexpr std::size_t kElements = kLarge, kBytes = 54, kGroup = 256;
  static constexpr bool kLows = false;
  static constexpr int kMost = 1;
  static HWY_INLINE void unpack(const Byte* block, const Parts& to) {
    to.scale[0] = half_at(block + 52);
    for (std::size_t i = 0; i < 48; i += 16) {  // five digits each of 32 bytes, then of 16
      Bytes16 rest = load(block + i);
      const std::size_t step = i < 32 ? 32 : 16;
      std::int8_t* q = to.q + (i < 32 ? i : 160);
      for (std::size_t digit = 0; digit < 5; ++digit, rest = times_three(rest)) store(digit_of(rest), q + step * digit);
    }
    // Four digits of four bytes.
    std::uint32_t last;
    std::memcpy(&last, block + 48, sizeof last);
    constexpr std::uint64_t kFour = 0xffffffff, kAll = ~std::uint64_t{0};
    const std::uint64_t twice = last | static_cast<std::uint64_t>(last) << 32;
    const Bytes16 one = words(twice, twice), three = times_three(one);
    const Bytes16 one_three = either(both(one, words(kFour, kFour)), both(three, words(~kFour, ~kFour)));
    const Bytes16 nine_times = times_three(times_three(one_three));
    store(digit_of(either(both(one_three, words(kAll, 0)), both(nine_times, words(0, kAll)))), to.q + 240);
  }

 private:
  /// The bytes without their most significant base-3 digit.
  static HWY_INLINE Bytes16 times_three(Bytes16 bytes) { return plus(bytes, plus(bytes, bytes)); }
  /// The most significant digit, bytes * 3 / 256, less one.
  static HWY_INLINE Bytes16 digit_of(Bytes16 bytes) {
    // Every limit that a byte exceeds adds one, as 255 is -1.
    return minus(minus(all(-1), above(bytes, 85)), above(bytes, 170));
  }
};

struct TQ2_0 {
  static constexpr std::size_t kElements = kLarge, kBytes = 66, kGroup = 256;
  static constexpr bool kLows = false;
  static constexpr int kMost = 2;
  static HWY_INLINE void unpack(const Byte* block, const Parts& to) {
    to.scale[0] = half_at(block + 64);
    for (std::size_t half = 0; half < 2; ++half) quarters(block + 32 * half, 1, to.q + 128 * half);
  }
};

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

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
