#include "kernels/panel_dense.h"

#include "kernels/one_to_four.h"
#include "kernels/sparse/sparse.h"
#include "kernels/targets.h"

#ifndef PARE_KERNELS_TOGETHER
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/panel_dense.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
#endif
// Highway's per-target headers come after foreach_target.h.
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/row_products-inl.h"
#include "kernels/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;

constexpr std::size_t kInputs = 128;  ///< of a block: 32 KiB of a panel of 64 tokens, which the first cache holds
constexpr std::size_t kOutputs = 48;  ///< whose weights are widened together

/// A block of weights as F32, of outputs by inputs: in place, or in `room`.
template <class W>
HWY_INLINE Factors factors_of(const WeightView& w, bool out_in, std::size_t output, std::size_t outputs,
                              std::size_t input, std::size_t inputs, float* room) {
  const std::size_t row = out_in ? output : input, column = out_in ? input : output;
  const std::size_t rows = out_in ? outputs : inputs, columns = out_in ? inputs : outputs;
  const auto* stored = reinterpret_cast<const typename W::Element*>(w.at(row, column));
  if constexpr (sizeof(typename W::Element) == sizeof(float)) {
    return out_in ? Factors{stored, w.stride, 1} : Factors{stored, 1, w.stride};
  } else {
    const std::size_t padded = (columns + kInputs - 1) / kInputs * kInputs;
    for (std::size_t r = 0; r < rows; ++r) widened<W>(D(), stored + r * w.stride, columns, room + r * padded);
    return out_in ? Factors{room, padded, 1} : Factors{room, 1, padded};
  }
}

/// Fetches a block of weights into the second-level cache, because the hardware does not foresee short runs of rows.
HWY_INLINE void prefetch(const WeightView& w, bool out_in, std::size_t output, std::size_t outputs, std::size_t input,
                         std::size_t inputs) {
  constexpr std::size_t kLine = 64;
  const std::size_t row = out_in ? output : input, column = out_in ? input : output;
  const std::size_t rows = out_in ? outputs : inputs, bytes = (out_in ? inputs : outputs) * weight_bytes(w.type);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t at = 0; at < bytes; at += kLine) __builtin_prefetch(w.at(row + r, column) + at, 0, 2);
}

template <class W, std::size_t kVectors>
void outputs_of(const WeightView& w, bool out_in, std::size_t begin, std::size_t end, const float* panel,
                float* result) {
  const std::size_t width = kVectors * hn::Lanes(D()), in = out_in ? w.columns : w.rows,
                    out = out_in ? w.rows : w.columns;
  HWY_ALIGN_MAX float room[kInputs * kInputs];
  for (std::size_t output = begin; output < end; output += kOutputs) {
    const std::size_t outputs = std::min(kOutputs, end - output);
    float* sums = result + (output - begin) * width;
    if (in == 0) std::fill_n(sums, outputs * width, 0.0F);
    for (std::size_t input = 0; input < in; input += kInputs) {
      const std::size_t inputs = std::min(kInputs, in - input);
      if (input + inputs < in)
        prefetch(w, out_in, output, outputs, input + inputs, std::min(kInputs, in - input - inputs));
      else if (const std::size_t next = output + outputs; next < out)  // perhaps of the caller's next outputs
        prefetch(w, out_in, next, std::min(kOutputs, out - next), 0, std::min(kInputs, in));
      all_rows<kVectors>(factors_of<W>(w, out_in, output, outputs, input, inputs, room), outputs, panel + input * width,
                         inputs, input != 0, sums);
    }
  }
}

void DensePanelTarget(const WeightView& w, bool out_in, std::size_t begin, std::size_t end, const float* panel,
                      std::size_t width, float* result) {
  with_weights(w.type, w.data, [&](auto type, const auto*) {
    with_constant(width / hn::Lanes(D()),
                  [&](auto vectors) { outputs_of<decltype(type), vectors()>(w, out_in, begin, end, panel, result); });
  });
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(DensePanelTarget);
}  // namespace

void multiply_dense_panel(const WeightView& weights, bool out_in, std::size_t begin, std::size_t end,
                          const float* panel, std::size_t width, float* result) {
  PARE_DISPATCH(DensePanelTarget)(weights, out_in, begin, end, panel, width, result);
}

}  // namespace pare::kernels
#endif
