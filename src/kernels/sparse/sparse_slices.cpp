#include <bit>
#include <cstring>

#include "kernels/one_to_four.h"
#include "kernels/sparse/sparse.h"
#include "kernels/targets.h"

#ifndef PARE_KERNELS_TOGETHER
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse/sparse_slices.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
#endif
// Highway's per-target headers come after foreach_target.h.
#include <hwy/highway.h>

#include "kernels/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

/// Outputs of a slice that are processed at a time: their sums fill half of the registers.
template <std::size_t kVectors>
constexpr std::size_t kOutputsAtOnce = (hn::MaxLanes(D()) >= 16 ? kSliceOutputs : kSliceOutputs / 2) /
                                       (kVectors == 3 ? 4 : kVectors);

HWY_INLINE const std::uint16_t* inputs_at(const std::byte* data) {
  return reinterpret_cast<const std::uint16_t*>(data);
}
template <class W>
HWY_INLINE const typename W::Element* weights_at(const std::byte* data) {
  return reinterpret_cast<const typename W::Element*>(data);
}

/// Fetches the next slice while this one is processed in kTurns turns, of which each fetches a part: the hardware does
/// not foresee the next slice, because it sees this one kTurns times first. (Not a lambda: GCC takes a function that
/// does nothing else for one that does nothing, and drops the calls that it has not inlined by then.)
template <std::size_t kTurns>
struct NextSlice {
  std::size_t bytes, turn;
  HWY_INLINE void fetch(const std::byte* data, std::size_t line) const {
    if (line % kTurns == turn) __builtin_prefetch(data + bytes);
  }
};

/// For a slice that is read once, in the order of the memory.
struct NothingMore {
  HWY_INLINE void fetch(const std::byte*, std::size_t) const {}
};

/// Calls step(inputs, weights) for each step of a slice, and next.fetch() for each cache line.
template <class W, class Step, class Next>
HWY_INLINE void for_steps(const std::byte* slice, std::size_t steps, Step step, Next next) {
  next.fetch(slice, 0);
  const std::byte* data = slice + kLineBytes;
  if constexpr (sizeof(typename W::Element) == 2) {
    for (std::size_t i = 0; i < steps; ++i, data += kLineBytes) {
      next.fetch(data, i);
      step(inputs_at(data), weights_at<W>(data + kLineBytes / 2));
    }
  } else {
    if (steps % 2 != 0) {
      step(inputs_at(slice + kLineBytes / 2), weights_at<W>(data));
      data += kLineBytes;
    }
    for (std::size_t i = 0; i < steps / 2; ++i, data += kTwoSteps) {
      for (std::size_t line = 0; line < kTwoSteps / kLineBytes; ++line) next.fetch(data + line * kLineBytes, line);
      step(inputs_at(data), weights_at<W>(data + kLineBytes));
      step(inputs_at(data + kLineBytes / 2), weights_at<W>(data + 2 * kLineBytes));
    }
  }
}

/// tile[output] for kOutputs outputs: their sums, added to what is there if `add` is set.
template <std::size_t kOutputs, std::size_t kVectors>
HWY_INLINE void store_sums(V (&sum)[kOutputs][kVectors], const std::uint16_t* outputs, bool add, float* tile) {
  const D d;
  const std::size_t lanes = hn::Lanes(d), width = kVectors * lanes;
  for (std::size_t o = 0; o < kOutputs; ++o) {
    float* to = tile + outputs[o] * width;
    for (std::size_t v = 0; v < kVectors; ++v) {
      if (add) sum[o][v] = hn::Add(hn::LoadU(d, to + v * lanes), sum[o][v]);
      hn::StoreU(sum[o][v], d, to + v * lanes);
    }
  }
}

/// Processes the outputs of a slice of `bytes` bytes from `first` on, for kVectors vectors of tokens.
template <class W, std::size_t kVectors>
HWY_INLINE void some_outputs(const std::byte* slice, std::size_t bytes, std::size_t steps, std::size_t first,
                             const float* panel, bool add, float* tile) {
  const D d;
  const std::size_t lanes = hn::Lanes(d), width = kVectors * lanes;
  constexpr std::size_t kOutputs = kOutputsAtOnce<kVectors>, kTurns = kSliceOutputs / kOutputs;
  const hn::CappedTag<float, kOutputs> some;
  V sum[kOutputs][kVectors];
  for (auto& output : sum)
    for (V& vector : output) vector = hn::Zero(d);
  const auto step = [&](const std::uint16_t* inputs, const typename W::Element* stored) HWY_ATTR {
    // Numbers of the memory are multiplied with a whole vector at no cost; widened ones are put there first.
    HWY_ALIGN float room[kSliceOutputs];
    const float* weights = widened<W>(some, stored + first, kOutputs, room);
    for (std::size_t o = 0; o < kOutputs; ++o) {
      const float* x = panel + inputs[first + o] * width;
      const V factor = hn::Set(d, weights[o]);
      for (std::size_t v = 0; v < kVectors; ++v) sum[o][v] = hn::MulAdd(factor, hn::LoadU(d, x + v * lanes), sum[o][v]);
    }
  };
  for_steps<W>(slice, steps, step, NextSlice<kTurns>{bytes, first / kOutputs});
  store_sums(sum, inputs_at(slice) + first, add, tile);
}

template <class W, std::size_t kVectors>
HWY_INLINE void every_output(const Slices& slices, const float* panel, bool add, float* tile) {
  const std::byte* data = slices.data;
  for (std::size_t s = 0; s < slices.count; ++s) {
    const std::size_t bytes = slice_bytes(slices.steps[s], slices.type);
    for (std::size_t first = 0; first < kSliceOutputs; first += kOutputsAtOnce<kVectors>)
      some_outputs<W, kVectors>(data, bytes, slices.steps[s], first, panel, add, tile);
    data += bytes;
  }
}

// With 32 registers, four outputs at a time have 12 or 16 sums. Then loads take most of the time: two can be made per
// cycle, and four of them feed the multiply-adds of one nonzero. So the inputs of four outputs are one load, and so are
// their weights.

/// The inputs of four outputs in a step, the first one in the lowest bits.
using FourInputs = std::uint64_t;
static_assert(std::endian::native == std::endian::little);

HWY_INLINE FourInputs four_inputs(const std::byte* step, std::size_t first) {
  FourInputs inputs;
  std::memcpy(&inputs, step + first * sizeof(std::uint16_t), sizeof inputs);
  return inputs;
}

/// Where two steps and their parts begin, in bytes.
template <class W>
struct TwoSteps {
  static constexpr FloatType kType = sizeof(typename W::Element) == 2 ? FloatType::kBF16 : FloatType::kF32;
  static constexpr std::size_t kInputs = slice_inputs_at(4, 0, kType), kBytes = slice_inputs_at(4, 2, kType) - kInputs,
                               kSecond = slice_inputs_at(4, 1, kType) - kInputs,
                               kWeights = slice_weights_at(4, 0, kType) - kInputs,
                               kSecondWeights = slice_weights_at(4, 1, kType) - kInputs;
};

/// Four outputs of a slice.
struct Four {
  const std::byte* slice;
  std::size_t steps, first;
};

/// The inputs of the next steps: of a single step, if the slice starts with one, and of four more. A row of the panel
/// can only be loaded when its address is known. If the input was loaded just before it, the processor would often
/// wait; so it is loaded four steps earlier, and that of the first steps before the sums of other outputs are stored.
struct NextInputs {
  FourInputs single, next[4];
};

template <class W>
HWY_INLINE NextInputs first_inputs(const Four& four) {
  // Instead of steps that do not exist, the beginning of the slice is loaded.
  const auto load = [&](std::size_t step) HWY_ATTR {
    const std::size_t at = step < four.steps ? slice_inputs_at(four.steps, step, TwoSteps<W>::kType) : 0;
    return four_inputs(four.slice + at, four.first);
  };
  const std::size_t odd = four.steps % 2;
  return {load(0), {load(odd), load(odd + 1), load(odd + 2), load(odd + 3)}};
}

/// Processes `four`, whose first inputs are `inputs`, and replaces these by those of `next`.
template <class W, std::size_t kVectors>
HWY_INLINE void four_outputs(const Four& four, const Four& next, const float* panel, bool add, float* tile,
                             NextInputs& inputs) {
  using Two = TwoSteps<W>;
  const D d;
  const std::size_t lanes = hn::Lanes(d), width = kVectors * lanes, odd = four.steps % 2;
  V sum[4][kVectors];
  for (auto& output : sum)
    for (V& vector : output) vector = hn::Zero(d);
  const auto one = [&](V(&to)[kVectors], std::uint16_t input, V factor) HWY_ATTR {
    const float* x = panel + input * width;
    for (std::size_t v = 0; v < kVectors; ++v) to[v] = hn::MulAdd(factor, hn::LoadU(d, x + v * lanes), to[v]);
  };
  const auto step = [&](FourInputs of, const std::byte* weights) HWY_ATTR {
    HWY_ALIGN float room[4];
    const V factors =
        hn::LoadDup128(d, widened<W>(hn::CappedTag<float, 4>(), weights_at<W>(weights) + four.first, 4, room));
    one(sum[0], static_cast<std::uint16_t>(of), hn::Broadcast<0>(factors));
    one(sum[1], static_cast<std::uint16_t>(of >> 16), hn::Broadcast<1>(factors));
    one(sum[2], static_cast<std::uint16_t>(of >> 32), hn::Broadcast<2>(factors));
    one(sum[3], static_cast<std::uint16_t>(of >> 48), hn::Broadcast<3>(factors));
  };
  const std::size_t bytes = slice_bytes(four.steps, Two::kType);
  const NextSlice<4> fetched{bytes, four.first / 4};
  fetched.fetch(four.slice, 0);
  if (odd != 0) step(inputs.single, four.slice + slice_weights_at(1, 0, Two::kType));
  const std::byte *data = four.slice + Two::kInputs + odd * kLineBytes, *end = four.slice + bytes;
  for (; data != end; data += Two::kBytes) {
    const FourInputs now = inputs.next[0], then = inputs.next[1];
    const std::byte* later = static_cast<std::size_t>(end - data) > 2 * Two::kBytes ? data + 2 * Two::kBytes : data;
    inputs.next[0] = inputs.next[2];
    inputs.next[1] = inputs.next[3];
    inputs.next[2] = four_inputs(later, four.first);
    inputs.next[3] = four_inputs(later + Two::kSecond, four.first);
    for (std::size_t line = 0; line < Two::kBytes / kLineBytes; ++line) fetched.fetch(data + line * kLineBytes, line);
    step(now, data + Two::kWeights);
    step(then, data + Two::kSecondWeights);
  }
  inputs = first_inputs<W>(next);
  store_sums(sum, inputs_at(four.slice) + four.first, add, tile);
}

template <class W, std::size_t kVectors>
HWY_INLINE void four_by_four(const Slices& slices, const float* panel, bool add, float* tile) {
  if (slices.count == 0) return;
  Four four{slices.data, slices.steps[0], 0};
  NextInputs inputs = first_inputs<W>(four);
  for (std::size_t s = 0; s < slices.count;) {
    Four next{four.slice, four.steps, four.first + 4};
    if (next.first == kSliceOutputs) {
      ++s;
      next = s < slices.count ? Four{four.slice + slice_bytes(four.steps, slices.type), slices.steps[s], 0} : four;
    }
    four_outputs<W, kVectors>(four, next, panel, add, tile, inputs);
    four = next;
  }
}

template <class W, std::size_t kVectors>
void all_slices(const Slices& slices, const float* panel, bool add, float* tile) {
  if constexpr (hn::MaxLanes(D()) >= 16 && kOutputsAtOnce<kVectors> == 4) {
    four_by_four<W, kVectors>(slices, panel, add, tile);
  } else {
    every_output<W, kVectors>(slices, panel, add, tile);
  }
}

void SlicesTarget(const Slices& slices, const float* panel, std::size_t width, bool add, float* tile) {
  with_weights(slices.type, slices.data, [&](auto type, const auto*) {
    with_constant(width / hn::Lanes(D()),
                  [&](auto vectors) { all_slices<decltype(type), vectors()>(slices, panel, add, tile); });
  });
}

using One = hn::CappedTag<float, kSliceOutputs>;

/// x at kLanes inputs. Single loads are as fast as gathers on processors with fast gathers, and much faster on others.
template <std::size_t kLanes>
HWY_INLINE auto pick(const float* x, const std::uint16_t* input) {
  const hn::CappedTag<float, kLanes> d;
#if HWY_TARGET != HWY_SCALAR
  if constexpr (kLanes > 4) {
    return hn::Combine(d, pick<kLanes / 2>(x, input + kLanes / 2), pick<kLanes / 2>(x, input));
  } else
#endif
  {
    alignas(16) float picked[kLanes];
    for (std::size_t i = 0; i < kLanes; ++i) picked[i] = x[input[i]];
    return hn::Load(d, picked);
  }
}

template <class W>
void slices_once(const Slices& slices, const float* x, float* y) {
  constexpr std::size_t kLanes = hn::MaxLanes(One()), kVectors = kSliceOutputs / kLanes;
  const One d;
  const std::byte* data = slices.data;
  for (std::size_t s = 0; s < slices.count; ++s) {
    hn::Vec<One> sum[kVectors];
    for (auto& vector : sum) vector = hn::Zero(d);
    const auto step = [&](const std::uint16_t* inputs, const typename W::Element* weights) HWY_ATTR {
      for (std::size_t v = 0; v < kVectors; ++v)
        sum[v] = hn::MulAdd(W::load(d, weights + v * kLanes), pick<kLanes>(x, inputs + v * kLanes), sum[v]);
    };
    for_steps<W>(data, slices.steps[s], step, NothingMore());
    alignas(64) float sums[kSliceOutputs];
    for (std::size_t v = 0; v < kVectors; ++v) hn::Store(sum[v], d, sums + v * kLanes);
    for (std::size_t o = 0; o < kSliceOutputs; ++o) y[inputs_at(data)[o]] += sums[o];
    data += slice_bytes(slices.steps[s], slices.type);
  }
}

void SlicesOnceTarget(const Slices& slices, const float* x, float* y) {
  with_weights(slices.type, slices.data, [&](auto type, const auto*) { slices_once<decltype(type)>(slices, x, y); });
}

std::size_t LanesTarget() { return hn::Lanes(D()); }

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(SlicesTarget);
HWY_EXPORT(SlicesOnceTarget);
HWY_EXPORT(LanesTarget);
}  // namespace

std::size_t lanes() { return PARE_DISPATCH(LanesTarget)(); }
void multiply_slices(const Slices& slices, const float* panel, std::size_t width, bool add, float* tile) {
  PARE_DISPATCH(SlicesTarget)(slices, panel, width, add, tile);
}
void multiply_slices_once(const Slices& slices, const float* x, float* y) {
  PARE_DISPATCH(SlicesOnceTarget)(slices, x, y);
}

}  // namespace pare::kernels
#endif
