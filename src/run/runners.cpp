// The runners of the public interface: each is one stack or two, and a head.
#include <fmt/format.h>

#include <algorithm>

#include "base/parallel.h"
#include "kernels/elementwise.h"
#include "pare/error.h"
#include "pare/run.h"
#include "run/families.h"
#include "run/generation/generation_settings.h"
#include "run/head.h"
#include "run/staged_layer.h"

namespace pare {
namespace run {
namespace {

/// What a runner is made of.
struct Parts {
  Parts(const Model& model, ModelSpec model_spec, const InferOptions& options, const Context& context)
      : spec(std::move(model_spec)), source(model.source), weights(model, options, context) {}

  ModelSpec spec;
  std::string source;
  Weights weights;
};

/// Members and functions of runners with one stack. `Base` is their interface.
template <class Base>
class OneStack : public Base {
 public:
  using Base::hidden_states;

  OneStack(const Model& model, ModelSpec spec, const InferOptions& options, const Context& context)
      : parts_(model, std::move(spec), options, context),
        places_(parts_.weights, model, parts_.spec.stack.stack),
        stack_(places_, parts_.spec.stack),
        head_(places_, parts_.spec.head, stack_) {}

  std::size_t vocabulary() const noexcept override { return stack_.vocabulary(); }
  std::size_t positions() const noexcept override { return stack_.longest(); }
  std::vector<LayerUse> layers(std::size_t tokens) const override { return parts_.weights.layers(tokens); }
  Matrix hidden_states(const TokenBatch& batch, const Context& context) const override {
    return stack_.run(batch, nullptr, context);
  }
  std::size_t layer_count() const noexcept override { return std::max<std::size_t>(1, stack_.layers()); }
  Matrix run_layers(const TokenBatch& batch, Matrix states, std::size_t begin, std::size_t end,
                    const Context& context) const override {
    return stack_.run_layers(batch, std::move(states), begin, std::min(end, stack_.layers()), nullptr, context);
  }
  std::unique_ptr<LayerStages> start_layer(const TokenBatch& batch, Matrix states, std::size_t layer,
                                           const Context& context) const override {
    return std::make_unique<StagedLayer>(stack_, layer, batch, std::move(states), std::nullopt, context);
  }
  Matrix logits(const Matrix& hidden, const Context& context) const override { return head_.logits(hidden, context); }

 protected:
  Parts parts_;
  StackWeights places_;
  Stack stack_;
  Head head_;
};

class Causal final : public OneStack<CausalRunner> {
 public:
  using OneStack::hidden_states;
  using OneStack::OneStack;

  Matrix hidden_states(const TokenBatch& next, DecoderState& state, const Context& context) const override {
    return stack_.run(next, &cache_of(state, next), context);
  }
  std::unique_ptr<DecoderState> start(std::size_t sequences) const override {
    return std::make_unique<KvCache>(sequences, stack_.layers());
  }
};

class Encoder final : public OneStack<EncoderRunner> {
 public:
  Encoder(const Model& model, ModelSpec spec, const InferOptions& options, const Context& context)
      : OneStack(model, std::move(spec), options, context) {
    const Place pooler{Slot::kPooler}, classifier{Slot::kClassifier};
    const std::size_t width = stack_.width();
    pooler_ = places_.optional_linear(pooler, width, width);
    const std::vector<std::uint64_t> shape = places_.shape(classifier);
    if (shape.size() == 2) classifier_ = places_.linear(classifier, width, static_cast<std::size_t>(shape[0]));
  }

  std::size_t labels() const noexcept override {
    return classifier_ && (pooler_ || head_.has_transform()) ? classifier_->out : 0;
  }
  bool has_masked_lm_head() const noexcept override { return head_.has_transform() && !classifier_; }

  Matrix logits(const Matrix& hidden, const Context& context) const override {
    if (!has_masked_lm_head()) throw Error(ErrorCode::kUnsupported, parts_.source, "has no masked-LM head");
    return head_.logits(hidden, context);
  }

  Matrix classify(const TokenBatch& batch, const Context& context) const override {
    if (labels() == 0) throw Error(ErrorCode::kUnsupported, parts_.source, "has no sequence-classification head");
    Matrix pooled = pool(batch, hidden_states(batch, context));
    if (pooler_) {
      pooled = apply(*pooler_, pooled, context);
      kernels::activate(parts_.spec.head.pooler, pooled.values.data(), pooled.values.size());
    } else {
      pooled = head_.transformed(pooled, context);
    }
    Matrix logits = apply(*classifier_, pooled, context);
    NanCheck(parts_.source).part(logits, "the classification head");
    return logits;
  }

 private:
  /// One row for each sequence: its first, or the mean of all.
  Matrix pool(const TokenBatch& batch, const Matrix& hidden) const {
    Matrix pooled(batch.sequences(), hidden.columns);
    for (std::size_t s = 0; s < pooled.rows; ++s) {
      if (batch.length(s) == 0) throw Error(ErrorCode::kArgument, "an empty sequence cannot be classified");
      const std::size_t count = parts_.spec.head.pools_mean ? batch.length(s) : 1;
      for (std::size_t i = 0; i < count; ++i)
        kernels::add(pooled.row(s), hidden.row(batch.begin(s) + i), hidden.columns);
      for (std::size_t c = 0; count > 1 && c < hidden.columns; ++c) pooled.row(s)[c] /= static_cast<float>(count);
    }
    return pooled;
  }

  std::optional<linear::Linear> pooler_, classifier_;
};

class EncoderDecoder final : public EncoderDecoderRunner {
 public:
  EncoderDecoder(const Model& model, ModelSpec spec, const InferOptions& options, const Context& context)
      : parts_(model, std::move(spec), options, context),
        encoder_places_(parts_.weights, model, parts_.spec.stack.stack),
        decoder_places_(parts_.weights, model, parts_.spec.decoder.stack),
        encoder_(encoder_places_, parts_.spec.stack),
        decoder_(decoder_places_, parts_.spec.decoder),
        head_(decoder_places_, parts_.spec.head, decoder_) {
    if (encoder_.width() != decoder_.width())
      throw Error(ErrorCode::kMismatch, model.source,
                  fmt::format("an encoder and a decoder of different widths, {} and {}, cannot be run together",
                              encoder_.width(), decoder_.width()));
  }

  std::size_t vocabulary() const noexcept override { return decoder_.vocabulary(); }
  std::size_t positions() const noexcept override { return encoder_.longest(); }
  std::vector<LayerUse> layers(std::size_t tokens) const override { return parts_.weights.layers(tokens); }
  TokenId decoder_start() const noexcept override { return parts_.spec.decoder_start; }
  Matrix hidden_states(const TokenBatch& batch, const Context& context) const override {
    return encoder_.run(batch, nullptr, context);
  }
  Matrix logits(const Matrix& hidden, const Context& context) const override { return head_.logits(hidden, context); }
  std::unique_ptr<DecoderState> start(const TokenBatch& sources, const Context& context) const override {
    auto cache = std::make_unique<KvCache>(sources.sequences(), decoder_.layers());
    decoder_.remember(*cache, sources, hidden_states(sources, context), 0, decoder_.layers(), context);
    return cache;
  }
  Matrix decode(const TokenBatch& next, DecoderState& state, const Context& context) const override {
    return decoder_.run(next, &cache_of(state, next), context);
  }

  std::size_t encoder_layers() const noexcept override { return encoder_.layers(); }
  std::size_t decoder_layers() const noexcept override { return decoder_.layers(); }
  Matrix run_encoder(const TokenBatch& sources, Matrix states, std::size_t begin, std::size_t end,
                     const Context& context) const override {
    return encoder_.run_layers(sources, std::move(states), begin, std::min(end, encoder_.layers()), nullptr, context);
  }
  Matrix run_decoder(const TokenBatch& targets, Matrix states, const TokenBatch& sources, const Matrix& encoded,
                     std::size_t begin, std::size_t end, const Context& context) const override {
    end = std::min(end, decoder_.layers());
    KvCache cache(sources.sequences(), decoder_.layers());
    decoder_.remember(cache, sources, encoded, begin, end, context);
    return decoder_.run_layers(targets, std::move(states), begin, end, &cache, context);
  }
  std::unique_ptr<LayerStages> start_encoder_layer(const TokenBatch& sources, Matrix states, std::size_t layer,
                                                   const Context& context) const override {
    return std::make_unique<StagedLayer>(encoder_, layer, sources, std::move(states), std::nullopt, context);
  }
  std::unique_ptr<LayerStages> start_decoder_layer(const TokenBatch& targets, Matrix states, const TokenBatch& sources,
                                                   const Matrix& encoded, std::size_t layer,
                                                   const Context& context) const override {
    return std::make_unique<StagedLayer>(decoder_, layer, targets, std::move(states), Encoded{sources, encoded},
                                         context);
  }

 private:
  Parts parts_;
  StackWeights encoder_places_, decoder_places_;
  Stack encoder_, decoder_;
  Head head_;
};

const Parameter* find_slot(const Model& model, Slot slot) {
  const auto found = std::find_if(model.parameters.begin(), model.parameters.end(),
                                  [slot](const Parameter& p) { return p.slot == slot && p.group != Group::kBias; });
  return found == model.parameters.end() ? nullptr : &*found;
}

/// The family of a model that can be run; nullptr if it cannot.
const RunnableFamily* family_of(const Model& model) {
  const RunnableFamily* family = find_runnable(model.model_type);
  if (family == nullptr || family->kind != ModelKind::kEncoderDecoder) return family;
  const bool has_decoder = std::any_of(model.parameters.begin(), model.parameters.end(),
                                       [](const Parameter& parameter) { return parameter.stack == "decoder"; });
  return has_decoder ? family : nullptr;  // T5EncoderModel has none
}

}  // namespace
}  // namespace run

ModelKind kind_of(const Runner& runner) {
  if (dynamic_cast<const CausalRunner*>(&runner) != nullptr) return ModelKind::kCausal;
  if (dynamic_cast<const EncoderRunner*>(&runner) != nullptr) return ModelKind::kEncoder;
  return ModelKind::kEncoderDecoder;
}

std::optional<ModelTraits> traits_of(const Model& model) {
  const run::RunnableFamily* family = run::family_of(model);
  if (family == nullptr) return std::nullopt;
  ModelTraits traits{family->kind};
  if (family->kind != ModelKind::kEncoder) return traits;
  const bool transform = run::find_slot(model, Slot::kHeadTransform) != nullptr;
  const Parameter* classifier = run::find_slot(model, Slot::kClassifier);
  traits.masked_lm_head = transform && classifier == nullptr;
  if (classifier != nullptr && (transform || run::find_slot(model, Slot::kPooler) != nullptr)) {
    const std::vector<std::uint64_t>& shape = model.tensor(*classifier).shape;
    traits.labels = shape.size() == 2 ? static_cast<std::size_t>(shape[0]) : 0;
  }
  return traits;
}

Matrix Runner::run_layers(const TokenBatch& batch, Matrix /*states*/, std::size_t /*begin*/, std::size_t /*end*/,
                          const Context& context) const {
  return hidden_states(batch, context);
}

std::unique_ptr<LayerStages> Runner::start_layer(const TokenBatch& /*batch*/, Matrix /*states*/, std::size_t /*layer*/,
                                                 const Context& /*context*/) const {
  throw Error(ErrorCode::kUnsupported, "the layers of an encoder-decoder are those of its encoder or its decoder");
}

std::unique_ptr<Runner> open_runner(const Model& model, const InferOptions& options, const Context& context) {
  const run::RunnableFamily* family = run::family_of(model);
  if (family == nullptr)
    throw Error(ErrorCode::kUnsupported, model.source,
                fmt::format("a model of type '{}' cannot be run (expected one of {})",
                            model.model_type.empty() ? "unknown" : model.model_type, run::runnable_types()));
  run::ModelSpec spec = family->spec(model::Config(model.config, model.source + "/config.json"));
  switch (family->kind) {
    case ModelKind::kCausal:
      return std::make_unique<run::Causal>(model, std::move(spec), options, context);
    case ModelKind::kEncoder:
      return std::make_unique<run::Encoder>(model, std::move(spec), options, context);
    case ModelKind::kEncoderDecoder:
      break;
  }
  if (const auto start = run::generation_start(model)) spec.decoder_start = *start;
  return std::make_unique<run::EncoderDecoder>(model, std::move(spec), options, context);
}

void keep_awake(const Context& context, const std::function<void()>& body) { base::with_team(context, body); }

}  // namespace pare
