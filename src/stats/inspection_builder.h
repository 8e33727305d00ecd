// The rows of an Inspection, made from the figures of one tensor after the other.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "pare/inspect.h"

namespace pare::stats {

/// Sums up tensors overall, by group and by layer, and keeps a row for each if InspectOptions::tensor_rows is set. Sums
/// are made in the order of add(), so they have the same bits whether rows are kept or not.
class InspectionBuilder {
 public:
  InspectionBuilder(const Model& model, const InspectOptions& options);

  /// Adds the next parameter, in the order of Model::parameters.
  void add(const Parameter& parameter, Stats stats);
  /// One of the largest magnitudes. Outlier::tensor is an index into Model::parameters.
  void add_largest(const Outlier& outlier);
  /// Everything but Inspection::left_out of parameters that were not selected, quantiles and seconds.
  Inspection finish();

 private:
  using Layer = std::pair<std::string, int>;             ///< stack and number
  using Kind = std::tuple<std::string, Group, bool>;     ///< stack, group, whether it is cross-attention
  using Spread = std::pair<Kind, std::map<int, Stats>>;  ///< a kind's figures by layer

  const Model& model_;
  Inspection result_;
  std::map<Group, InspectRow> groups_;
  std::map<Layer, InspectRow> layers_;
  std::map<std::string, std::size_t> stacks_;  ///< by first appearance: "encoder" before "decoder"
  std::map<Kind, std::size_t> kinds_;
  std::vector<Spread> spreads_;  ///< by first appearance
};

}  // namespace pare::stats
