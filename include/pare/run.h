// Running models: token ids in, logits out. F32 arithmetic on any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "pare/linear.h"
#include "pare/model.h"

namespace pare {

using TokenId = std::int32_t;

/// Sequences of different lengths, one behind the other: nothing is padded, so nothing is masked.
class TokenBatch {
 public:
  TokenBatch() = default;
  explicit TokenBatch(std::span<const TokenId> sequence) { add(sequence); }

  /// Token types (BERT's segments) are 0 where not given; as many as ids otherwise.
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

/// What a decoder remembers of the tokens it has seen, one for each sequence of a batch.
class DecoderState {
 public:
  virtual ~DecoderState() = default;
  /// Tokens seen by each sequence.
  virtual std::size_t length(std::size_t sequence) const = 0;
  /// Sequence i becomes a copy of what sequence `parents[i]` was: for beam search.
  virtual void reorder(std::span<const std::size_t> parents) = 0;
};

/// A model that runs. All functions throw Error for ids outside the vocabulary and sequences longer
/// than the model's positions, and Interrupted; a DecoderState passed to a call that threw must not be used again.
/// Thread-safe but for a DecoderState used twice at once.
class Runner {
 public:
  virtual ~Runner() = default;

  virtual std::size_t vocabulary() const noexcept = 0;
  /// Longest sequence; SIZE_MAX if there is no limit.
  virtual std::size_t positions() const noexcept = 0;

  /// Last hidden states of an encoder or decoder-only model, a row for each token:
  /// transformers' last_hidden_state.
  virtual Matrix hidden_states(const TokenBatch& batch, const Context& context = {}) const = 0;
  /// How many parts run_blocks() can run one at a time: the model's blocks, or 1 where they cannot be separated.
  virtual std::size_t blocks() const noexcept { return 1; }
  /// hidden_states() in parts: runs blocks `begin` to `end` (exclusive), where begin < end <= blocks(). `states`, a row
  /// for each token, is what the call that ended at `begin` returned for the same batch; it is ignored if begin is 0.
  /// The call that ends at blocks() returns what hidden_states() does, bit for bit. This lets models whose first blocks
  /// have the same weights share the work of these blocks.
  virtual Matrix run_blocks(const TokenBatch& batch, Matrix states, std::size_t begin, std::size_t end,
                            const Context& context = {}) const;
  /// The language-model (or masked-LM) head on rows of hidden states: rows x vocabulary.
  virtual Matrix logits(const Matrix& hidden, const Context& context = {}) const = 0;

  /// Every linear layer, head included, and the kernel it takes for so many tokens at once.
  virtual std::vector<LayerUse> layers(std::size_t tokens) const = 0;
};

/// GPT-2 and other decoders without an encoder.
class CausalRunner : public Runner {
 public:
  virtual std::unique_ptr<DecoderState> start(std::size_t sequences) const = 0;
  /// Hidden states of new tokens that follow those in `state`, which then holds them as well.
  virtual Matrix hidden_states(const TokenBatch& next, DecoderState& state, const Context& context = {}) const = 0;
  using Runner::hidden_states;
};

/// BERT and its kind.
class EncoderRunner : public Runner {
 public:
  /// Labels of the sequence-classification head; 0 if the model has none.
  virtual std::size_t labels() const noexcept = 0;
  virtual bool has_masked_lm_head() const noexcept = 0;
  /// Sequence-classification logits: sequences x labels.
  virtual Matrix classify(const TokenBatch& batch, const Context& context = {}) const = 0;
};

/// T5 and composed encoder-decoders. hidden_states() and positions() are the encoder's.
class EncoderDecoderRunner : public Runner {
 public:
  /// Encodes the sources; the state is one for each of them.
  virtual std::unique_ptr<DecoderState> start(const TokenBatch& sources, const Context& context = {}) const = 0;
  virtual Matrix decode(const TokenBatch& next, DecoderState& state, const Context& context = {}) const = 0;
  virtual TokenId decoder_start() const noexcept = 0;
};

enum class ModelKind : std::uint8_t { kCausal, kEncoder, kEncoderDecoder };

/// Which of the three classes above a runner belongs to.
ModelKind kind_of(const Runner& runner);

/// What a model can do once it runs.
struct ModelTraits {
  ModelKind kind = ModelKind::kCausal;
  bool masked_lm_head = false;  ///< of an encoder
  std::size_t labels = 0;       ///< of an encoder's sequence-classification head; 0 if it has none
};

/// Tells this from the model's type and the names and shapes of its parameters, without reading a weight.
/// nullopt for a kind of model that open_runner() refuses.
std::optional<ModelTraits> traits_of(const Model& model);

/// A model of unknown kind ready to run; the returned object is of one of the three classes above.
/// It shares the checkpoint, whose F32 weights it uses where they are mapped, and needs `model` no longer. Throws Error
/// for architectures that cannot be run and for parameters or settings that are missing or do not fit; Interrupted.
/// Costs of kernels are those for context.threads() threads.
std::unique_ptr<Runner> open_runner(const Model& model, const InferOptions& options = {}, const Context& context = {});

}  // namespace pare
