// The weights of a Stack.
#include <fmt/format.h>

#include "pare/error.h"
#include "run/stack.h"

namespace pare::run {

Stack::Stack(StackWeights& weights, StackSpec spec) : spec_(std::move(spec)), nan_check_(weights.source()) {
  load_embeddings(weights);
  for (std::size_t i = 0; i < spec_.layers.size(); ++i) layers_.push_back(load_layer(weights, static_cast<int>(i)));
  if (spec_.positions == Positions::kBuckets) load_position_bias(weights);
  const Place final_norm{Slot::kFinalNorm};
  final_norm_ = load_norm(weights, final_norm, spec_.width);
  final_norm_name_ = weights.module(final_norm);
  project_out_ = weights.optional_linear({Slot::kProjectOut}, spec_.width, words_.columns());
}

void Stack::load_embeddings(StackWeights& weights) {
  const Place words{Slot::kWordEmbedding}, projection{Slot::kProjectIn};
  // Where a projection follows, the width of the embeddings is their own.
  const std::vector<std::uint64_t> shape = weights.shape(words);
  const bool projected = weights.has(projection) && shape.size() == 2;
  const std::size_t width = projected ? static_cast<std::size_t>(shape[1]) : spec_.width;
  words_ = weights.table(words, width);
  project_in_ = weights.optional_linear(projection, width, spec_.width);
  longest_ = spec_.longest;
  if (spec_.positions == Positions::kLearned || weights.has({Slot::kPositionEmbedding})) {
    const Place place{Slot::kPositionEmbedding};
    const std::vector<std::uint64_t> rows = weights.shape(place);
    positions_ = weights.table(place, projected && rows.size() == 2 && rows[1] == width ? width : spec_.width);
    if (positions_.rows() <= spec_.position_offset)
      throw Error(ErrorCode::kMismatch, weights.source(), weights.module(place),
                  fmt::format("has {} rows; the first position's is row {}", positions_.rows(), spec_.position_offset));
    longest_ = positions_.rows() - spec_.position_offset;
  }
  if (weights.has({Slot::kTypeEmbedding})) types_ = weights.table({Slot::kTypeEmbedding}, width);
  embedding_norm_ = load_norm(weights, {Slot::kEmbeddingNorm}, width);
}

Norm Stack::load_norm(StackWeights& weights, Place place, std::size_t width) {
  Norm norm = weights.norm(place, width);
  if (!norm) return norm;
  if (spec_.norm == NormKind::kRmsPlusOne) {
    std::vector<float>& made = made_.emplace_back(norm.weight, norm.weight + width);
    for (float& weight : made) weight += 1;
    norm.weight = made.data();
  }
  if (spec_.norm == NormKind::kLayer && norm.bias == nullptr) norm.bias = made_.emplace_back(width, 0.0F).data();
  return norm;
}

Stack::Attention Stack::load_attention(StackWeights& weights, int layer, bool cross) {
  const auto at = [&](Slot slot) { return Place{slot, layer, cross}; };
  const std::size_t queries = spec_.heads * spec_.head_width, keys = spec_.kv_heads * spec_.head_width;
  Attention attention;
  attention.norm = load_norm(weights, at(Slot::kAttentionNorm), spec_.width);
  attention.post_norm = load_norm(weights, at(Slot::kPostAttentionNorm), spec_.width);
  attention.qkv = weights.optional_linear(at(Slot::kQkv), spec_.width, queries + 2 * keys);
  if (!attention.qkv) {
    attention.q = weights.linear(at(Slot::kQ), spec_.width, queries);
    attention.k = weights.linear(at(Slot::kK), spec_.width, keys);
    attention.v = weights.linear(at(Slot::kV), spec_.width, keys);
  }
  attention.o = weights.linear(at(Slot::kO), queries, spec_.width);
  // A norm of each head, or of all of them together.
  const auto head_norm = [&](Slot slot, std::size_t all) {
    const std::vector<std::uint64_t> shape = weights.shape(at(slot));
    return load_norm(weights, at(slot), shape.size() == 1 && shape[0] == all ? all : spec_.head_width);
  };
  attention.q_norm = head_norm(Slot::kQNorm, queries);
  attention.k_norm = head_norm(Slot::kKNorm, keys);
  return attention;
}

Stack::Layer Stack::load_layer(StackWeights& weights, int layer) {
  const auto at = [&](Slot slot) { return Place{slot, layer}; };
  Layer loaded;
  loaded.name = weights.layer_name(static_cast<std::size_t>(layer));
  loaded.self = load_attention(weights, layer, false);
  if (spec_.cross_attention) loaded.cross = load_attention(weights, layer, true);
  loaded.norm = load_norm(weights, at(Slot::kFeedForwardNorm), spec_.width);
  if (spec_.parallel && !loaded.norm) loaded.norm = loaded.self.norm;
  loaded.post_norm = load_norm(weights, at(Slot::kPostFeedForwardNorm), spec_.width);
  if (spec_.experts.count != 0 && weights.has(at(Slot::kRouter)))
    loaded.experts.emplace(weights, layer, spec_);
  else
    loaded.feed_forward.emplace(weights, at(Slot::kNone), spec_.width, spec_.inner, spec_.activation);
  return loaded;
}

void Stack::load_position_bias(StackWeights& weights) {
  Place place{Slot::kPositionBias};  // of the whole stack, or of its first layer
  if (!weights.has(place)) place.layer = 0;
  buckets_ = weights.table(place, spec_.heads).rows();
  bias_table_ = weights.matrix(place, buckets_, spec_.heads);
  if (buckets_ < 4 || spec_.furthest <= buckets_ / (spec_.causal ? 2 : 4))
    throw Error(ErrorCode::kMalformed, weights.source(), weights.module(place),
                fmt::format("has {} buckets, which do not go with a largest distance of {}", buckets_, spec_.furthest));
}

}  // namespace pare::run
