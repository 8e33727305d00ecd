#include "stats/partition.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "pare/error.h"

namespace pare::stats {
namespace {

/// What is not divided further: a piece, a tensor or the tensors of a file.
struct Unit {
  std::uint64_t bytes = 0;
  std::size_t first = 0, last = 0;  ///< tensors, as positions in the order of the files: [first, last)
  std::uint64_t piece = 0;          ///< for Split::kBytes
};

std::vector<std::size_t> order_of_files(const Selection& selection) {
  std::vector<std::size_t> order(selection.tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return selection.parameters[a]->tensor < selection.parameters[b]->tensor;
  });
  return order;
}

std::vector<Unit> units_of(const Selection& selection, std::span<const std::size_t> order, Split split) {
  std::vector<Unit> units;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const TensorView& tensor = selection.tensors[order[i]];
    if (split == Split::kBytes) {
      const std::uint64_t elements = tensor.elements(), size = elements == 0 ? 0 : tensor.bytes.size() / elements;
      for (std::uint64_t begin = 0; begin == 0 || begin < elements; begin += base::kPieceElements)
        units.push_back({std::min(base::kPieceElements, elements - begin) * size, i, i + 1, begin});
    } else if (split == Split::kFiles && i != 0 && tensor.file == selection.tensors[order[i - 1]].file) {
      units.back().bytes += tensor.bytes.size();
      units.back().last = i + 1;
    } else {
      units.push_back({tensor.bytes.size(), i, i + 1, 0});
    }
  }
  return units;
}

void add_pieces(const Selection& selection, std::size_t tensor, std::uint64_t begin, std::uint64_t end,
                PartOfSelection& part) {
  if (part.tensors.empty() || part.tensors.back() != tensor) part.tensors.push_back(tensor);
  const std::uint64_t elements = std::min(end, selection.tensors[tensor].elements());
  for (; begin < elements; begin += base::kPieceElements)
    part.pieces.push_back({tensor, begin, std::min(base::kPieceElements, elements - begin)});
}

}  // namespace

PartOfSelection divide(const Model& model, const Selection& selection, const Part& part) {
  if (part.index >= part.count)
    throw Error(ErrorCode::kArgument, model.source,
                fmt::format("part {} of {} does not exist", part.index + 1ULL, part.count));
  const std::vector<std::size_t> order = order_of_files(selection);
  std::uint64_t total = 0, before = 0;
  for (const TensorView& tensor : selection.tensors) total += tensor.bytes.size();
  PartOfSelection own;
  for (const Unit& unit : units_of(selection, order, part.split)) {
    const std::uint64_t owner = part_at(before, unit.bytes, total, part.count);
    before += unit.bytes;
    if (owner != part.index) continue;
    for (std::size_t i = unit.first; i < unit.last; ++i) {
      const std::uint64_t end = part.split == Split::kBytes ? unit.piece + base::kPieceElements : ~std::uint64_t{0};
      add_pieces(selection, order[i], unit.piece, end, own);
    }
  }
  std::sort(own.tensors.begin(), own.tensors.end());
  std::stable_sort(own.pieces.begin(), own.pieces.end(),
                   [](const Piece& a, const Piece& b) { return a.tensor < b.tensor; });
  return own;
}

PartOfSelection everything(const Selection& selection) {
  PartOfSelection all;
  for (std::size_t i = 0; i < selection.tensors.size(); ++i) add_pieces(selection, i, 0, ~std::uint64_t{0}, all);
  return all;
}

}  // namespace pare::stats
