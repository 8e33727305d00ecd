#include "run/rotary.h"

#include <cmath>

#include "kernels/panel_rows.h"

namespace pare::run {

// Angles, cosines and sines in F32, as transformers computes them.
RotaryTable::RotaryTable(const RotarySpec& spec, std::size_t first, std::size_t count, std::size_t length)
    : cosines_(count, spec.frequencies.size()), sines_(count, spec.frequencies.size()) {
  const std::vector<float> frequencies = spec.by_length ? spec.by_length(length) : spec.frequencies;
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < cosines_.columns; ++j) {
      const float angle = static_cast<float>(first + i) * frequencies[j];
      cosines_.row(i)[j] = std::cos(angle) * spec.factor;
      sines_.row(i)[j] = std::sin(angle) * spec.factor;
    }
}

void RotaryTable::rotate(kernels::HeadResult rows, std::size_t heads, std::size_t head_width) const {
  const std::size_t half = cosines_.columns;
  for (std::size_t i = 0; i < cosines_.rows; ++i) {
    const float *cosine = cosines_.row(i), *sine = sines_.row(i);
    for (std::size_t head = 0; head < heads; ++head) {
      float *low = rows.data + i * rows.token + head * head_width, *high = low + half;
      for (std::size_t j = 0; j < half; ++j) {
        const float a = low[j], b = high[j];
        low[j] = a * cosine[j] - b * sine[j];
        high[j] = b * cosine[j] + a * sine[j];
      }
    }
  }
}

RotaryPanel::RotaryPanel(const RotaryTable& table, std::size_t first, std::size_t count)
    : cosines_(linear::to_panel(table.cosines_, first, count)), sines_(linear::to_panel(table.sines_, first, count)) {}

void RotaryPanel::rotate(kernels::HeadResult panel, std::size_t heads, std::size_t head_width) const {
  const std::size_t half = cosines_.columns * panel.element;
  for (std::size_t head = 0; head < heads; ++head) {
    float* low = panel.data + head * head_width * panel.element;
    kernels::rotate_pairs(low, low + half, cosines_.values.data(), sines_.values.data(), half);
  }
}

}  // namespace pare::run
