// Inputs of the kernels' fuzz target, and the comparison of their results on all instruction sets.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "fuzz/require.h"
#include "kernels/float_convert.h"
#include "kernels/sparse/sparse.h"
#include "kernels/targets.h"
#include "kernels/weight_view.h"

namespace pare::fuzz {

/// Takes the input from the front; missing bytes are 0.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    const std::size_t taken = std::min(bytes, size_);
    if (taken != 0) std::memcpy(&value, data_, taken);
    data_ += taken;
    size_ -= taken;
    return value;
  }
  std::size_t below(std::size_t limit) { return number(2) % limit; }
  std::size_t left() const { return size_; }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

/// Bytes that begin `offset` after a cache line and end with the allocation, so that reads past the end are detected.
class Unaligned {
 public:
  Unaligned(Input& input, std::size_t bytes, std::size_t offset) : offset_(offset), bytes_(offset + bytes) {
    for (std::size_t i = 0; i < bytes; ++i)
      bytes_[offset + i] = static_cast<std::byte>(input.left() != 0 ? input.number(1) : i * 37 % 251);
  }
  std::byte* data() { return bytes_.data() + offset_; }

 private:
  std::size_t offset_;
  std::vector<std::byte> bytes_;
};

/// Moderate numbers, or in one run of four the unchanged bits of the input.
inline std::vector<float> floats(Input& input, std::size_t n, bool raw) {
  std::vector<float> values(n);
  std::uint32_t state = static_cast<std::uint32_t>(input.number(4));
  for (float& value : values) {
    state = state * 1664525U + 1013904223U;
    const std::uint32_t bits = input.left() >= 4 ? static_cast<std::uint32_t>(input.number(4)) : state;
    if (raw) {
      std::memcpy(&value, &bits, sizeof value);
    } else {
      value = static_cast<float>(static_cast<std::int32_t>(bits) >> 8) / 4194304.0F;
      if (bits % 5 == 0) value = std::copysign(0.0F, value);
    }
  }
  return values;
}

/// Weights of one of the types that kernels multiply, and the same as F32. Their size is below 2.
struct Weights {
  kernels::FloatType type;
  std::vector<std::byte> stored;
  std::vector<float> wide;

  Weights(Input& input, std::size_t n) {
    constexpr kernels::FloatType kTypes[] = {kernels::FloatType::kF32, kernels::FloatType::kF16,
                                             kernels::FloatType::kBF16};
    type = kTypes[input.below(3)];
    wide = floats(input, n, false);
    stored.resize(n * kernels::weight_bytes(type));
    if (type == kernels::FloatType::kF32) {
      if (n != 0) std::memcpy(stored.data(), wide.data(), stored.size());
      return;
    }
    for (std::size_t i = 0; i < n; ++i) {
      std::uint32_t bits;
      std::memcpy(&bits, &wide[i], sizeof bits);
      const auto half = static_cast<std::uint16_t>((bits >> 16 ^ bits) & 0xBFFF);  // the highest exponents are left out
      std::memcpy(stored.data() + 2 * i, &half, sizeof half);
    }
    kernels::to_f32(type, stored.data(), n, wide.data());
  }
};

using Result = std::vector<double>;

template <class T>
void append(Result& result, const T& values) {
  for (const auto value : values) result.push_back(static_cast<double>(value));
}

/// All NaNs count as equal, because it is unspecified which operand's NaN is the result.
inline bool same(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b && std::signbit(a) == std::signbit(b);
}

inline bool near(double a, double b, double tolerance) {
  if (!std::isfinite(a) || !std::isfinite(b)) return same(a, b);
  return std::abs(a - b) <= tolerance;
}

/// Runs `kernel` on every instruction set. tolerance < 0: the results must have the same bits.
inline void compare(const char* what, double tolerance, const std::function<Result()>& kernel) {
  static const std::vector<std::string> targets = kernels::supported_targets();
  Result expected;
  std::string first;
  for (const std::string& target : targets) {
    require(kernels::force_target(target), "a supported target can be forced");
    const Result found = kernel();
    kernels::force_target("");
    if (first.empty()) {
      expected = found;
      first = target;
      continue;
    }
    require(found.size() == expected.size(), what);
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (tolerance < 0 ? same(found[i], expected[i]) : near(found[i], expected[i], tolerance)) continue;
      std::fprintf(stderr, "%s: element %zu is %.17g on %s and %.17g on %s\n", what, i, expected[i], first.c_str(),
                   found[i], target.c_str());
      require(false, what);
    }
  }
}

/// Results with 16-bit weights, and with the same weights as F32.
inline void require_same(const std::vector<float>& stored, const std::vector<float>& wide, const char* what) {
  require(stored.size() == wide.size(), what);
  for (std::size_t i = 0; i < stored.size(); ++i) require(same(stored[i], wide[i]), what);
}

/// Splits 64 bits, which do not fit a double.
inline void append_bits(Result& result, std::uint64_t bits) {
  result.push_back(static_cast<double>(bits >> 32));
  result.push_back(static_cast<double>(bits & 0xFFFFFFFF));
}

struct alignas(64) Line {
  std::byte bytes[kernels::kLineBytes];
};

/// One slice, with the layout that sparse.h describes: kernels::kSliceOutputs inputs and weights for each step.
inline std::vector<Line> slice(const std::vector<std::uint16_t>& inputs, const void* weights, kernels::FloatType type) {
  const std::size_t steps = inputs.size() / kernels::kSliceOutputs, size = kernels::weight_bytes(type);
  std::vector<Line> lines(kernels::slice_bytes(steps, type) / kernels::kLineBytes);
  auto* data = reinterpret_cast<std::byte*>(lines.data());
  for (std::size_t o = 0; o < kernels::kSliceOutputs; ++o) {
    const auto output = static_cast<std::uint16_t>(kernels::kSliceOutputs - 1 - o);
    std::memcpy(data + o * sizeof output, &output, sizeof output);
  }
  for (std::size_t step = 0; step < steps; ++step) {
    std::memcpy(data + kernels::slice_inputs_at(steps, step, type), inputs.data() + step * kernels::kSliceOutputs,
                kernels::kLineBytes / 2);
    std::memcpy(data + kernels::slice_weights_at(steps, step, type),
                static_cast<const std::byte*>(weights) + step * kernels::kSliceOutputs * size,
                kernels::kSliceOutputs * size);
  }
  return lines;
}

}  // namespace pare::fuzz
