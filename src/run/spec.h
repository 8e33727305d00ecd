// What the layers of a transformer compute, as data. A family's source turns config.json into these values; Stack runs
// them. Whatever has a parameter of its own (norms, gates, biases, projections) is not repeated here: Stack applies it
// if the model has a parameter in that slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "kernels/elementwise.h"
#include "pare/run.h"

namespace pare::run {

inline constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

enum class NormKind : std::uint8_t {
  kLayer,       ///< Ba et al. 2016
  kRms,         ///< Zhang and Sennrich 2019
  kRmsPlusOne,  ///< the same with weights of 1 + w, as Gemma's
};

/// Order of the rows of a fused projection.
enum class QkvOrder : std::uint8_t {
  kMatrices,  ///< all queries, then all keys, then all values
  kHeads,     ///< queries, key and value of the first head of keys, then those of the second, ...
};

enum class Positions : std::uint8_t {
  kNone,     ///< or rotary, which LayerSpec tells
  kLearned,  ///< a table, added to the embeddings
  kBuckets,  ///< a bias on the scores by distance, in buckets (T5: Raffel et al. 2020)
  kAlibi,    ///< a bias on the scores that grows with distance (Press et al. 2022)
};

/// Rotary positions (Su et al. 2021): element i of the first half of a head's first `2 * frequencies.size()` elements
/// is rotated with element i of their second half by the angle position * frequencies[i].
struct RotarySpec {
  std::vector<float> frequencies;
  float factor = 1;  ///< on cosines and sines
  /// Frequencies for a sequence of so many tokens, where these depend on it (dynamic, longrope); empty otherwise.
  std::function<std::vector<float>(std::size_t length)> by_length = {};
};

/// What differs between the layers of a stack.
struct LayerSpec {
  float attention_scale = 1;        ///< factor on the products of queries and keys
  std::size_t window = kUnlimited;  ///< a token sees the keys at less than this distance
  int rotary = -1;                  ///< index into StackSpec::rotaries; -1: none
};

/// A mixture of experts, in the layers that have a router.
struct ExpertSpec {
  std::size_t count = 0;    ///< experts of a layer
  std::size_t chosen = 0;   ///< for each token; at most count
  std::size_t inner = 0;    ///< StackSpec::inner of each
  bool normalized = false;  ///< whether the weights of the chosen experts are divided by their sum
};

struct StackSpec {
  std::string stack = {};  ///< Parameter::stack of its weights
  bool causal = false;
  bool cross_attention = false;
  std::size_t width = 0;  ///< of the hidden states
  std::size_t heads = 0;
  std::size_t kv_heads = 0;  ///< heads of keys and values: a divisor of `heads`
  std::size_t head_width = 0;
  std::size_t inner = 0;  ///< width of the feed-forward layers
  std::vector<LayerSpec> layers;

  NormKind norm = NormKind::kLayer;
  float epsilon = 1e-5F;
  bool norm_after_sum = false;  ///< norms follow the residual sums (post-norm) instead of preceding the branches
  /// Attention and feed-forward read the same hidden states, and both are added. They share a norm if there is only
  /// one.
  bool parallel = false;
  bool residual_from_norm = false;  ///< branches are added to what they read, not to what the norm before them read
  QkvOrder qkv_order = QkvOrder::kMatrices;
  kernels::Activation activation = kernels::Activation::kGelu;
  ExpertSpec experts = {};
  float attention_cap = 0;  ///< scores become cap * tanh(score / cap); 0: they do not
  float embedding_scale = 1;
  float residual_scale = 1;  ///< factor on what a branch adds

  Positions positions = Positions::kNone;
  std::size_t position_offset = 0;   ///< row of the table for position 0
  TokenId padding = -1;              ///< if not negative: such tokens have row offset - 1, and are not counted
  std::size_t furthest = 0;          ///< distance from which on all share a bucket
  std::size_t longest = kUnlimited;  ///< most tokens of a sequence, where no table of positions tells
  std::vector<RotarySpec> rotaries = {};
};

/// The projection to the vocabulary.
struct HeadSpec {
  std::string stack = {};  ///< Parameter::stack of its weights
  bool tied = true;        ///< without weights of its own, it uses the word embeddings
  float scale = 1;         ///< factor on the hidden states
  float divisor = 1;       ///< of the logits
  float cap = 0;           ///< logits become cap * tanh(logit / cap); 0: they do not
  kernels::Activation activation = kernels::Activation::kGelu;  ///< of a masked-LM head's transform
  kernels::Activation pooler = kernels::Activation::kTanh;      ///< of what precedes a classifier
  bool pools_mean = false;  ///< a classifier reads the mean of a sequence's states, not the first
};

/// A model that can be run: one stack, or an encoder and a decoder.
struct ModelSpec {
  ModelKind kind = ModelKind::kCausal;
  StackSpec stack;    ///< the only one, or the encoder
  StackSpec decoder;  ///< of an encoder-decoder
  HeadSpec head;
  TokenId decoder_start = 0;
};

}  // namespace pare::run
