// How a selection is divided among processes.
#pragma once

#include <vector>

#include "pare/measure.h"
#include "stats/selection.h"
#include "stats/tensor_pieces.h"

namespace pare::stats {

/// The pieces of some tensors of a selection, by rising tensor and element.
struct PartOfSelection {
  std::vector<std::size_t> tensors;  ///< indices into Selection::tensors, rising; tensors without elements included
  std::vector<Piece> pieces;         ///< Piece::tensor is an index into Selection::tensors
};

/// The share of part.index. Every piece belongs to one part, and every tensor without elements, too. Parts are
/// intervals of the order in which the files hold the tensors, so that each part reads few files. Throws Error
/// (kArgument) unless part.index < part.count.
PartOfSelection divide(const Model& model, const Selection& selection, const Part& part);
/// All of it.
PartOfSelection everything(const Selection& selection);

}  // namespace pare::stats
