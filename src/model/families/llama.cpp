// Llama (Touvron et al. 2023) and the families that have its layers, some with other norms or fused projections:
// Mistral, Granite, SmolLM3, Phi-3, OLMo 2 and Cohere.
#include "model/families/decoder.h"

namespace pare::model::llama {
namespace {

const Rows kFusedProjections{{"o_proj.weight", Role::kO}, {"qkv_proj.weight", Role::kQkv}};
const Rows kFusedGated{
    {"gate_up_proj.weight", Role::kFeedForward, Slot::kGateUp},
    {"down_proj.weight", Role::kFeedForward, Slot::kDown},
};
/// Cohere's attention and feed-forward block read the same norm.
bool has_head_norms(const Site& site) { return site.config.flag("use_qk_norm").value_or(false); }
const Rows kOneNorm{{"input_layernorm.weight", Role::kNorm, Slot::kAttentionNorm}};
/// OLMo 2 has norms of outputs only.
const Rows kOutputNorms{
    {"post_attention_layernorm.weight", Role::kNorm, Slot::kPostAttentionNorm},
    {"post_feedforward_layernorm.weight", Role::kNorm, Slot::kPostFeedForwardNorm},
};

Family like_llama(std::string_view model_type, std::string_view stem, std::vector<Section> each,
                  std::vector<Task> tasks) {
  return {.model_type = model_type,
          .stem = stem,
          .prefix = "model.",
          .tasks = std::move(tasks),
          .bodies = {decoder_body(std::move(each))},
          .tied_by_default = false};
}

std::vector<Family> make_families() {
  const std::vector<Section> llama{
      {"self_attn.", split_projections()}, {"mlp.", gated_feed_forward()}, {"", two_norms()}};
  const std::vector<Task> all = decoder_tasks(
      {"Model", "ForCausalLM", "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering"});
  std::vector<Task> mistral = all;
  mistral.back().prefix = "model.";
  Family smollm3 = like_llama("smollm3", "SmolLM3", llama, all);
  smollm3.tied_by_default = true;
  Family cohere = like_llama("cohere", "Cohere",
                             {{"self_attn.", split_projections()},
                              {"self_attn.", query_key_norms(), has_head_norms},
                              {"mlp.", plain_feed_forward()},
                              {"", kOneNorm}},
                             decoder_tasks({"Model", "ForCausalLM"}));
  cohere.tied_by_default = true;
  return {
      cohere,
      like_llama("llama", "Llama", llama, all),
      like_llama("mistral", "Mistral",
                 {{"self_attn.", plain_projections()}, {"mlp.", plain_feed_forward()}, {"", two_norms()}}, mistral),
      like_llama("granite", "Granite", llama, decoder_tasks({"Model", "ForCausalLM"})),
      smollm3,
      like_llama("phi3", "Phi3", {{"self_attn.", kFusedProjections}, {"mlp.", kFusedGated}, {"", two_norms()}},
                 decoder_tasks({"Model", "ForCausalLM", "ForSequenceClassification", "ForTokenClassification"})),
      like_llama("olmo2", "Olmo2",
                 {{"self_attn.", split_projections()},
                  {"self_attn.", query_key_norms()},
                  {"mlp.", plain_feed_forward()},
                  {"", kOutputNorms}},
                 decoder_tasks({"Model", "ForCausalLM", "ForSequenceClassification"})),
  };
}

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families = make_families();
  return families;
}

}  // namespace pare::model::llama
