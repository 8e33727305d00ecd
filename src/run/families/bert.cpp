// BERT (Devlin et al. 2019), DistilBERT and ELECTRA, and two of them as an encoder-decoder (Rothe et al. 2020).
#include <array>

#include "run/families.h"
#include "run/families/encoder_spec.h"
#include "run/settings.h"

namespace pare::run {
namespace {

ModelSpec distilbert_spec(const model::Config& config) {
  ModelSpec spec = bert_spec(config);
  spec.head.pooler = kernels::Activation::kRelu;
  return spec;
}

ModelSpec electra_spec(const model::Config& config) {
  ModelSpec spec = bert_spec(config);
  spec.head.pooler = kernels::Activation::kGelu;
  return spec;
}

ModelSpec composed_spec(const model::Config& config) {
  const model::Config encoder = config.nested("encoder"), decoder = config.nested("decoder");
  ModelSpec spec = bert_spec(decoder);
  spec.kind = ModelKind::kEncoderDecoder;
  spec.decoder_start = config.token_id("decoder_start_token_id").value_or(0);
  spec.decoder = std::move(spec.stack);
  spec.decoder.stack = spec.head.stack = "decoder";
  spec.decoder.causal = spec.decoder.cross_attention = true;
  spec.stack = bert_stack(encoder);
  spec.stack.stack = "encoder";
  spec.stack.causal = false;
  return spec;
}

}  // namespace

std::span<const RunnableFamily> bert_kind() {
  using enum ModelKind;
  static constexpr std::array kFamilies{
      RunnableFamily{"bert", kEncoder, bert_spec},
      RunnableFamily{"distilbert", kEncoder, distilbert_spec},
      RunnableFamily{"electra", kEncoder, electra_spec},
      RunnableFamily{"encoder-decoder", kEncoderDecoder, composed_spec},
  };
  return kFamilies;
}

}  // namespace pare::run
