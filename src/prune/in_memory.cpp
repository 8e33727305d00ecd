// Makes one level of a plan as a model in memory. Pruned tensors are copied; the others are used where they are mapped.
#include <algorithm>
#include <memory>
#include <utility>

#include "base/parallel.h"
#include "base/pieces.h"
#include "pare/prune.h"
#include "stats/float_format.h"

namespace pare {
namespace {

struct Piece {
  std::size_t index;  ///< into PrunePlan::parameters
  std::uint64_t begin;
};

/// The memory that the tensors of the copy point to.
struct Storage {
  Checkpoint source;
  std::vector<std::unique_ptr<std::byte[]>> buffers;
};

}  // namespace

Model pruned_model(const Model& model, const PrunePlan& plan, std::size_t level, const Context& context) {
  const LevelPlan& chosen = plan.levels.at(level);
  const auto storage = std::make_shared<Storage>(Storage{model.checkpoint, {}});
  std::vector<TensorView> tensors(model.checkpoint.tensors().begin(), model.checkpoint.tensors().end());
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < plan.parameters.size(); ++i) {
    const TensorView& tensor = model.tensor(model.parameters[plan.parameters[i]]);
    storage->buffers.push_back(
        chosen.cuts[i].mask.is_none() ? nullptr : std::make_unique_for_overwrite<std::byte[]>(tensor.bytes.size()));
    if (storage->buffers.back() == nullptr) continue;
    for (std::uint64_t begin = 0; begin < tensor.elements(); begin += base::kPieceElements)
      pieces.push_back({i, begin});
  }
  base::parallel_for(pieces.size(), context, [&](std::size_t item, unsigned) {
    const Piece& piece = pieces[item];
    const TensorView& tensor = model.tensor(model.parameters[plan.parameters[piece.index]]);
    const std::uint64_t count = std::min(base::kPieceElements, tensor.elements() - piece.begin);
    chosen.cuts[piece.index].mask.copy(
        tensor, piece.begin, count,
        storage->buffers[piece.index].get() + piece.begin * stats::float_format(tensor.dtype).size());
  });
  for (std::size_t i = 0; i < plan.parameters.size(); ++i) {
    if (storage->buffers[i] == nullptr) continue;
    const Parameter& parameter = model.parameters[plan.parameters[i]];
    const auto replace = [&](TensorView& tensor) { tensor.bytes = {storage->buffers[i].get(), tensor.bytes.size()}; };
    replace(tensors[parameter.tensor]);
    for (const std::size_t copy : parameter.copies) replace(tensors[copy]);
  }
  Model pruned = model;
  std::vector<CheckpointFile> files(model.checkpoint.files().begin(), model.checkpoint.files().end());
  pruned.checkpoint =
      Checkpoint::from_tensors(std::move(tensors), std::move(files), model.checkpoint.directory(), storage);
  return pruned;
}

}  // namespace pare
