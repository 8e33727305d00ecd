// Statistics of the inputs of a layer's linears.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "pare/linear.h"

namespace pare::calibrate {

/// Inputs that one or several linears share, such as those of q, k and v.
struct SharedInputs {
  std::vector<std::string> linears;  ///< names of their weights
  std::size_t in = 0;
  std::uint64_t tokens = 0;
  std::vector<double> squares;           ///< [in]: sum over the tokens of the squared input
  base::AlignedBuffer<double> products;  ///< [in, in]: sum of x x^T, above the diagonal; may be empty
};

/// Gathers them while a layer runs. Inputs that linears read one right after the other from the same memory are taken
/// to be the same.
class LayerInputs {
 public:
  /// `wanted`: the weights whose inputs are gathered. `products`: whether sums of x x^T are.
  LayerInputs(std::set<std::string> wanted, bool products) : wanted_(std::move(wanted)), products_(products) {}

  /// To be called before each product, as a LinearObserver.
  void observe(const LayerUse& linear, const Matrix& inputs, const Context& context);
  /// In the order in which the linears ran. Throws Error (kUnsupported) for inputs that are not finite.
  std::vector<SharedInputs> take(const std::string& source);

 private:
  void add(SharedInputs& shared, const Matrix& inputs, const Context& context) const;

  std::set<std::string> wanted_;
  bool products_;
  std::vector<SharedInputs> shared_;
  std::map<std::string, std::size_t, std::less<>> index_;  ///< of a linear's inputs in shared_
  const float* last_ = nullptr;                            ///< inputs of the previous call,
  std::vector<float> last_rows_;  ///< their first and last row, in case that memory is used again,
  std::size_t last_index_ = 0;    ///< and where they are
};

}  // namespace pare::calibrate
