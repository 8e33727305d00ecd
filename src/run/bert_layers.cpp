#include "run/bert_layers.h"

#include <cmath>

#include "run/embedding.h"
#include "run/settings.h"

namespace pare::run {

BertStack::BertStack(Weights& weights, const model::Config& config, const std::string& prefix, bool decoder)
    : nan_check_(weights.source(), prefix + "encoder.layer."), decoder_(decoder) {
  width_ = size_setting(config, {"hidden_size"}, 768);
  heads_ = size_setting(config, {"num_attention_heads"}, 12);
  epsilon_ = epsilon_setting(config, "layer_norm_eps", 1e-12);
  activation_ = activation_setting(config, "hidden_act", "gelu");
  if (width_ % heads_ != 0)
    throw Error(ErrorCode::kMalformed, config.path(), "'hidden_size' is not a multiple of 'num_attention_heads'");
  const auto table = [&](const char* name, std::size_t& rows) {
    const std::string full = prefix + "embeddings." + name + "_embeddings.weight";
    rows = weights.rows_of(full, width_);
    return weights.matrix(full, rows, width_);
  };
  words_ = table("word", vocabulary_);
  position_embeddings_ = table("position", positions_);
  type_embeddings_ = table("token_type", types_);
  embedding_norm_ = norm(weights, prefix + "embeddings.LayerNorm");
  const std::size_t inner = size_setting(config, {"intermediate_size"}, 4 * width_);
  const std::size_t layers = size_setting(config, {"num_hidden_layers"}, 12);
  for (std::size_t i = 0; i < layers; ++i) {
    const std::string name = prefix + "encoder.layer." + std::to_string(i) + ".";
    BertBlock block;
    block.self = attention(weights, name + "attention", width_);
    if (decoder) block.cross = attention(weights, name + "crossattention", width_);
    block.intermediate = weights.linear(name + "intermediate.dense", width_, inner, Orientation::kOutIn);
    block.output = weights.linear(name + "output.dense", inner, width_, Orientation::kOutIn);
    block.norm = norm(weights, name + "output.LayerNorm");
    blocks_.push_back(block);
  }
}

BertNorm BertStack::norm(Weights& weights, const std::string& name) const {
  return {weights.vector(name + ".weight", width_), weights.vector(name + ".bias", width_)};
}

BertAttention BertStack::attention(Weights& weights, const std::string& name, std::size_t source_width) const {
  const auto linear = [&](const char* layer, std::size_t in) {
    return weights.linear(name + layer, in, width_, Orientation::kOutIn);
  };
  return {linear(".self.query", width_), linear(".self.key", source_width), linear(".self.value", source_width),
          linear(".output.dense", width_), norm(weights, name + ".output.LayerNorm")};
}

Matrix BertStack::normalized(Matrix x, const BertNorm& norm) const {
  kernels::layer_norm(x.values.data(), x.rows, x.columns, norm.weight, norm.bias, epsilon_, x.values.data());
  return x;
}

Matrix BertStack::embed(const TokenBatch& batch, KvCache* cache) const {
  Matrix x = look_up(words_, vocabulary_, width_, batch.ids());
  const Matrix types = look_up(type_embeddings_, types_, width_, batch.types());
  kernels::add(x.values.data(), types.values.data(), x.values.size());
  for (std::size_t s = 0; s < batch.sequences(); ++s) {
    const std::size_t before = cache == nullptr ? 0 : (*cache)[s].length, length = batch.length(s);
    check_length(before, length, positions_);
    kernels::add(x.row(batch.begin(s)), position_embeddings_ + before * width_, length * width_);
  }
  return normalized(std::move(x), embedding_norm_);
}

Matrix BertStack::close(const Matrix& x, const linear::Linear& output, const Matrix& mixed, const BertNorm& norm,
                        const Context& context) const {
  Matrix sum = apply(output, mixed, context);
  kernels::add(sum.values.data(), x.values.data(), sum.values.size());
  return normalized(std::move(sum), norm);
}

Matrix BertStack::run_layers(const TokenBatch& batch, Matrix x, std::size_t begin, std::size_t end, KvCache* cache,
                             const Context& context) const {
  const std::size_t head_width = width_ / heads_;
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_width));
  const Heads self{heads_, head_width, scale, decoder_}, cross{heads_, head_width, scale, false};
  if (begin == 0) {
    x = embed(batch, cache);
    nan_check_.embeddings(x);
  }
  for (std::size_t i = begin; i < end; ++i) {
    const BertBlock& block = blocks_[i];
    const Matrix q = apply(block.self.query, x, context), k = apply(block.self.key, x, context),
                 v = apply(block.self.value, x, context);
    x = close(x, block.self.output, attend_self(self, batch, q, k, v, 0, 0, 0, cache, i, context), block.self.norm,
              context);
    if (decoder_) {
      const Matrix query = apply(block.cross.query, x, context);
      x = close(x, block.cross.output, attend_cross(cross, batch, query, *cache, i, context), block.cross.norm,
                context);
    }
    Matrix inner = apply(block.intermediate, x, context);
    kernels::activate(activation_, inner.values.data(), inner.values.size());
    x = close(x, block.output, inner, block.norm, context);
    nan_check_.layer(x, i);
  }
  if (cache != nullptr && end == blocks_.size())
    for (std::size_t s = 0; s < batch.sequences(); ++s) (*cache)[s].length += batch.length(s);
  return x;
}

void BertStack::remember(KvCache& cache, const TokenBatch& sources, const Matrix& encoded,
                         const Context& context) const {
  for (std::size_t i = 0; i < blocks_.size(); ++i)
    remember_cross(cache, i, sources, apply(blocks_[i].cross.key, encoded, context),
                   apply(blocks_[i].cross.value, encoded, context));
}

BertPredictions::BertPredictions(Weights& weights, const model::Config& config, const std::string& prefix,
                                 const BertStack& body)
    : nan_check_(weights.source(), ""), body_(body), activation_(activation_setting(config, "hidden_act", "gelu")) {
  const std::string name = prefix + "cls.predictions.";
  const std::size_t width = body.width();
  transform_ = weights.linear(name + "transform.dense", width, width, Orientation::kOutIn);
  norm_ = {weights.vector(name + "transform.LayerNorm.weight", width),
           weights.vector(name + "transform.LayerNorm.bias", width)};
  decoder_ = weights.has(name + "decoder.weight")
                 ? weights.linear(name + "decoder", width, body.vocabulary(), Orientation::kOutIn)
                 : weights.tied_head("word_embeddings", body.word_embeddings(), width, body.vocabulary());
  if (weights.has(name + "bias")) decoder_.bias = weights.vector(name + "bias", body.vocabulary());
}

Matrix BertPredictions::logits(const Matrix& hidden, const Context& context) const {
  Matrix x = apply(transform_, hidden, context);
  kernels::activate(activation_, x.values.data(), x.values.size());
  Matrix logits = apply(decoder_, body_.normalized(std::move(x), norm_), context);
  nan_check_.part(logits, "the masked-LM head");
  return logits;
}

}  // namespace pare::run
