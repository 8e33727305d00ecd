// Shares and sparsity by layer and kind of tensor: the figures of single tensors, arranged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/study.h"

namespace pare::report {

/// The tensors of one layer that are of one kind, usually a single one. No figures: there is no such tensor.
struct HeatCell {
  std::uint64_t parameters = 0;
  /// One per title of heat_titles(); empty where no tensor of the cell is pruned.
  std::vector<std::optional<Share>> figures;
};

/// One stack of a model.
struct HeatMap {
  std::string stack;
  std::vector<int> layers;                   ///< rows, ascending
  std::vector<std::string> kinds;            ///< columns: what follows the layer in a tensor's name
  std::vector<std::vector<HeatCell>> cells;  ///< by row, then column
};

/// What the maps show: the share of big parameters, zeros as stored, and zeros after each level.
std::vector<std::string> heat_titles(const Study& study);
/// One map per stack that has layers, in the model's order. The experts of a layer share a cell.
std::vector<HeatMap> heat_maps(const Study& study);

/// "attn.c_attn.weight" of "h.3.attn.c_attn.weight" and layer 3; the whole name if the layer does not occur in it. The
/// number of an expert (-1: none) becomes '*'.
std::string tensor_kind(const std::string& name, int layer, int expert);

}  // namespace pare::report
