// The batches of a task, shared by the ranks of a group.
#pragma once

#include <cstddef>
#include <vector>

#include "pare/context.h"

namespace pare::eval {

/// Collects what is computed of each batch. Ranks take turns, each computes its own batches, and all get the numbers of
/// all: scores that are made of them in the order of the batches are those of one process, bit for bit.
class BatchShare {
 public:
  explicit BatchShare(const Context& context) : context_(context) {}

  /// Whether this rank computes the batch. To be asked about every batch, in order.
  bool takes_next();
  /// The numbers of a batch, after takes_next() has returned true.
  void add(std::vector<double> numbers) { own_.push_back(std::move(numbers)); }
  /// The numbers of all batches, in order; to be called by every rank. Throws Error (kMismatch) if the ranks disagree
  /// on how many batches there are; Interrupted.
  std::vector<std::vector<double>> all();

 private:
  const Context& context_;
  std::size_t batches_ = 0;
  std::vector<std::vector<double>> own_;
};

}  // namespace pare::eval
