// Which parameters an inspection covers.
#pragma once

#include <vector>

#include "pare/inspect.h"

namespace pare::stats {

/// The inspected parameters and the tensors that hold them.
struct Selection {
  std::vector<const Parameter*> parameters;
  std::vector<TensorView> tensors;
};

/// At which elements are counted: InspectOptions::cutoff, then the tails.
std::vector<double> cutoffs_of(const InspectOptions& options);

/// Only the parameters, which take less memory.
std::vector<const Parameter*> select_parameters(const Model& model, const InspectOptions& options,
                                                std::vector<LeftOut>& left_out);

/// The parameters that `options` selects; those that cannot be measured are added to `left_out`. Throws Error if a
/// filter matches nothing.
Selection select(const Model& model, const InspectOptions& options, std::vector<LeftOut>& left_out);

}  // namespace pare::stats
