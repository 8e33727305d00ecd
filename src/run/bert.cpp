// BERT as an encoder with its heads, and two of them as an encoder-decoder.
#include <algorithm>
#include <optional>

#include "pare/error.h"
#include "run/bert_layers.h"
#include "run/runners.h"
#include "run/settings.h"

namespace pare::run {
namespace {

class Bert : public EncoderRunner {
 public:
  Bert(const Model& model, const InferOptions& options, const Context& context)
      : source_(model.source),
        weights_(model, options, context),
        config_(model.config, model.source + "/config.json"),
        prefix_(weights_.has("bert.embeddings.word_embeddings.weight") ? "bert." : ""),
        body_(weights_, config_, prefix_, false) {
    if (weights_.has("cls.predictions.transform.dense.weight")) predictions_.emplace(weights_, config_, "", body_);
    const std::size_t width = body_.width();
    if (weights_.has(prefix_ + "pooler.dense.weight"))
      pooler_ = weights_.linear(prefix_ + "pooler.dense", width, width, Orientation::kOutIn);
    if (weights_.has("classifier.weight"))
      classifier_ =
          weights_.linear("classifier", width, weights_.rows_of("classifier.weight", width), Orientation::kOutIn);
  }

  std::size_t vocabulary() const noexcept override { return body_.vocabulary(); }
  std::size_t positions() const noexcept override { return body_.positions(); }
  std::vector<LayerUse> layers(std::size_t tokens) const override { return weights_.layers(tokens); }
  std::size_t labels() const noexcept override { return pooler_ && classifier_ ? classifier_->out : 0; }
  bool has_masked_lm_head() const noexcept override { return predictions_.has_value(); }

  Matrix hidden_states(const TokenBatch& batch, const Context& context) const override {
    return body_.run(batch, nullptr, context);
  }
  std::size_t layer_count() const noexcept override { return body_.layers(); }
  Matrix run_layers(const TokenBatch& batch, Matrix states, std::size_t begin, std::size_t end,
                    const Context& context) const override {
    return body_.run_layers(batch, std::move(states), begin, end, nullptr, context);
  }

  Matrix logits(const Matrix& hidden, const Context& context) const override {
    if (!predictions_) throw Error(ErrorCode::kUnsupported, source_, "has no masked-LM head");
    return predictions_->logits(hidden, context);
  }

  Matrix classify(const TokenBatch& batch, const Context& context) const override {
    if (labels() == 0) throw Error(ErrorCode::kUnsupported, source_, "has no sequence-classification head");
    const Matrix hidden = hidden_states(batch, context);
    Matrix first(batch.sequences(), hidden.columns);
    for (std::size_t s = 0; s < first.rows; ++s) {
      if (batch.length(s) == 0) throw Error(ErrorCode::kArgument, "an empty sequence cannot be classified");
      std::copy_n(hidden.row(batch.begin(s)), hidden.columns, first.row(s));
    }
    Matrix pooled = apply(*pooler_, first, context);
    kernels::activate(kernels::Activation::kTanh, pooled.values.data(), pooled.values.size());
    Matrix logits = apply(*classifier_, pooled, context);
    NanCheck(source_, "").part(logits, "the classification head");
    return logits;
  }

 private:
  std::string source_;
  Weights weights_;
  model::Config config_;
  std::string prefix_;
  BertStack body_;
  std::optional<BertPredictions> predictions_;
  std::optional<linear::Linear> pooler_, classifier_;
};

class BertToBert : public EncoderDecoderRunner {
 public:
  BertToBert(const Model& model, const InferOptions& options, const Context& context)
      : weights_(model, options, context),
        config_(model.config, model.source + "/config.json"),
        decoder_start_(config_.token_id("decoder_start_token_id").value_or(0)),
        encoder_config_(config_.nested("encoder")),
        decoder_config_(config_.nested("decoder")),
        encoder_(weights_, encoder_config_, "encoder.", false),
        decoder_(weights_, decoder_config_, "decoder.bert.", true),
        predictions_(weights_, decoder_config_, "decoder.", decoder_) {
    if (encoder_.width() != decoder_.width())
      throw Error(ErrorCode::kMismatch, model.source,
                  "an encoder and a decoder of different widths cannot be run together");
  }

  std::size_t vocabulary() const noexcept override { return decoder_.vocabulary(); }
  std::size_t positions() const noexcept override { return encoder_.positions(); }
  std::vector<LayerUse> layers(std::size_t tokens) const override { return weights_.layers(tokens); }
  TokenId decoder_start() const noexcept override { return decoder_start_; }

  Matrix hidden_states(const TokenBatch& batch, const Context& context) const override {
    return encoder_.run(batch, nullptr, context);
  }
  Matrix logits(const Matrix& hidden, const Context& context) const override {
    return predictions_.logits(hidden, context);
  }

  std::unique_ptr<DecoderState> start(const TokenBatch& sources, const Context& context) const override {
    auto cache = std::make_unique<KvCache>(sources.sequences(), decoder_.layers());
    decoder_.remember(*cache, sources, hidden_states(sources, context), context);
    return cache;
  }
  Matrix decode(const TokenBatch& next, DecoderState& state, const Context& context) const override {
    return decoder_.run(next, &cache_of(state, next), context);
  }

 private:
  Weights weights_;
  model::Config config_;
  TokenId decoder_start_;
  model::Config encoder_config_, decoder_config_;
  BertStack encoder_, decoder_;
  BertPredictions predictions_;
};

}  // namespace

std::unique_ptr<Runner> open_bert(const Model& model, const InferOptions& options, const Context& context) {
  return std::make_unique<Bert>(model, options, context);
}

ModelTraits bert_traits(const Model& model) {
  const auto find = [&](const std::string& name) {
    return std::find_if(model.parameters.begin(), model.parameters.end(),
                        [&](const Parameter& parameter) { return parameter.name == name; });
  };
  const auto has = [&](const std::string& name) { return find(name) != model.parameters.end(); };
  const std::string prefix = has("bert.embeddings.word_embeddings.weight") ? "bert." : "";
  ModelTraits traits{ModelKind::kEncoder, has("cls.predictions.transform.dense.weight")};
  if (has("classifier.weight") && has(prefix + "pooler.dense.weight")) {
    const std::vector<std::uint64_t>& shape = model.tensor(*find("classifier.weight")).shape;
    traits.labels = shape.empty() ? 0 : static_cast<std::size_t>(shape[0]);
  }
  return traits;
}

std::unique_ptr<Runner> open_composed(const Model& model, const InferOptions& options, const Context& context) {
  return std::make_unique<BertToBert>(model, options, context);
}

}  // namespace pare::run
