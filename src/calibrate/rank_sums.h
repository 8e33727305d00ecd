// Sums of inputs over the ranks of a group, each of which has run its own windows.
#pragma once

#include <vector>

#include "calibrate/layer_inputs.h"

namespace pare::calibrate {

/// Inputs of which one rank, the owner, has the sums over all ranks, and prunes the linears.
struct OwnedInputs {
  SharedInputs inputs;  ///< complete on the owner; elsewhere only the names and `in`
  unsigned owner = 0;
};

/// Adds up what the ranks have gathered of a layer, in an order that depends on their number alone. A rank need not
/// have seen all linears: no token of its windows may have gone to an expert. Owners share the work of pruning. Without
/// a group, returns what was given. To be called by every rank. Throws Error (kMismatch) if the ranks disagree on the
/// width of inputs; Interrupted.
std::vector<OwnedInputs> add_up_ranks(std::vector<SharedInputs> gathered, const Context& context);

/// The same, and every rank has the sums of squares. Sums of products are left to the owner.
std::vector<SharedInputs> squares_of_ranks(std::vector<SharedInputs> gathered, const Context& context);

}  // namespace pare::calibrate
