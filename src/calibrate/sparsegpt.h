// SparseGPT (Frantar and Alistarh 2023): weights are removed column by column, and those that remain in the row make
// up for each.
#pragma once

#include "calibrate/algebra/hessian.h"
#include "calibrate/linear_task.h"

namespace pare::calibrate {

/// Removes weights as the paper does: for `columns` at once (the paper: 128) over all rows those with the smallest w^2
/// / U_jj^2, or for an N:M pattern those of each group when its first column is reached. Unlike in the paper's code,
/// exactly the asked number is removed, and weights whose input is always zero keep their value if they are not
/// removed, which they are first.
void prune_by_sparsegpt(LinearTask& task, const InverseFactor& factor, std::size_t columns, const Context& context);

}  // namespace pare::calibrate
