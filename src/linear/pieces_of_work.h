// Products in pieces, so that several of them can be computed in one parallel loop.
#pragma once

#include <cstddef>
#include <functional>

namespace pare::linear {

/// A product in pieces that any thread may compute. What it refers to must outlive it.
struct Work {
  std::size_t pieces = 0;
  std::size_t multiply_adds = 0;  ///< about as many as take the same time, for base::worthwhile_threads()
  std::function<void(std::size_t piece)> compute;
};

}  // namespace pare::linear
