// GPT-2 (Radford et al. 2019): pre-norm blocks, learned positions, a head tied to the embedding or its own.
#include <cmath>

#include "kernels/elementwise.h"
#include "run/attention.h"
#include "run/embedding.h"
#include "run/nan_check.h"
#include "run/runners.h"
#include "run/settings.h"
#include "run/weights.h"

namespace pare::run {
namespace {

struct Norm {
  const float *weight, *bias;
};

struct Block {
  Norm before_attention, before_feed_forward;
  linear::Linear qkv, projection, expand, contract;
  float scale;
};

class Gpt2 : public CausalRunner {
 public:
  Gpt2(const Model& model, const InferOptions& options, const Context& context)
      : weights_(model, options, context),
        prefix_(weights_.has("transformer.wte.weight") ? "transformer." : ""),
        nan_check_(model.source, prefix_ + "h.") {
    const model::Config config(model.config, model.source + "/config.json");
    width_ = size_setting(config, {"n_embd", "hidden_size"}, 768);
    heads_ = size_setting(config, {"n_head", "num_attention_heads"}, 12);
    epsilon_ = epsilon_setting(config, "layer_norm_epsilon", 1e-5);
    activation_ = activation_setting(config, "activation_function", "gelu_new");
    if (width_ % heads_ != 0)
      throw Error(ErrorCode::kMalformed, config.path(), "'n_embd' is not a multiple of 'n_head'");
    vocabulary_ = weights_.rows_of(prefix_ + "wte.weight", width_);
    positions_ = weights_.rows_of(prefix_ + "wpe.weight", width_);
    embedding_ = weights_.matrix(prefix_ + "wte.weight", vocabulary_, width_);
    position_embedding_ = weights_.matrix(prefix_ + "wpe.weight", positions_, width_);
    const std::size_t inner = size_setting(config, {"n_inner"}, 4 * width_);
    const std::size_t layers = size_setting(config, {"n_layer", "num_hidden_layers"}, 12);
    for (std::size_t i = 0; i < layers; ++i)
      blocks_.push_back(block(config, prefix_ + "h." + std::to_string(i) + ".", i, inner));
    last_norm_ = norm(prefix_ + "ln_f");
    head_ = weights_.has("lm_head.weight") ? weights_.linear("lm_head", width_, vocabulary_, Orientation::kOutIn)
                                           : weights_.tied_head(prefix_ + "wte", embedding_, width_, vocabulary_);
  }

  std::size_t vocabulary() const noexcept override { return vocabulary_; }
  std::size_t positions() const noexcept override { return positions_; }
  std::vector<LayerUse> layers(std::size_t tokens) const override { return weights_.layers(tokens); }

  Matrix hidden_states(const TokenBatch& batch, const Context& context) const override {
    return run(batch, {}, 0, layer_count(), nullptr, context);
  }
  std::size_t layer_count() const noexcept override { return blocks_.size(); }
  Matrix run_layers(const TokenBatch& batch, Matrix states, std::size_t begin, std::size_t end,
                    const Context& context) const override {
    return run(batch, std::move(states), begin, end, nullptr, context);
  }
  Matrix hidden_states(const TokenBatch& next, DecoderState& state, const Context& context) const override {
    return run(next, {}, 0, layer_count(), &cache_of(state, next), context);
  }
  Matrix logits(const Matrix& hidden, const Context& context) const override {
    Matrix logits = apply(head_, hidden, context);
    nan_check_.part(logits, "the head");
    return logits;
  }
  std::unique_ptr<DecoderState> start(std::size_t sequences) const override {
    return std::make_unique<KvCache>(sequences, blocks_.size());
  }

 private:
  Norm norm(const std::string& name) {
    return {weights_.vector(name + ".weight", width_), weights_.vector(name + ".bias", width_)};
  }

  Block block(const model::Config& config, const std::string& name, std::size_t index, std::size_t inner) {
    const auto conv1d = [&](const char* layer, std::size_t in, std::size_t out) {
      return weights_.linear(name + layer, in, out, Orientation::kInOut);
    };
    Block block{};
    block.before_attention = norm(name + "ln_1");
    block.before_feed_forward = norm(name + "ln_2");
    block.qkv = conv1d("attn.c_attn", width_, 3 * width_);
    block.projection = conv1d("attn.c_proj", width_, width_);
    block.expand = conv1d("mlp.c_fc", width_, inner);
    block.contract = conv1d("mlp.c_proj", inner, width_);
    block.scale = 1;
    const std::size_t head_width = width_ / heads_;
    if (config.flag("scale_attn_weights").value_or(true))
      block.scale = 1.0F / std::sqrt(static_cast<float>(head_width));
    if (config.flag("scale_attn_by_inverse_layer_idx").value_or(false)) block.scale /= static_cast<float>(index + 1);
    return block;
  }

  Matrix normalized(const Matrix& x, const Norm& norm) const {
    Matrix result(x.rows, x.columns);
    kernels::layer_norm(x.values.data(), x.rows, x.columns, norm.weight, norm.bias, epsilon_, result.values.data());
    return result;
  }

  Matrix embed(const TokenBatch& batch, KvCache* cache) const {
    Matrix x = look_up(embedding_, vocabulary_, width_, batch.ids());
    for (std::size_t s = 0; s < batch.sequences(); ++s) {
      const std::size_t before = cache == nullptr ? 0 : (*cache)[s].length, length = batch.length(s);
      check_length(before, length, positions_);
      kernels::add(x.row(batch.begin(s)), position_embedding_ + before * width_, length * width_);
    }
    return x;
  }

  /// What run_layers() says, with the keys and values of a decoder's earlier tokens if there is a cache.
  Matrix run(const TokenBatch& batch, Matrix x, std::size_t begin, std::size_t end, KvCache* cache,
             const Context& context) const {
    if (begin == 0) {
      x = embed(batch, cache);
      nan_check_.embeddings(x);
    }
    for (std::size_t i = begin; i < end; ++i) {
      const Block& block = blocks_[i];
      const Matrix qkv = apply(block.qkv, normalized(x, block.before_attention), context);
      const Heads heads{heads_, width_ / heads_, block.scale, true};
      const Matrix mixed = attend_self(heads, batch, qkv, qkv, qkv, 0, width_, 2 * width_, cache, i, context);
      kernels::add(x.values.data(), apply(block.projection, mixed, context).values.data(), x.values.size());
      Matrix inner = apply(block.expand, normalized(x, block.before_feed_forward), context);
      kernels::activate(activation_, inner.values.data(), inner.values.size());
      kernels::add(x.values.data(), apply(block.contract, inner, context).values.data(), x.values.size());
      nan_check_.layer(x, i);
    }
    if (end < blocks_.size()) return x;
    if (cache != nullptr)
      for (std::size_t s = 0; s < batch.sequences(); ++s) (*cache)[s].length += batch.length(s);
    x = normalized(x, last_norm_);
    nan_check_.part(x, "ln_f");
    return x;
  }

  Weights weights_;
  std::string prefix_;
  NanCheck nan_check_;
  std::size_t width_ = 0, heads_ = 0, vocabulary_ = 0, positions_ = 0;
  float epsilon_ = 0;
  kernels::Activation activation_{};
  const float *embedding_ = nullptr, *position_embedding_ = nullptr;
  std::vector<Block> blocks_;
  Norm last_norm_{};
  linear::Linear head_;
};

}  // namespace

std::unique_ptr<Runner> open_gpt2(const Model& model, const InferOptions& options, const Context& context) {
  return std::make_unique<Gpt2>(model, options, context);
}

}  // namespace pare::run
