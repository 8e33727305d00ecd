// Running models: token ids in, logits out. F32 arithmetic on any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "pare/linear.h"
#include "pare/model.h"

namespace pare {

using TokenId = std::int32_t;

/// Sequences of different lengths, stored one after the other, without padding tokens or a padding mask.
class TokenBatch {
 public:
  TokenBatch() = default;
  explicit TokenBatch(std::span<const TokenId> sequence) { add(sequence); }

  /// Appends a sequence. `types` are BERT's token type ids: empty (all 0), or one per token. Throws Error (kArgument)
  /// otherwise.
  void add(std::span<const TokenId> sequence, std::span<const TokenId> types = {});
  std::size_t sequences() const noexcept { return starts_.size() - 1; }
  std::size_t tokens() const noexcept { return ids_.size(); }
  std::size_t begin(std::size_t sequence) const noexcept { return starts_[sequence]; }
  std::size_t length(std::size_t sequence) const noexcept { return starts_[sequence + 1] - starts_[sequence]; }
  std::span<const TokenId> ids() const noexcept { return ids_; }
  std::span<const TokenId> types() const noexcept { return types_; }

 private:
  std::vector<TokenId> ids_, types_;
  std::vector<std::size_t> starts_{0};
};

/// KV cache of a decoder, for every sequence of a batch.
class DecoderState {
 public:
  virtual ~DecoderState() = default;
  /// Returns the number of tokens in the cache of a sequence.
  virtual std::size_t length(std::size_t sequence) const = 0;
  /// Replaces sequence i by a copy of sequence `parents[i]`, for beam search. Afterwards the cache holds
  /// parents.size() sequences.
  virtual void reorder(std::span<const std::size_t> parents) = 0;
};

/// One transformer layer on the tokens of a batch, stage by stage, for programs that change the weights of linears in
/// memory while the layer runs: the inputs of a stage's linears are those that all earlier stages compute with their
/// weights as they are by then. A stage is the linears that read the same, and each linear is in one stage: q, k and v
/// (with the cross-attention's k and v), o, the cross-attention's q, its o, the router of experts, gate and up, down.
/// Not to be used by several threads at once. Throws as Runner.
class LayerStages {
 public:
  virtual ~LayerStages() = default;
  virtual std::size_t count() const noexcept = 0;
  /// Gives `observer` each linear of a stage and its inputs, but does not multiply them. To be called for rising stages
  /// below count(), of which some may be left out. From then on, linears of earlier stages must not change. Experts
  /// that no token chose are not given.
  virtual void show(std::size_t stage, const LinearObserver& observer, const Context& context = {}) = 0;
  /// Ends the last stage and returns the states after the layer: bit for bit what run_layers() returns for the layer
  /// with these weights. Nothing may be called after that.
  virtual Matrix finish(const Context& context = {}) = 0;
  /// Bytes that are kept beside the hidden states, so that nothing is multiplied twice.
  virtual std::size_t kept_bytes() const noexcept = 0;
  /// Frees them. The call that needs them computes them again.
  virtual void forget() noexcept = 0;
};

/// A model loaded for inference. Functions may be called from several threads at once, except with the same
/// DecoderState. They throw Error for token ids outside the vocabulary and for sequences longer than positions(), and
/// Interrupted. A DecoderState passed to a call that threw must not be used again.
class Runner {
 public:
  virtual ~Runner() = default;

  virtual std::size_t vocabulary() const noexcept = 0;
  /// Longest sequence; SIZE_MAX if there is no limit.
  virtual std::size_t positions() const noexcept = 0;

  /// Returns the last hidden states of an encoder or decoder-only model, [tokens, hidden size], in the order of
  /// `batch`: transformers' last_hidden_state.
  virtual Matrix hidden_states(const TokenBatch& batch, const Context& context = {}) const = 0;
  /// Returns the number of transformer layers that run_layers() can run separately; 1 if they cannot be separated.
  virtual std::size_t layer_count() const noexcept { return 1; }
  /// Runs layers `begin` to `end` (exclusive), where begin < end <= layer_count(), and returns the states after them,
  /// [tokens, hidden size]. `states` is what the call that ended at `begin` returned for the same batch; it is ignored
  /// if begin is 0. The call that ends at layer_count() returns what hidden_states() does, bit for bit. Models whose
  /// first layers have the same weights can therefore share the work of these layers.
  virtual Matrix run_layers(const TokenBatch& batch, Matrix states, std::size_t begin, std::size_t end,
                            const Context& context = {}) const;
  /// Begins a layer, below layer_count(), of a model whose layers run_layers() can run separately. `batch` and the
  /// runner must outlive the result; `states` as for run_layers().
  virtual std::unique_ptr<LayerStages> start_layer(const TokenBatch& batch, Matrix states, std::size_t layer,
                                                   const Context& context = {}) const;
  /// Returns the logits of the language-model (or masked-LM) head, [hidden rows, vocabulary()]. Throws Error if the
  /// model has no such head.
  virtual Matrix logits(const Matrix& hidden, const Context& context = {}) const = 0;

  /// Returns every linear of the model, the head included (not the transformer layers of layer_count()), with the
  /// kernel chosen for `tokens` tokens at once.
  virtual std::vector<LayerUse> layers(std::size_t tokens) const = 0;
};

/// GPT-2 and other decoders without an encoder.
class CausalRunner : public Runner {
 public:
  /// Returns an empty KV cache for `sequences` sequences.
  virtual std::unique_ptr<DecoderState> start(std::size_t sequences) const = 0;
  /// Runs the new tokens of each sequence, appends them to `state` and returns their hidden states, [tokens, hidden
  /// size]. `next` must have as many sequences as `state`.
  virtual Matrix hidden_states(const TokenBatch& next, DecoderState& state, const Context& context = {}) const = 0;
  using Runner::hidden_states;
};

/// BERT-like encoders.
class EncoderRunner : public Runner {
 public:
  /// Returns the number of labels of the sequence-classification head; 0 if the model has none.
  virtual std::size_t labels() const noexcept = 0;
  virtual bool has_masked_lm_head() const noexcept = 0;
  /// Returns the logits of the sequence-classification head, [sequences, labels()].
  virtual Matrix classify(const TokenBatch& batch, const Context& context = {}) const = 0;
};

/// T5 and composed encoder-decoders. hidden_states() and positions() are the encoder's,
/// vocabulary() and logits() the decoder's.
class EncoderDecoderRunner : public Runner {
 public:
  /// Encodes the sources and returns a KV cache with one sequence per source.
  virtual std::unique_ptr<DecoderState> start(const TokenBatch& sources, const Context& context = {}) const = 0;
  /// Runs the decoder on new tokens, appends them to `state` and returns the decoder's hidden states, [tokens, hidden
  /// size], which logits() takes.
  virtual Matrix decode(const TokenBatch& next, DecoderState& state, const Context& context = {}) const = 0;
  virtual TokenId decoder_start() const noexcept = 0;  ///< token with which every target starts

  virtual std::size_t encoder_layers() const noexcept = 0;  ///< number of transformer layers
  virtual std::size_t decoder_layers() const noexcept = 0;  ///< likewise
  /// As run_layers(), for the layers of the encoder.
  virtual Matrix run_encoder(const TokenBatch& sources, Matrix states, std::size_t begin, std::size_t end,
                             const Context& context = {}) const = 0;
  /// The same for those of the decoder, on whole targets. `encoded`: what run_encoder() returns for all of the
  /// encoder's layers. The call that ends at decoder_layers() returns what decode() does for a new state.
  virtual Matrix run_decoder(const TokenBatch& targets, Matrix states, const TokenBatch& sources, const Matrix& encoded,
                             std::size_t begin, std::size_t end, const Context& context = {}) const = 0;
  /// As start_layer(), for the layers of the encoder and for those of the decoder. What is given by reference must
  /// outlive the result.
  virtual std::unique_ptr<LayerStages> start_encoder_layer(const TokenBatch& sources, Matrix states, std::size_t layer,
                                                           const Context& context = {}) const = 0;
  virtual std::unique_ptr<LayerStages> start_decoder_layer(const TokenBatch& targets, Matrix states,
                                                           const TokenBatch& sources, const Matrix& encoded,
                                                           std::size_t layer, const Context& context = {}) const = 0;
};

/// Runs `body` on this thread, and keeps the threads of `context` awake between the calls that it makes with a context
/// of the same threads. This saves many short calls, such as those of single tokens, waking them up each time. Rethrows
/// what `body` throws.
void keep_awake(const Context& context, const std::function<void()>& body);

enum class ModelKind : std::uint8_t { kCausal, kEncoder, kEncoderDecoder };

/// Tells which of the three classes above `runner` is, so that it can be cast: kind_of(*runner) == ModelKind::kCausal
/// allows dynamic_cast<CausalRunner&>(*runner).
ModelKind kind_of(const Runner& runner);

/// What a model can do when it is run.
struct ModelTraits {
  ModelKind kind = ModelKind::kCausal;
  bool masked_lm_head = false;  ///< for an encoder: whether it has this head
  std::size_t labels = 0;       ///< number of labels of an encoder's sequence-classification head; 0 if it has none
};

/// Determines the traits of a model from its type and the names and shapes of its parameters, without reading weights.
/// Returns nullopt for a kind of model that open_runner() refuses.
std::optional<ModelTraits> traits_of(const Model& model);

/// Opens a model for inference and returns a CausalRunner, EncoderRunner or EncoderDecoderRunner (see kind_of()). The
/// runner shares ownership of the checkpoint, so `model` may be destroyed. F32 weights are used in place, in the mapped
/// file, without a copy. Kernels are chosen by their costs with context.threads() threads. Throws Error for
/// architectures that cannot be run and for parameters or settings that are missing or do not match; Interrupted.
std::unique_ptr<Runner> open_runner(const Model& model, const InferOptions& options = {}, const Context& context = {});

}  // namespace pare
