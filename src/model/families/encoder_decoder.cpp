// EncoderDecoderModel of two BERTs: a BertModel as encoder, and as decoder a BertLMHeadModel with cross-attention to
// the encoder's output.
#include <algorithm>

#include "model/family.h"

namespace pare::model::encoder_decoder {
namespace {

const Rows kProjection{{"enc_to_dec_proj.weight", Role::kLinear}, {"enc_to_dec_proj.bias", Role::kBias}};

bool append_body(Architecture& architecture, const Task&, const Config& config, const Names& names) {
  const Config encoder = config.nested("encoder"), decoder = config.nested("decoder");
  for (const Config* part : {&encoder, &decoder})
    if (part->text("model_type").value_or("bert") != "bert") return false;
  append_bert_embeddings(architecture, "encoder.", "encoder");
  append_bert_blocks(architecture, "encoder.",
                     block_count(encoder, {"num_hidden_layers"}, names.count_blocks("encoder.encoder.layer.")), false,
                     "encoder");
  append_pooler(architecture, "encoder.", "encoder");
  append_bert_embeddings(architecture, "decoder.bert.", "decoder");
  append_bert_blocks(architecture, "decoder.bert.",
                     block_count(decoder, {"num_hidden_layers"}, names.count_blocks("decoder.bert.encoder.layer.")),
                     true, "decoder");
  append_rows(architecture, "decoder.", bert_predictions(), -1, "decoder");
  if (encoder.number("hidden_size") != decoder.number("hidden_size") && !decoder.number("cross_attention_hidden_size"))
    append_rows(architecture, "", kProjection);
  return true;
}

bool is_tied(const Config& config) { return config.nested("decoder").flag("tie_word_embeddings").value_or(true); }

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families{{
      .model_type = "encoder-decoder",
      .stem = "EncoderDecoderModel",
      .prefix = "",
      .landmarks = {"decoder.bert.encoder.layer.*.crossattention.self.query.weight"},
      .tasks = {{"",
                 "",
                 false,
                 {},
                 {{"decoder.cls.predictions.decoder.weight", "decoder.bert.embeddings.word_embeddings.weight"},
                  {"decoder.cls.predictions.decoder.bias", "decoder.cls.predictions.bias"}}}},
      .append_body = append_body,
      .is_tied = is_tied,
  }};
  return families;
}

}  // namespace pare::model::encoder_decoder
