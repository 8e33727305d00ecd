#include "run/weights.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/elementwise.h"
#include "kernels/float_convert.h"
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

DType dtype_of(linear::FloatType type) {
  using linear::FloatType;
  return type == FloatType::kF16 ? DType::kF16 : type == FloatType::kBF16 ? DType::kBF16 : DType::kF32;
}

KernelCosts costs_for(const InferOptions& options, const Context& context) {
  if (options.costs) return *options.costs;
  return kept_kernel_costs(context).value_or(standard_kernel_costs());
}

}  // namespace

void Table::copy_row(std::size_t row, float* to) const { kernels::to_f32(view.type, view.at(row), view.columns, to); }

void Table::add_row(std::size_t row, float* to) const {
  constexpr std::size_t kSome = 256;
  float some[kSome];
  for (std::size_t column = 0; column < view.columns; column += kSome) {
    const std::size_t count = std::min(kSome, view.columns - column);
    kernels::to_f32(view.type, view.at(row, column), count, some);
    kernels::add(to + column, some, count);
  }
}

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

linear::WeightView Weights::view(const TensorView& tensor, std::size_t rows, std::size_t columns) {
  return linear::weights_of(tensor, rows, columns, copied_[&tensor]);
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

Table Weights::table(const std::string& name, std::size_t rows, std::size_t columns) {
  const TensorView& tensor = find(name);
  expect_shape(model_, tensor, {rows, columns});
  return {view(tensor, rows, columns)};
}

std::size_t Weights::rows_of(const std::string& name, std::size_t columns) const {
  const TensorView& tensor = find(name);
  if (tensor.shape.size() != 2) expect_shape(model_, tensor, {0, columns});
  return tensor.shape[0];
}

LayerUse Weights::use_of(const Parameter& weight) {
  LayerUse use;
  use.name = weight.name;
  use.group = weight.group;
  use.stack = weight.stack;
  use.layer = weight.layer;
  use.cross_attention = weight.cross_attention;
  return use;
}

linear::Linear Weights::expert(const std::string& name, std::size_t index, std::size_t in, std::size_t out) {
  const Parameter& weight = parameter(name);
  const TensorView& tensor = model_.tensor(weight);
  if (tensor.shape.size() != 3 || tensor.shape[0] <= index)
    throw Error(ErrorCode::kMismatch, model_.source, name,
                fmt::format("has the shape {}; expert {} is asked for", shape_text(tensor.shape), index));
  expect_shape(model_, tensor, {tensor.shape[0], out, in});
  const linear::WeightView all = view(tensor, tensor.shape[0] * out, in);
  return add_in_memory(use_of(weight), {all.part(index * out, out, 0, in), true}, nullptr);
}

linear::Linear Weights::linear(const std::string& name, std::size_t in, std::size_t out, Orientation orientation) {
  const bool out_in = orientation == Orientation::kOutIn;
  const float* bias = has(name + ".bias") ? vector(name + ".bias", out) : nullptr;
  const Parameter& weight = parameter(name + ".weight");
  const TensorView& tensor = model_.tensor(weight);
  LayerUse use = use_of(weight);
  const std::size_t rows = out_in ? out : in, columns = out_in ? in : out;
  expect_shape(model_, tensor, {rows, columns});
  if (options_.kernels == KernelChoice::kDense || !is_packed_without_zeros(tensor))
    return add_in_memory(std::move(use), {view(tensor, rows, columns), out_in}, bias);
  const linear::LayerWeights weights{{nullptr, linear::weight_type(tensor.dtype), rows, columns}, out_in};
  const PackedTensor& packed = *tensor.bytes.packed();
  return add(std::move(use), weights, bias, packed.nonzeros() - packed.negative_zeros(),
             std::make_unique<linear::WeightSource>(tensor, weights));
}

linear::Linear Weights::tied_head(const std::string& name, const Table& table) {
  LayerUse use;
  use.name = name + ".weight";
  use.group = Group::kHead;
  return add_in_memory(std::move(use), {table.view}, nullptr);
}

linear::Linear Weights::add_in_memory(LayerUse use, const linear::LayerWeights& weights, const float* bias) {
  const std::size_t all = weights.in() * weights.out();
  std::size_t nonzeros = all;
  if (options_.kernels != KernelChoice::kDense && all != 0) nonzeros = count_nonzeros(weights, context_);
  std::unique_ptr<const linear::WeightSource> source;
  if (nonzeros < all) source = std::make_unique<linear::WeightSource>(weights);
  return add(std::move(use), weights, bias, nonzeros, std::move(source));
}

linear::Linear Weights::add(LayerUse use, const linear::LayerWeights& weights, const float* bias, std::size_t nonzeros,
                            std::unique_ptr<const linear::WeightSource> source) {
  linear::Linear linear(weights, bias);
  if (source != nullptr)
    linear.sparse =
        std::make_shared<const linear::SparseLinear>(std::move(source), nonzeros, costs_, shared_, options_.kernels);
  use.in = linear.in;
  use.out = linear.out;
  use.nonzeros = nonzeros;
  use.bytes = weights.view.bytes();
  use.dtype = dtype_of(weights.view.type);
  shared_->dense_bytes += use.bytes;
  linear.identity = std::make_shared<const linear::Identity>(
      linear::Identity{std::move(use), options_.observer, options_.round_inputs});
  linears_.push_back(linear);
  return linear;
}

std::vector<LayerUse> Weights::layers(std::size_t tokens) const {
  std::vector<LayerUse> uses;
  for (const linear::Linear& linear : linears_) uses.push_back(linear.use(tokens));
  return uses;
}

}  // namespace pare::run
