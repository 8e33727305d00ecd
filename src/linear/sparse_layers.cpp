#include "pare/sparse_layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "linear/sparse_linear.h"
#include "pare/error.h"

namespace pare {

struct SparseLayers::State {
  struct Added {
    std::unique_ptr<const linear::SparseLinear> product;
    std::size_t in = 0, out = 0;
    std::uint64_t nonzeros = 0;

    /// Few rows are computed from matrices: copying them costs nothing beside reading the weights.
    bool multiply_few(const float* x, std::size_t rows, const float* bias, float* y, const Context& context) const {
      Matrix inputs = Matrix::unset(rows, in), outputs = Matrix::unset(rows, out);
      std::copy_n(x, inputs.values.size(), inputs.values.begin());
      if (!product->apply(inputs, bias, outputs, context)) return false;
      std::copy(outputs.values.begin(), outputs.values.end(), y);
      return true;
    }
  };

  KernelChoice choice;
  std::shared_ptr<const KernelCosts> costs;
  std::shared_ptr<linear::SharedByLayers> shared = std::make_shared<linear::SharedByLayers>();
  std::vector<Added> layers;
};

SparseLayers::SparseLayers(KernelChoice kernels, const Context& context) : state_(std::make_unique<State>()) {
  choose_instruction_set();
  std::optional<KernelCosts> kept = kept_kernel_costs(context);
  state_->choice = kernels;
  state_->costs = std::make_shared<const KernelCosts>(kept ? *std::move(kept) : standard_kernel_costs());
}

SparseLayers::~SparseLayers() = default;
SparseLayers::SparseLayers(SparseLayers&&) noexcept = default;
SparseLayers& SparseLayers::operator=(SparseLayers&&) noexcept = default;

std::size_t SparseLayers::add(const std::byte* weights, DType dtype, std::size_t in, std::size_t out,
                              Orientation orientation, const Context& context) {
  if (dtype != DType::kF32 && dtype != DType::kF16 && dtype != DType::kBF16)
    throw Error(ErrorCode::kUnsupported,
                fmt::format("linear layers with weights of type {} are not multiplied", dtype_name(dtype)));
  if (orientation == Orientation::kNone)
    throw Error(ErrorCode::kUnsupported, "a linear layer needs an orientation of its weights");
  const bool out_in = orientation == Orientation::kOutIn;
  const linear::LayerWeights matrix{
      {weights, linear::weight_type(dtype), out_in ? out : in, out_in ? in : out}, out_in, nullptr};
  const std::size_t nonzeros = in == 0 || out == 0 ? 0 : linear::count_nonzeros(matrix, context);
  state_->layers.push_back(
      {std::make_unique<const linear::SparseLinear>(std::make_unique<const linear::WeightSource>(matrix), nonzeros,
                                                    state_->costs, state_->shared, state_->choice),
       in, out, nonzeros});
  state_->shared->dense_bytes += matrix.view.bytes();
  return state_->layers.size() - 1;
}

std::size_t SparseLayers::size() const noexcept { return state_->layers.size(); }

std::uint64_t SparseLayers::nonzeros(std::size_t layer) const { return state_->layers.at(layer).nonzeros; }

Kernel SparseLayers::kernel(std::size_t layer, std::size_t rows) const {
  return state_->layers.at(layer).product->kernel_for(rows);
}

bool SparseLayers::multiply(std::size_t layer, const float* x, std::size_t rows, const float* bias, float* y,
                            const Context& context) const {
  const State::Added& added = state_->layers.at(layer);
  if (rows == 0) return true;
  if (rows <= kernels::kFewRows) return added.multiply_few(x, rows, bias, y, context);
  return added.product->apply_rows(x, rows, bias, y, context);
}

}  // namespace pare
