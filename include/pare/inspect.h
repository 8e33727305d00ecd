// Where a model's large parameters are: the share above a cutoff by tensor, group, layer and overall.
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
  /// The measure of the shares in Inspection::spreads, and the one that tables and charts show. The Stats of every row
  /// hold the counts for both measures.
  Measure measure = Measure::kMagnitude;
  std::vector<double> tails{1, 2, 5};  ///< further cutoffs, for the tail of the distribution
  std::vector<double> quantiles;       ///< which quantiles of |w| to compute, each in [0, 1]: exact, in another pass
  std::size_t largest = 10;            ///< how many single weights with the largest |w| to find
  std::vector<std::string> include;    ///< globs over parameter names; empty: all
  std::vector<std::string> exclude;    ///< globs of parameters to leave out
  std::vector<Group> groups;           ///< groups to measure; empty: all. A parameter must pass all three filters
  /// Whether Inspection::tensors has the tensors. Without them, a model of a million tensors takes a fraction of the
  /// memory.
  bool tensor_rows = true;
};

/// One line of a table: a tensor, a group, a layer, or everything.
struct InspectRow {
  std::string name;
  std::string dtype;            ///< "F32"; "mixed" for rows of several dtypes
  Group group = Group::kOther;  ///< set for a tensor or group row
  std::string stack;            ///< set for a tensor or layer row
  int layer = -1;               ///< likewise
  std::uint64_t tensors = 1;
  Stats stats;                    ///< cutoffs[0] is InspectOptions::cutoff, then the tails
  std::vector<double> quantiles;  ///< one per InspectOptions::quantiles
};

/// How much the share varies from layer to layer within one group of one stack (self- and cross-attention apart).
struct LayerSpread {
  std::string stack;
  Group group = Group::kOther;
  bool cross_attention = false;
  std::vector<int> layers;     ///< layer numbers, ascending
  std::vector<double> shares;  ///< shares above the cutoff by InspectOptions::measure: fractions, one per layer
  double min = 0, max = 0, mean = 0;
  double std = 0;  ///< standard deviation of a sample (n - 1 in the denominator); 0 for a single layer
  /// Numbers of the layers (not indices into `layers`) whose share is an outlier: the magnitude of its modified z-score
  /// is above 3.5 (Iglewicz and Hoaglin 1993; with the mean absolute deviation where the median one is 0), and it
  /// differs from the median by at least 0.0001. Empty for fewer than five layers.
  std::vector<int> outlying;
};

struct LargeParameter {
  std::string tensor;                   ///< Parameter::name
  std::vector<std::uint64_t> position;  ///< coordinates in the tensor's shape
  double value = 0;
};

struct Inspection {
  std::string title, architecture, source;
  InspectOptions options;
  InspectRow overall;
  std::vector<InspectRow> tensors;  ///< in named_parameters() order; empty without InspectOptions::tensor_rows
  std::vector<InspectRow> groups;
  std::vector<InspectRow> layers;    ///< by stack, then layer; parameters outside any layer are not counted
  std::vector<LayerSpread> spreads;  ///< one for each group of weight matrices that at least two layers of a stack have
  std::vector<LargeParameter> largest;  ///< the largest |w| first
  std::vector<LeftOut> left_out;        ///< Model::left_out, and selected parameters whose dtype is not analyzed
  std::vector<std::string> notes;
  double seconds = 0;  ///< that the measurement took
};

/// Measures the selected parameters of a model. Those whose dtype is not analyzed are listed in left_out instead.
/// In a group of processes (pare/process_group.h), rank 0 gets the inspection, and the others an empty one.
/// Throws Error if a glob or group matches nothing; Interrupted.
Inspection inspect(const Model& model, const InspectOptions& options = {}, const Context& context = {});

}  // namespace pare
