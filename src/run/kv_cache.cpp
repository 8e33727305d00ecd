#include "run/kv_cache.h"

#include <utility>

#include "pare/error.h"

namespace pare::run {

KvCache::KvCache(std::size_t sequences, std::size_t layers) : sequences_(sequences) {
  for (SequenceCache& sequence : sequences_) sequence.layers.resize(layers);
}

void KvCache::reorder(std::span<const std::size_t> parents) {
  std::vector<std::size_t> children(sequences_.size());
  for (const std::size_t parent : parents) ++children.at(parent);
  std::vector<SequenceCache> next;
  next.reserve(parents.size());
  for (const std::size_t parent : parents) {  // the last child inherits, the others copy
    if (--children[parent] == 0)
      next.push_back(std::move(sequences_[parent]));
    else
      next.push_back(sequences_[parent]);
  }
  sequences_ = std::move(next);
}

KvCache& cache_of(DecoderState& state, const TokenBatch& batch) {
  auto& cache = dynamic_cast<KvCache&>(state);
  if (cache.size() != batch.sequences())
    throw Error(ErrorCode::kArgument, "the state is for another number of sequences");
  return cache;
}

}  // namespace pare::run
