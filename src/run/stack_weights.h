// Weights of one stack, found by layer and slot. Names of tensors occur in messages only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "run/weights.h"

namespace pare::run {

/// A module of a stack.
struct Place {
  Slot slot = Slot::kNone;
  int layer = -1;  ///< -1: of no layer
  bool cross_attention = false;
  int expert = -1;  ///< of a mixture
};

/// Weight and bias of a norm; no weight: there is no such norm.
struct Norm {
  const float *weight = nullptr, *bias = nullptr;
  std::size_t width = 0;
  explicit operator bool() const noexcept { return weight != nullptr; }
};

class StackWeights {
 public:
  /// `weights` and `model` must outlive this, which is needed only while a model is opened. What the stack named
  /// `stack` lacks is looked for among the parameters of no stack, e.g. T5's shared embeddings.
  StackWeights(Weights& weights, const Model& model, std::string stack);

  const std::string& source() const noexcept { return model_.source; }
  bool has(Place place) const { return find(place, false) != nullptr; }
  /// Shape of a weight; empty if there is none.
  std::vector<std::uint64_t> shape(Place place) const;
  /// Name of the module, e.g. "h.0.ln_1"; empty if there is none.
  std::string module(Place place) const;
  /// Name of a layer, e.g. "h.0"; "layer 0" if it has no parameters.
  std::string layer_name(std::size_t layer) const;

  // These throw Error for a shape that the configuration does not ask for, and where not said otherwise for a weight
  // that the model lacks.
  linear::Linear linear(Place place, std::size_t in, std::size_t out);
  /// nullopt if the model has none.
  std::optional<linear::Linear> optional_linear(Place place, std::size_t in, std::size_t out);
  /// A norm of `width` elements; without weight if the model has none.
  Norm norm(Place place, std::size_t width);
  /// A table with this many columns.
  Table table(Place place, std::size_t columns);
  /// A table as F32.
  const float* matrix(Place place, std::size_t rows, std::size_t columns);
  /// A bias; nullptr if the model has none.
  const float* bias(Place place, std::size_t size);
  /// The head that multiplies with a table's rows.
  linear::Linear tied_head(Place place, const Table& table);

 private:
  using Key = std::tuple<std::string, Slot, int, bool, int, bool>;  ///< stack, place, whether a bias

  /// A tensor that holds all experts is that of each.
  const Parameter* find(Place place, bool bias) const;
  const Parameter& get(Place place) const;

  Weights& weights_;
  const Model& model_;
  std::string stack_;
  std::map<Key, const Parameter*> parameters_;
  std::map<int, const Parameter*> layers_;  ///< the first parameter of each layer of the stack
};

}  // namespace pare::run
