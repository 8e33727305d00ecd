// Single elements of 1, 2, 4 or 8 bytes. Included once per target, after highway.h.
#if defined(PARE_ELEMENTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PARE_ELEMENTS_INL_H_
#undef PARE_ELEMENTS_INL_H_
#else
#define PARE_ELEMENTS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/magnitude.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {

template <class U>
HWY_INLINE U load_one(const std::byte* data, std::size_t index) {
  U value;
  std::memcpy(&value, data + index * sizeof(U), sizeof(U));
  return value;
}

template <class U>
HWY_INLINE void store_one(std::byte* data, std::size_t index, U value) {
  std::memcpy(data + index * sizeof(U), &value, sizeof(U));
}

/// Calls f with a zero of the unsigned type of that width.
template <class F>
auto with_width(Width width, F f) {
  switch (width) {
    case Width::k8:
      return f(std::uint8_t{0});
    case Width::k16:
      return f(std::uint16_t{0});
    case Width::k32:
      return f(std::uint32_t{0});
    case Width::k64:
      break;
  }
  return f(std::uint64_t{0});
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
