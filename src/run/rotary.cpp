#include "run/rotary.h"

#include <cmath>

namespace pare::run {

// Angles, cosines and sines in F32, as transformers computes them.
RotaryTable::RotaryTable(const RotarySpec& spec, std::size_t first, std::size_t count, std::size_t length)
    : half_(spec.frequencies.size()), count_(count), cosines_(count * half_), sines_(count * half_) {
  const std::vector<float> frequencies = spec.by_length ? spec.by_length(length) : spec.frequencies;
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < half_; ++j) {
      const float angle = static_cast<float>(first + i) * frequencies[j];
      cosines_[i * half_ + j] = std::cos(angle) * spec.factor;
      sines_[i * half_ + j] = std::sin(angle) * spec.factor;
    }
}

void RotaryTable::rotate(float* data, std::size_t stride, std::size_t heads, std::size_t head_width) const {
  for (std::size_t i = 0; i < count_; ++i) {
    const float *cosine = cosines_.data() + i * half_, *sine = sines_.data() + i * half_;
    for (std::size_t head = 0; head < heads; ++head) {
      float *low = data + i * stride + head * head_width, *high = low + half_;
      for (std::size_t j = 0; j < half_; ++j) {
        const float a = low[j], b = high[j];
        low[j] = a * cosine[j] - b * sine[j];
        high[j] = b * cosine[j] + a * sine[j];
      }
    }
  }
}

}  // namespace pare::run
