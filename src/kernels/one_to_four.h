// A number that is known when the program runs, as one that is known when it is compiled.
#pragma once

#include <cstddef>
#include <type_traits>

namespace pare::kernels {

/// f(std::integral_constant<std::size_t, n>()) for n from 1 to 4; nothing for another n.
template <class F>
void with_constant(std::size_t n, const F& f) {
  switch (n) {
    case 1:
      return f(std::integral_constant<std::size_t, 1>());
    case 2:
      return f(std::integral_constant<std::size_t, 2>());
    case 3:
      return f(std::integral_constant<std::size_t, 3>());
    case 4:
      return f(std::integral_constant<std::size_t, 4>());
    default:
      return;
  }
}

}  // namespace pare::kernels
