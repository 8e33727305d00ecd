// Two models of BERT's kind as an encoder-decoder (Rothe et al. 2020).
#include <array>

#include "run/families.h"
#include "run/families/encoder_spec.h"

namespace pare::run {
namespace {

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

std::span<const RunnableFamily> composed_kind() {
  static constexpr std::array kFamilies{RunnableFamily{"encoder-decoder", ModelKind::kEncoderDecoder, composed_spec}};
  return kFamilies;
}

}  // namespace pare::run
