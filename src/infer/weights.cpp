#include "infer/weights.h"

#include <fmt/format.h>

#include <cstdint>

#include "kernels/float_convert.h"
#include "pare/error.h"
#include "pare/stats.h"

namespace pare::infer {
namespace {

std::string shape_text(std::span<const std::uint64_t> shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

void expect_shape(const Model& model, const TensorView& tensor, const std::vector<std::uint64_t>& expected) {
  if (tensor.shape != expected)
    throw Error(
        model.source, tensor.name,
        fmt::format("has the shape {}; the configuration asks for {}", shape_text(tensor.shape), shape_text(expected)));
}

KernelCosts costs_for(const InferOptions& options) {
  if (options.costs) return *options.costs;
  return kept_kernel_costs(options.threads).value_or(standard_kernel_costs());
}

}  // namespace

Weights::Weights(const Model& model, const InferOptions& options)
    : model_(model), options_(options), costs_(std::make_shared<const KernelCosts>(costs_for(options))) {
  for (const Parameter& parameter : model.parameters) by_name_.emplace(parameter.name, &model.tensor(parameter));
}

const TensorView& Weights::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) throw Error(model_.source, name, "is needed to run the model, and missing");
  return *found->second;
}

const float* Weights::data(const TensorView& tensor) {
  const bool aligned = reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) % alignof(float) == 0;
  if (tensor.dtype == DType::kF32 && aligned) return reinterpret_cast<const float*>(tensor.bytes.data());
  std::unique_ptr<float[]>& values = converted_[&tensor];
  if (values) return values.get();
  const std::uint64_t n = tensor.elements();
  values = std::make_unique_for_overwrite<float[]>(n);
  using kernels::FloatType;
  switch (tensor.dtype) {
    case DType::kF64:
      kernels::to_f32(FloatType::kF64, tensor.bytes.data(), n, values.get());
      break;
    case DType::kF32:
      kernels::to_f32(FloatType::kF32, tensor.bytes.data(), n, values.get());
      break;
    case DType::kF16:
      kernels::to_f32(FloatType::kF16, tensor.bytes.data(), n, values.get());
      break;
    case DType::kBF16:
      kernels::to_f32(FloatType::kBF16, tensor.bytes.data(), n, values.get());
      break;
    default:
      for (std::uint64_t i = 0; i < n; ++i) values[i] = static_cast<float>(element_value(tensor, i));
  }
  return values.get();
}

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

Linear Weights::linear(const std::string& name, std::size_t in, std::size_t out, Orientation orientation) {
  const bool out_in = orientation == Orientation::kOutIn;
  const float* weight = out_in ? matrix(name + ".weight", out, in) : matrix(name + ".weight", in, out);
  return linear(name, weight, has(name + ".bias") ? vector(name + ".bias", out) : nullptr, in, out, orientation);
}

Linear Weights::linear(const std::string& name, const float* weight, const float* bias, std::size_t in, std::size_t out,
                       Orientation orientation) {
  Linear linear{weight, bias, in, out, orientation == Orientation::kOutIn, nullptr};
  std::size_t nonzeros = in * out;
  if (options_.kernels != KernelChoice::kDense && nonzeros != 0) {
    const DenseWeights dense{weight, in, out, linear.out_in};
    nonzeros = count_nonzeros(dense, options_.threads);
    if (nonzeros < in * out)
      linear.sparse = std::make_shared<const SparseLinear>(dense, nonzeros, costs_, options_.kernels, options_.threads);
  }
  layers_.push_back({name + ".weight", linear, nonzeros});
  return linear;
}

std::vector<LayerUse> Weights::layers(std::size_t tokens) const {
  std::vector<LayerUse> uses;
  for (const auto& [name, linear, nonzeros] : layers_) {
    LayerUse use{name, linear.in, linear.out, nonzeros, Kernel::kDense, 4 * linear.in * linear.out};
    if (linear.sparse) use.kernel = linear.sparse->kernel_for(tokens);
    if (use.kernel == Kernel::kSliced) use.bytes = 6 * nonzeros;
    if (use.kernel == Kernel::kMasked) use.bytes = 4 * nonzeros + linear.in * linear.out / 8;
    uses.push_back(std::move(use));
  }
  return uses;
}

}  // namespace pare::infer
