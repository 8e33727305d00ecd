// BERT's embeddings, blocks and heads (Devlin et al. 2019): post-norm; as encoder, and as decoder of
// a composed model (Rothe et al. 2020) with causal self-attention and cross-attention.
#pragma once

#include <string>
#include <vector>

#include "kernels/elementwise.h"
#include "model/config.h"
#include "run/attention.h"
#include "run/nan_check.h"
#include "run/weights.h"

namespace pare::run {

struct BertNorm {
  const float *weight = nullptr, *bias = nullptr;
};

struct BertAttention {
  linear::Linear query, key, value, output;
  BertNorm norm;
};

struct BertBlock {
  BertAttention self, cross;
  linear::Linear intermediate, output;
  BertNorm norm;
};

class BertStack {
 public:
  /// `prefix` stands before "embeddings." and "encoder.". A decoder has cross-attention.
  BertStack(Weights& weights, const model::Config& config, const std::string& prefix, bool decoder);

  std::size_t width() const noexcept { return width_; }
  std::size_t vocabulary() const noexcept { return vocabulary_; }
  std::size_t positions() const noexcept { return positions_; }
  std::size_t layers() const noexcept { return blocks_.size(); }
  const float* word_embeddings() const noexcept { return words_; }

  /// Last hidden states. A decoder needs `cache`, which must hold the encoder's keys and values.
  Matrix run(const TokenBatch& batch, KvCache* cache, const Context& context) const {
    return run_layers(batch, {}, 0, blocks_.size(), cache, context);
  }
  /// Runner::run_layers(), likewise.
  Matrix run_layers(const TokenBatch& batch, Matrix x, std::size_t begin, std::size_t end, KvCache* cache,
                    const Context& context) const;
  /// The encoder's output as keys and values of every layer's cross-attention.
  void remember(KvCache& cache, const TokenBatch& sources, const Matrix& encoded, const Context& context) const;

  Matrix normalized(Matrix x, const BertNorm& norm) const;

 private:
  BertNorm norm(Weights& weights, const std::string& name) const;
  BertAttention attention(Weights& weights, const std::string& name, std::size_t source_width) const;
  Matrix embed(const TokenBatch& batch, KvCache* cache) const;
  /// norm(x + output(mixed)).
  Matrix close(const Matrix& x, const linear::Linear& output, const Matrix& mixed, const BertNorm& norm,
               const Context& context) const;

  NanCheck nan_check_;
  bool decoder_;
  std::size_t width_, heads_, vocabulary_, positions_, types_;
  float epsilon_;
  kernels::Activation activation_;
  const float *words_, *position_embeddings_, *type_embeddings_;
  BertNorm embedding_norm_;
  std::vector<BertBlock> blocks_;
};

/// The masked-LM head: dense, activation, norm, and a projection tied to the word embeddings.
class BertPredictions {
 public:
  BertPredictions(Weights& weights, const model::Config& config, const std::string& prefix, const BertStack& body);
  Matrix logits(const Matrix& hidden, const Context& context) const;

 private:
  NanCheck nan_check_;
  const BertStack& body_;
  linear::Linear transform_, decoder_;
  BertNorm norm_;
  kernels::Activation activation_;
};

}  // namespace pare::run
