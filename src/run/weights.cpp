#include "run/weights.h"

#include <fmt/format.h>

#include "pare/error.h"

namespace pare::run {
namespace {

std::string shape_text(std::span<const std::uint64_t> shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

void expect_shape(const Model& model, const TensorView& tensor, const std::vector<std::uint64_t>& expected) {
  if (tensor.shape != expected)
    throw Error(
        ErrorCode::kMismatch, model.source, tensor.name,
        fmt::format("has the shape {}; the configuration asks for {}", shape_text(tensor.shape), shape_text(expected)));
}

/// Then layouts without zeros are made of it directly.
bool is_packed_without_zeros(const TensorView& tensor) {
  const PackedTensor* packed = tensor.bytes.packed();
  return packed != nullptr && !tensor.bytes.empty() && packed->encoding() != Encoding::kDense &&
         packed->encoding() != Encoding::kDenseZstd;
}

KernelCosts costs_for(const InferOptions& options, const Context& context) {
  if (options.costs) return *options.costs;
  return kept_kernel_costs(context).value_or(standard_kernel_costs());
}

}  // namespace

Weights::Weights(const Model& model, const InferOptions& options, const Context& context)
    : model_(model),
      options_(options),
      context_(context.with_progress({})),
      costs_(std::make_shared<const KernelCosts>(costs_for(options, context))) {
  for (const Parameter& parameter : model_.parameters) by_name_.emplace(parameter.name, &parameter);
}

const Parameter& Weights::parameter(const std::string& name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end())
    throw Error(ErrorCode::kMismatch, model_.source, name, "is needed to run the model, and missing");
  return *found->second;
}

const float* Weights::data(const TensorView& tensor) { return linear::floats_of(tensor, converted_[&tensor]); }

const float* Weights::vector(const std::string& name, std::size_t size) {
  const TensorView& tensor = find(name);
  expect_shape(model_, tensor, {size});
  return data(tensor);
}

const float* Weights::matrix(const std::string& name, std::size_t rows, std::size_t columns) {
  const TensorView& tensor = find(name);
  expect_shape(model_, tensor, {rows, columns});
  return data(tensor);
}

std::size_t Weights::rows_of(const std::string& name, std::size_t columns) const {
  const TensorView& tensor = find(name);
  if (tensor.shape.size() != 2) expect_shape(model_, tensor, {0, columns});
  return tensor.shape[0];
}

linear::Linear Weights::linear(const std::string& name, std::size_t in, std::size_t out, Orientation orientation) {
  const bool out_in = orientation == Orientation::kOutIn;
  const float* bias = has(name + ".bias") ? vector(name + ".bias", out) : nullptr;
  const Parameter& weight = parameter(name + ".weight");
  const TensorView& tensor = model_.tensor(weight);
  LayerUse use;
  use.name = name + ".weight";
  use.group = weight.group;
  use.stack = weight.stack;
  use.layer = weight.layer;
  use.cross_attention = weight.cross_attention;
  linear::LayerWeights weights{nullptr, in, out, out_in};
  if (options_.kernels == KernelChoice::kDense || !is_packed_without_zeros(tensor)) {
    weights.data = out_in ? matrix(use.name, out, in) : matrix(use.name, in, out);
    return add_in_memory(std::move(use), weights, bias);
  }
  expect_shape(model_, tensor, out_in ? std::vector<std::uint64_t>{out, in} : std::vector<std::uint64_t>{in, out});
  const PackedTensor& packed = *tensor.bytes.packed();
  return add(std::move(use), weights, bias, packed.nonzeros() - packed.negative_zeros(),
             std::make_unique<linear::WeightSource>(tensor, weights));
}

linear::Linear Weights::tied_head(const std::string& name, const float* weight, std::size_t in, std::size_t out) {
  LayerUse use;
  use.name = name + ".weight";
  use.group = Group::kHead;
  return add_in_memory(std::move(use), {weight, in, out, true}, nullptr);
}

linear::Linear Weights::add_in_memory(LayerUse use, const linear::LayerWeights& weights, const float* bias) {
  const std::size_t all = weights.in * weights.out;
  std::size_t nonzeros = all;
  if (options_.kernels != KernelChoice::kDense && all != 0) nonzeros = count_nonzeros(weights, context_);
  std::unique_ptr<const linear::WeightSource> source;
  if (nonzeros < all) source = std::make_unique<linear::WeightSource>(weights);
  return add(std::move(use), weights, bias, nonzeros, std::move(source));
}

linear::Linear Weights::add(LayerUse use, const linear::LayerWeights& weights, const float* bias, std::size_t nonzeros,
                            std::unique_ptr<const linear::WeightSource> source) {
  linear::Linear linear{weights.data, bias, weights.in, weights.out, weights.out_in, nullptr};
  if (source != nullptr)
    linear.sparse =
        std::make_shared<const linear::SparseLinear>(std::move(source), nonzeros, costs_, shared_, options_.kernels);
  use.in = weights.in;
  use.out = weights.out;
  use.nonzeros = nonzeros;
  use.bytes = sizeof(float) * weights.in * weights.out;
  shared_->dense_bytes += use.bytes;
  layers_.push_back({std::move(use), linear});
  return linear;
}

std::vector<LayerUse> Weights::layers(std::size_t tokens) const {
  std::vector<LayerUse> uses;
  for (const auto& [dense, linear] : layers_) {
    LayerUse use = dense;
    if (linear.sparse) use.kernel = linear.sparse->kernel_for(tokens);
    if (use.kernel == Kernel::kSliced) use.bytes = 6 * use.nonzeros;
    if (use.kernel == Kernel::kMasked) use.bytes = 4 * use.nonzeros + use.in * use.out / 8;
    uses.push_back(std::move(use));
  }
  return uses;
}

}  // namespace pare::run
