// Keys and values that a decoder has computed, layer by layer.
#pragma once

#include <memory>
#include <vector>

#include "pare/run.h"

namespace pare::run {

/// One layer's, of one sequence: tokens x model width each.
struct LayerCache {
  std::vector<float> keys, values;
  std::shared_ptr<const Matrix> cross_keys, cross_values;  ///< of the encoder's output; never change
};

/// All layers', of one sequence.
struct SequenceCache {
  std::size_t length = 0;  ///< tokens
  std::vector<LayerCache> layers;
};

/// Those of a batch of sequences.
class KvCache : public DecoderState {
 public:
  KvCache(std::size_t sequences, std::size_t layers);
  std::size_t length(std::size_t sequence) const override { return sequences_.at(sequence).length; }
  void reorder(std::span<const std::size_t> parents) override;
  std::size_t size() const noexcept { return sequences_.size(); }
  SequenceCache& operator[](std::size_t sequence) { return sequences_[sequence]; }

 private:
  std::vector<SequenceCache> sequences_;
};

/// The KvCache behind a state given from outside; throws Error (kArgument) if it is for another number of
/// sequences.
KvCache& cache_of(DecoderState& state, const TokenBatch& batch);

}  // namespace pare::run
