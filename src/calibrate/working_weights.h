// The model whose layers are pruned one by one: the weights to prune are in a temporary file that can be written.
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/file_map.h"
#include "calibrate/linear_task.h"
#include "calibrate/resume_file.h"
#include "pare/prune.h"

namespace pare::calibrate {

class WorkingWeights {
 public:
  /// `parameters`: indices of those to be pruned. Their bytes are zero until they are loaded. Throws Error
  /// (kUnsupported) for a dtype whose weights a runner does not use in place.
  WorkingWeights(const Model& model, const std::vector<std::size_t>& parameters);

  /// Reads its parameters where they can be written.
  const Model& model() const noexcept { return working_; }
  /// Copies the original weights of a parameter (an index into `parameters`).
  void load(std::size_t index);
  /// A task with its weights; `pattern`, `amount` are not set.
  LinearTask task(std::size_t index) const;
  /// Sets what is zero after `mask` as the removed weights of the task.
  void remove(const Mask& mask, std::size_t index, LinearTask& task) const;
  /// Writes the result of a task, and returns it as a mask.
  TensorCut finish(std::size_t index, const LinearTask& task);
  /// The same of an earlier run's result. Throws Error (kMismatch) if its sizes are not the tensor's.
  TensorCut restore(const StoredLinear& linear);

 private:
  const TensorView& source(std::size_t index) const;
  std::span<std::byte> bytes(std::size_t index) const;
  /// `changed`: whether the mask takes its values from the temporary file.
  TensorCut cut_of(std::size_t index, std::uint64_t pruned, Mask::Bits bits, bool changed) const;

  Model original_, working_;
  std::vector<std::size_t> parameters_, offsets_;
  std::shared_ptr<base::ScratchFile> scratch_;
};

}  // namespace pare::calibrate
