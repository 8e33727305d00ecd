// One layer of a Stack, stage by stage: the linears of a stage may change between two calls.
#pragma once

#include <memory>
#include <vector>

#include "run/stack.h"

namespace pare::run {

/// What a decoder's cross-attention reads.
struct Encoded {
  const TokenBatch& sources;
  const Matrix& states;
};

class StagedLayer final : public LayerStages {
 public:
  /// Layer `index` of `stack` on the states `x` before it (ignored for layer 0). All references must outlive this. A
  /// stack with cross-attention needs `encoded`.
  StagedLayer(const Stack& stack, std::size_t index, const TokenBatch& batch, Matrix x,
              const std::optional<Encoded>& encoded, const Context& context);

  std::size_t count() const noexcept override { return stages_.size(); }
  void show(std::size_t stage, const LinearObserver& observer, const Context& context) override;
  Matrix finish(const Context& context) override;
  std::size_t kept_bytes() const noexcept override;
  void forget() noexcept override;

 private:
  enum class Stage : std::uint8_t { kProjections, kOutput, kCrossQuery, kCrossOutput, kRouter, kInner, kDown };

  const Stack::Layer& layer() const { return stack_.layers_[index_]; }
  /// Ends the stages before `stage`.
  void end_before(std::size_t stage, const Context& context);
  void end(Stage stage, const Context& context);
  void add_feed_forward(linear::Unbiased product, const Context& context);
  /// What a branch of the layer reads, behind its norm.
  const Activations& read(const Norm& norm, Activations& own, const Context& context);
  const Activations& mixed(const Context& context);
  const Activations& cross_mixed(const Context& context);
  const Activations& inner(const Context& context);
  const std::vector<Activations>& expert_inner(const Context& context);
  void show_projections(const LinearObserver& observer, const Context& context);
  void show_feed_forward(Stage stage, const LinearObserver& observer, const Context& context);
  std::unique_ptr<KvCache> empty_cache() const;

  const Stack& stack_;
  std::size_t index_;
  const TokenBatch& batch_;
  std::optional<Encoded> encoded_;
  std::vector<Stage> stages_;
  std::size_t next_ = 0;        ///< the first stage that has not ended
  Activations x_;               ///< hidden states, with the branches that have ended
  bool normalized_ = false;     ///< whether x_ has become its norm, with residual_from_norm
  linear::Unbiased attention_;  ///< of parallel branches, the first
  // What the linears of the second stage of a branch read. Computed when it is asked for.
  Activations kept_;
  ExpertMixture::Choices choices_;
  std::vector<Activations> expert_kept_;
};

}  // namespace pare::run
