// Keys and values that a decoder has computed, layer by layer.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "pare/error.h"
#include "pare/run.h"

namespace pare::run {

/// One layer's, of one sequence: tokens x model width each.
struct LayerMemory {
  std::vector<float> keys, values;
  std::shared_ptr<const Matrix> cross_keys, cross_values;  ///< of the encoder's output; never change
};

struct SequenceMemory {
  std::size_t length = 0;
  std::vector<LayerMemory> layers;
};

class Memory : public DecoderState {
 public:
  Memory(std::size_t sequences, std::size_t layers) : sequences_(sequences) {
    for (SequenceMemory& sequence : sequences_) sequence.layers.resize(layers);
  }
  std::size_t length(std::size_t sequence) const override { return sequences_.at(sequence).length; }
  void reorder(std::span<const std::size_t> parents) override {
    std::vector<std::size_t> children(sequences_.size());
    for (const std::size_t parent : parents) ++children.at(parent);
    std::vector<SequenceMemory> next;
    next.reserve(parents.size());
    for (const std::size_t parent : parents) {  // the last child inherits, the others copy
      if (--children[parent] == 0)
        next.push_back(std::move(sequences_[parent]));
      else
        next.push_back(sequences_[parent]);
    }
    sequences_ = std::move(next);
  }
  std::size_t size() const noexcept { return sequences_.size(); }
  SequenceMemory& operator[](std::size_t sequence) { return sequences_[sequence]; }

 private:
  std::vector<SequenceMemory> sequences_;
};

/// The Memory behind a state given from outside; throws Error if it is for another number of sequences.
inline Memory& memory_of(DecoderState& state, const TokenBatch& batch) {
  auto& memory = dynamic_cast<Memory&>(state);
  if (memory.size() != batch.sequences())
    throw Error(ErrorCode::kArgument, "the state is for another number of sequences");
  return memory;
}

}  // namespace pare::run
