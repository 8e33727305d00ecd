// Gemma (2024), which has Llama's layers; Gemma 2 (2024) and the text model of Gemma 3 (2025): norms before and after
// attention and the feed-forward block.
#include "model/families/decoder.h"

namespace pare::model::gemma {
namespace {

std::vector<Family> make_families() {
  return {
      {.model_type = "gemma",
       .stem = "Gemma",
       .prefix = "model.",
       .tasks = decoder_tasks({"Model", "ForCausalLM", "ForSequenceClassification", "ForTokenClassification"}),
       .bodies = {decoder_body(
           {{"self_attn.", split_projections()}, {"mlp.", plain_feed_forward()}, {"", two_norms()}})}},
      {.model_type = "gemma2",
       .stem = "Gemma2",
       .prefix = "model.",
       .tasks = decoder_tasks({"Model", "ForCausalLM", "ForSequenceClassification", "ForTokenClassification"}),
       .bodies = {decoder_body(
           {{"self_attn.", split_projections()}, {"mlp.", plain_feed_forward()}, {"", four_norms()}})}},
      {.model_type = "gemma3_text",
       .stem = "Gemma3",
       .prefix = "model.",
       .tasks = decoder_tasks({"TextModel", "ForCausalLM", "TextForSequenceClassification"}),
       .bodies = {decoder_body({{"self_attn.", split_projections()},
                                {"self_attn.", query_key_norms()},
                                {"mlp.", plain_feed_forward()},
                                {"", four_norms()}})}},
  };
}

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families = make_families();
  return families;
}

}  // namespace pare::model::gemma
