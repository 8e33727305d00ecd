// The layers of a transformer, for every family. What they compute is in a StackSpec; which norms, gates, biases and
// projections they have follows from the slots of the model's parameters.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "run/attention.h"
#include "run/feed_forward.h"
#include "run/kv_cache.h"
#include "run/nan_check.h"
#include "run/rotary.h"
#include "run/spec.h"
#include "run/stack_weights.h"
#include "run/tiles.h"

namespace pare::run {

class Stack {
 public:
  /// Throws Error for weights that are missing or have other shapes than `spec` asks for.
  Stack(StackWeights& weights, StackSpec spec);

  std::size_t layers() const noexcept { return layers_.size(); }
  std::size_t width() const noexcept { return spec_.width; }
  /// Width of the rows that run() returns: that of the embeddings if a projection leads back to it.
  std::size_t out_width() const noexcept { return project_out_ ? project_out_->out : spec_.width; }
  const Table& words() const noexcept { return words_; }
  std::size_t vocabulary() const noexcept { return words_.rows(); }
  /// Most tokens of a sequence; SIZE_MAX if there is no limit.
  std::size_t longest() const noexcept { return longest_; }

  /// Runner::hidden_states(). A decoder with cross-attention needs `cache`, which must hold the encoder's keys and
  /// values.
  Matrix run(const TokenBatch& batch, KvCache* cache, const Context& context) const {
    return run_layers(batch, {}, 0, layers_.size(), cache, context);
  }
  /// Runner::run_layers().
  Matrix run_layers(const TokenBatch& batch, Matrix x, std::size_t begin, std::size_t end, KvCache* cache,
                    const Context& context) const;
  /// Stores the encoder's output as keys and values of the cross-attention of layers [begin, end).
  void remember(KvCache& cache, const TokenBatch& sources, const Matrix& encoded, std::size_t begin, std::size_t end,
                const Context& context) const;

  /// Loads a norm of `weights`, as `spec` has them, of `width` elements.
  Norm load_norm(StackWeights& weights, Place place, std::size_t width);
  /// Replaces the rows of x by their norms.
  void normalize(const Norm& norm, Matrix& x, const Context& context) const;

 private:
  friend class StagedLayer;
  struct Attention {
    Norm norm, post_norm, q_norm, k_norm;
    std::optional<linear::Linear> q, k, v, qkv, o;
  };
  struct Layer {
    std::string name;
    Attention self, cross;
    Norm norm, post_norm;  ///< of the feed-forward part
    std::optional<FeedForward> feed_forward;
    std::optional<ExpertMixture> experts;  ///< instead
  };
  /// What all layers of a pass share.
  struct Pass {
    const TokenBatch& batch;
    KvCache* cache;
    const Context& context;
    ScoreBiases biases = {};
    std::vector<std::vector<RotaryTable>> rotaries = {};  ///< of each RotarySpec, for each sequence
  };

  void load_embeddings(StackWeights& weights);
  Attention load_attention(StackWeights& weights, int layer, bool cross);
  Layer load_layer(StackWeights& weights, int layer);
  void load_position_bias(StackWeights& weights);

  std::size_t seen(const KvCache* cache, std::size_t sequence) const;
  Matrix embed(const TokenBatch& batch, KvCache* cache, const Context& context) const;
  /// The states that layer `layer` reads: x, or the embeddings for the first.
  Matrix before_layer(std::size_t layer, const TokenBatch& batch, Matrix x, KvCache* cache,
                      const Context& context) const;
  /// What follows the last layer.
  Matrix after_layers(Matrix x, const Context& context) const;
  void add_positions(const TokenBatch& batch, std::size_t sequence, std::size_t before, Matrix& x) const;
  Pass prepare(const TokenBatch& batch, KvCache* cache, const Context& context) const;

  /// Calls f(linear) for the linears of a layer; not those of experts.
  void for_linears(const Layer& layer, const std::function<void(const linear::Linear&)>& f) const;
  /// Whether the layers are faster with panels of `tokens` of the pass's tokens each than with rows.
  bool takes_panels(std::size_t pass_tokens, std::size_t tokens) const;
  /// The tokens in parts: one of rows, or panels.
  std::vector<Part> divide(Matrix x, std::size_t begin, std::size_t end, const Pass& pass) const;
  static Matrix collect(std::vector<Part> parts, const TokenBatch& batch);

  /// A layer is begun, up to queries, keys and values; its attention follows, for all parts together; then the rest.
  void begin_layer(std::size_t index, Part& part, const Pass& pass, const Context& context) const;
  /// `x`: what queries, keys and values read.
  void project_part(std::size_t index, const Activations& x, Part& part, const Pass& pass,
                    const Context& context) const;
  void attend(std::size_t index, std::span<Part> parts, const Pass& pass) const;
  void end_layer(std::size_t index, Part& part, const Pass& pass, const Context& context) const;

  Projected project(const Attention& attention, const Activations& x, const Context& context) const;
  void rotate(std::size_t rotary, Part& part, const Pass& pass) const;
  /// What the cross-attention's output projection reads.
  Activations attend_to_encoder(std::size_t index, const Activations& x, const Part& part, const Pass& pass,
                                const Context& context) const;
  /// Normalizes the heads of q or k, or their whole rows.
  void normalize_heads(const Norm& norm, kernels::HeadResult view, std::size_t tokens, std::size_t heads) const;
  void normalize_rows(const Norm& norm, float* rows, std::size_t count) const;
  void normalize_panel(const Norm& norm, float* panel, std::size_t width) const;
  void normalize(const Norm& norm, Activations& x, const Context& context) const;
  /// x as a branch reads it: `own` if a norm precedes the branch, which then holds the result. With
  /// residual_from_norm, x becomes that too.
  const Activations& before(const Norm& norm, Activations& x, Activations& own, const Context& context) const;
  /// x += branch, with the norms that follow.
  void add_branch(Activations& x, linear::Unbiased branch, const Norm& post_norm, const Norm& norm,
                  const Context& context) const;

  StackSpec spec_;
  NanCheck nan_check_;
  Table words_, positions_, types_;
  std::size_t longest_ = kUnlimited;
  Norm embedding_norm_, final_norm_;
  std::string final_norm_name_;
  std::optional<linear::Linear> project_in_, project_out_;
  const float* bias_table_ = nullptr;  ///< [buckets, heads]
  std::size_t buckets_ = 0;
  std::vector<Layer> layers_;
  std::deque<std::vector<float>> made_;  ///< weights of norms that are not stored as they are used
};

}  // namespace pare::run
