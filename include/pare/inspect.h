// Where a model's big parameters sit: shares by tensor, group, layer and overall.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pare/model.h"
#include "pare/stats.h"

namespace pare {

struct InspectOptions {
  double cutoff = 0.1;
  Measure measure = Measure::kMagnitude;  ///< which one spreads and outlying layers are judged by
  std::vector<double> tails{1, 2, 5};     ///< further cutoffs for the long tail
  std::vector<double> quantiles;          ///< of |w|, in [0, 1]; exact, cost another pass
  std::size_t largest = 10;
  std::vector<std::string> include;  ///< globs over parameter names; empty: all
  std::vector<std::string> exclude;
  std::vector<Group> groups;  ///< empty: all
};

/// One line of a table: a tensor, a group, a layer, or everything.
struct InspectRow {
  std::string name;
  std::string dtype;            ///< "F32"; "mixed" for rows of several dtypes
  Group group = Group::kOther;  ///< of a tensor or group row
  std::string stack;            ///< of a tensor or layer row
  int layer = -1;
  std::uint64_t tensors = 1;
  Stats stats;                    ///< cutoffs[0] is InspectOptions::cutoff, then the tails
  std::vector<double> quantiles;  ///< as InspectOptions::quantiles
};

/// How much the share varies from layer to layer within one group of one stack.
struct LayerSpread {
  std::string stack;
  Group group = Group::kOther;
  bool cross_attention = false;
  std::vector<int> layers;
  std::vector<double> shares;  ///< fractions, one per layer
  double min = 0, max = 0, mean = 0, std = 0;
  std::vector<int> outlying;  ///< modified z-score above 3.5 (Iglewicz and Hoaglin 1993)
};

struct LargeParameter {
  std::string tensor;
  std::vector<std::uint64_t> position;  ///< coordinates in the tensor's shape
  double value = 0;
};

struct Inspection {
  std::string title, architecture, source;
  InspectOptions options;
  InspectRow overall;
  std::vector<InspectRow> tensors;  ///< in named_parameters() order
  std::vector<InspectRow> groups;
  std::vector<InspectRow> layers;    ///< by stack, then layer; what is outside any layer is left out
  std::vector<LayerSpread> spreads;  ///< matrices only: no bias and no norm groups
  std::vector<LargeParameter> largest;
  std::vector<LeftOut> left_out;
  std::vector<std::string> notes;
  double seconds = 0;
};

/// Measures a model's parameters (those of analyzed dtypes; others are in left_out).
/// Throws Error if a filter matches nothing; Interrupted.
Inspection inspect(const Model& model, const InspectOptions& options = {}, const Context& context = {});

}  // namespace pare
