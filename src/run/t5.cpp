// T5 (Raffel et al. 2020), v1.0 and v1.1: pre-norm without means, relative positions instead of
// embedded ones, unscaled attention, no biases; feed-forward plain or gated.
#include <algorithm>
#include <cmath>
#include <optional>

#include "kernels/elementwise.h"
#include "run/attention.h"
#include "run/embedding.h"
#include "run/nan_check.h"
#include "run/runners.h"
#include "run/settings.h"
#include "run/weights.h"

namespace pare::run {
namespace {

struct Attention {
  const float* norm = nullptr;
  linear::Linear q, k, v, o;
};

struct Block {
  Attention self, cross;
  const float* norm = nullptr;
  linear::Linear in, gate, out;  ///< gate only in v1.1
};

/// Which bucket of the relative bias a key at distance `offset` = key - query falls into, as
/// T5Attention._relative_position_bucket: half of the buckets one by one, the rest ever wider.
std::size_t bucket_of(long offset, bool bidirectional, std::size_t buckets, std::size_t furthest) {
  std::size_t first = 0;
  if (bidirectional) {
    buckets /= 2;
    if (offset > 0) first = buckets;
    offset = std::abs(offset);
  } else {
    offset = std::max(0L, -offset);
  }
  const std::size_t exact = buckets / 2, distance = static_cast<std::size_t>(offset);
  if (distance < exact) return first + distance;
  // In F32 and in this order, as PyTorch computes it.
  const float ratio = std::log(static_cast<float>(distance) / static_cast<float>(exact)) /
                      static_cast<float>(std::log(static_cast<double>(furthest) / static_cast<double>(exact)));
  const auto wide = exact + static_cast<std::size_t>(ratio * static_cast<float>(buckets - exact));
  return first + std::min(wide, buckets - 1);
}

class Stack {
 public:
  Stack(Weights& weights, const model::Config& config, const std::string& name, bool decoder)
      : nan_check_(weights.source(), name + ".block."), decoder_(decoder) {
    width_ = size_setting(config, {"d_model"}, 512);
    heads_ = size_setting(config, {"num_heads"}, 8);
    head_width_ = size_setting(config, {"d_kv"}, 64);
    epsilon_ = epsilon_setting(config, "layer_norm_epsilon", 1e-6);
    furthest_ = size_setting(config, {"relative_attention_max_distance"}, 128);
    std::string kind = config.text("feed_forward_proj").value_or("relu");
    gated_ = kind.starts_with("gated-");
    if (gated_) kind.erase(0, 6);
    activation_ = activation_named(config, gated_ && kind == "gelu" ? "gelu_new" : kind);
    const std::size_t layers = decoder ? size_setting(config, {"num_decoder_layers", "num_layers"}, 6)
                                       : size_setting(config, {"num_layers"}, 6);
    const std::size_t inner = size_setting(config, {"d_ff"}, 2048);
    for (std::size_t i = 0; i < layers; ++i)
      blocks_.push_back(block(weights, name + ".block." + std::to_string(i) + ".layer.", inner));
    norm_ = weights.vector(name + ".final_layer_norm.weight", width_);
    const std::string bias = name + ".block.0.layer.0.SelfAttention.relative_attention_bias.weight";
    buckets_ = weights.rows_of(bias, heads_);
    bias_ = weights.matrix(bias, buckets_, heads_);
    if (buckets_ < 4 || furthest_ <= buckets_ / (decoder ? 2 : 4))
      throw Error(ErrorCode::kMalformed, config.path(),
                  "'relative_attention_num_buckets' and '..._max_distance' do not go together");
  }

  std::size_t layers() const noexcept { return blocks_.size(); }

  Matrix run(const TokenBatch& batch, Matrix x, KvCache* cache, const Context& context) const {
    Heads self{heads_, head_width_, 1, decoder_};
    set_biases(self, batch, cache);
    nan_check_.embeddings(x);
    const Heads cross{heads_, head_width_, 1, false};
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      const Block& block = blocks_[i];
      const Matrix normal = normalized(x, block.self.norm);
      const Matrix q = apply(block.self.q, normal, context), k = apply(block.self.k, normal, context),
                   v = apply(block.self.v, normal, context);
      add_to(x, apply(block.self.o, attend_self(self, batch, q, k, v, 0, 0, 0, cache, i, context), context));
      if (decoder_) {
        const Matrix query = apply(block.cross.q, normalized(x, block.cross.norm), context);
        add_to(x, apply(block.cross.o, attend_cross(cross, batch, query, *cache, i, context), context));
      }
      add_to(x, feed_forward(block, normalized(x, block.norm), context));
      nan_check_.layer(x, i);
    }
    if (cache != nullptr)
      for (std::size_t s = 0; s < batch.sequences(); ++s) (*cache)[s].length += batch.length(s);
    x = normalized(x, norm_);
    nan_check_.part(x, "final_layer_norm");
    return x;
  }

  void remember(KvCache& cache, const TokenBatch& sources, const Matrix& encoded, const Context& context) const {
    for (std::size_t i = 0; i < blocks_.size(); ++i)
      remember_cross(cache, i, sources, apply(blocks_[i].cross.k, encoded, context),
                     apply(blocks_[i].cross.v, encoded, context));
  }

 private:
  Attention attention(Weights& weights, const std::string& layer, const char* kind) const {
    const std::size_t all = heads_ * head_width_;
    const auto linear = [&](const char* name, std::size_t in, std::size_t out) {
      return weights.linear(layer + "." + kind + "." + name, in, out, Orientation::kOutIn);
    };
    return {weights.vector(layer + ".layer_norm.weight", width_), linear("q", width_, all), linear("k", width_, all),
            linear("v", width_, all), linear("o", all, width_)};
  }

  Block block(Weights& weights, const std::string& name, std::size_t inner) const {
    Block block;
    block.self = attention(weights, name + "0", "SelfAttention");
    if (decoder_) block.cross = attention(weights, name + "1", "EncDecAttention");
    const std::string last = name + (decoder_ ? "2" : "1"), dense = last + ".DenseReluDense.";
    block.norm = weights.vector(last + ".layer_norm.weight", width_);
    block.in = weights.linear(dense + (gated_ ? "wi_0" : "wi"), width_, inner, Orientation::kOutIn);
    if (gated_) block.gate = weights.linear(dense + "wi_1", width_, inner, Orientation::kOutIn);
    block.out = weights.linear(dense + "wo", inner, width_, Orientation::kOutIn);
    return block;
  }

  Matrix normalized(const Matrix& x, const float* weight) const {
    Matrix result(x.rows, x.columns);
    kernels::rms_norm(x.values.data(), x.rows, x.columns, weight, epsilon_, result.values.data());
    return result;
  }

  static void add_to(Matrix& x, const Matrix& y) { kernels::add(x.values.data(), y.values.data(), x.values.size()); }

  Matrix feed_forward(const Block& block, const Matrix& x, const Context& context) const {
    Matrix inner = apply(block.in, x, context);
    if (gated_) {
      const Matrix gate = apply(block.gate, x, context);
      kernels::activate_gated(activation_, inner.values.data(), gate.values.data(), inner.values.size());
    } else {
      kernels::activate(activation_, inner.values.data(), inner.values.size());
    }
    return apply(block.out, inner, context);
  }

  /// One vector of biases for each head, over all distances that occur.
  void set_biases(Heads& heads, const TokenBatch& batch, KvCache* cache) const {
    std::size_t longest = 1;
    for (std::size_t s = 0; s < batch.sequences(); ++s)
      longest = std::max(longest, batch.length(s) + (cache == nullptr ? 0 : (*cache)[s].length));
    heads.center = longest - 1;
    heads.biases.assign(heads_, std::vector<float>(2 * longest - 1));
    for (std::size_t at = 0; at < 2 * longest - 1; ++at) {
      const std::size_t bucket =
          bucket_of(static_cast<long>(at) - static_cast<long>(heads.center), !decoder_, buckets_, furthest_);
      for (std::size_t head = 0; head < heads_; ++head) heads.biases[head][at] = bias_[bucket * heads_ + head];
    }
  }

  NanCheck nan_check_;
  bool decoder_, gated_ = false;
  std::size_t width_ = 0, heads_ = 0, head_width_ = 0, furthest_ = 0, buckets_ = 0;
  float epsilon_ = 0;
  kernels::Activation activation_{};
  std::vector<Block> blocks_;
  const float *norm_ = nullptr, *bias_ = nullptr;
};

class T5 : public EncoderDecoderRunner {
 public:
  T5(const Model& model, const InferOptions& options, const Context& context)
      : weights_(model, options, context),
        config_(model.config, model.source + "/config.json"),
        decoder_start_(config_.token_id("decoder_start_token_id").value_or(0)),
        width_(size_setting(config_, {"d_model"}, 512)),
        vocabulary_(weights_.rows_of("shared.weight", width_)),
        embedding_(weights_.matrix("shared.weight", vocabulary_, width_)),
        encoder_(weights_, config_, "encoder", false),
        decoder_(weights_, config_, "decoder", true) {
    head_ = weights_.has("lm_head.weight") ? weights_.linear("lm_head", width_, vocabulary_, Orientation::kOutIn)
                                           : weights_.tied_head("shared", embedding_, width_, vocabulary_);
    const bool tied = config_.flag("tie_word_embeddings").value_or(true);
    if (config_.flag("scale_decoder_outputs").value_or(tied)) scale_ = 1.0F / std::sqrt(static_cast<float>(width_));
  }

  std::size_t vocabulary() const noexcept override { return vocabulary_; }
  std::size_t positions() const noexcept override { return SIZE_MAX; }
  std::vector<LayerUse> layers(std::size_t tokens) const override { return weights_.layers(tokens); }
  TokenId decoder_start() const noexcept override { return decoder_start_; }

  Matrix hidden_states(const TokenBatch& batch, const Context& context) const override {
    return encoder_.run(batch, embed(batch), nullptr, context);
  }

  Matrix logits(const Matrix& hidden, const Context& context) const override {
    Matrix scaled = hidden;
    for (float& value : scaled.values) value *= scale_;
    Matrix logits = apply(head_, scaled, context);
    NanCheck(weights_.source(), "").part(logits, "the head");
    return logits;
  }

  std::unique_ptr<DecoderState> start(const TokenBatch& sources, const Context& context) const override {
    auto cache = std::make_unique<KvCache>(sources.sequences(), decoder_.layers());
    decoder_.remember(*cache, sources, hidden_states(sources, context), context);
    return cache;
  }
  Matrix decode(const TokenBatch& next, DecoderState& state, const Context& context) const override {
    return decoder_.run(next, embed(next), &cache_of(state, next), context);
  }

 private:
  Matrix embed(const TokenBatch& batch) const { return look_up(embedding_, vocabulary_, width_, batch.ids()); }

  Weights weights_;
  model::Config config_;
  TokenId decoder_start_;
  std::size_t width_, vocabulary_;
  const float* embedding_;
  Stack encoder_, decoder_;
  linear::Linear head_;
  float scale_ = 1;
};

}  // namespace

std::unique_ptr<Runner> open_t5(const Model& model, const InferOptions& options, const Context& context) {
  return std::make_unique<T5>(model, options, context);
}

}  // namespace pare::run
