// Parameters of a model, by the names that its class gives them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "linear/linear.h"
#include "pare/model.h"

namespace pare::run {

/// An embedding table. Rows of 16-bit tables are widened when they are looked up.
struct Table {
  linear::WeightView view;

  std::size_t rows() const noexcept { return view.rows; }
  std::size_t columns() const noexcept { return view.columns; }
  /// Writes row `row`, which must be one of the table's, to `to`.
  void copy_row(std::size_t row, float* to) const;
  /// Adds it to `to`.
  void add_row(std::size_t row, float* to) const;
};

/// Weights of linears and tables stay where they are mapped if they are F32, F16 or BF16; others, and all vectors, are
/// converted to F32 once.
class Weights {
 public:
  Weights(const Model& model, const InferOptions& options, const Context& context);

  const std::string& source() const noexcept { return model_.source; }
  bool has(std::string_view name) const { return by_name_.count(std::string(name)) != 0; }
  /// A vector of `size` elements. Throws Error if the model lacks it or it has another shape.
  const float* vector(const std::string& name, std::size_t size);
  /// A matrix of this shape as F32, in C order. Large ones should be a table(), which is not converted.
  const float* matrix(const std::string& name, std::size_t rows, std::size_t columns);
  Table table(const std::string& name, std::size_t rows, std::size_t columns);
  /// Rows of a matrix with this many columns.
  std::size_t rows_of(const std::string& name, std::size_t columns) const;
  /// `name`.weight and, where the model has it, `name`.bias.
  linear::Linear linear(const std::string& name, std::size_t in, std::size_t out, Orientation orientation);
  /// One expert's matrix of a tensor that holds those of all of them, [experts, out, in].
  linear::Linear expert(const std::string& name, std::size_t index, std::size_t in, std::size_t out);
  /// A head tied to the embedding `name`, whose weights are [out, in].
  linear::Linear tied_head(const std::string& name, const Table& table);
  std::vector<LayerUse> layers(std::size_t tokens) const;

 private:
  /// `use` says which parameter it is.
  linear::Linear add_in_memory(LayerUse use, const linear::LayerWeights& weights, const float* bias);
  /// `source` is where the sparse kernels find the weights; nullptr for a layer without zeros.
  linear::Linear add(LayerUse use, const linear::LayerWeights& weights, const float* bias, std::size_t nonzeros,
                     std::unique_ptr<const linear::WeightSource> source);
  const Parameter& parameter(const std::string& name) const;
  static LayerUse use_of(const Parameter& weight);
  const TensorView& find(const std::string& name) const { return model_.tensor(parameter(name)); }
  const float* data(const TensorView& tensor);
  linear::WeightView view(const TensorView& tensor, std::size_t rows, std::size_t columns);

  Model model_;
  InferOptions options_;
  Context context_;  ///< of open_runner(): layers are added during that call only
  std::shared_ptr<const KernelCosts> costs_;
  std::shared_ptr<linear::SharedByLayers> shared_ = std::make_shared<linear::SharedByLayers>();
  std::unordered_map<std::string, const Parameter*> by_name_;
  std::unordered_map<const TensorView*, std::unique_ptr<float[]>> converted_, copied_;
  std::vector<linear::Linear> linears_;
};

}  // namespace pare::run
