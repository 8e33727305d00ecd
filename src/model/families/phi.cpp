// Phi-1 to Phi-2 (Li et al. 2023): attention and the feed-forward block read the same norm.
#include "model/families/decoder.h"

namespace pare::model::phi {
namespace {

bool has_head_norms(const Site& site) { return site.config.flag("qk_layernorm").value_or(false); }
const Rows kLayer{
    {"self_attn.q_proj.weight", Role::kQ},
    {"self_attn.q_proj.bias", Role::kBias},
    {"self_attn.k_proj.weight", Role::kK},
    {"self_attn.k_proj.bias", Role::kBias},
    {"self_attn.v_proj.weight", Role::kV},
    {"self_attn.v_proj.bias", Role::kBias},
    {"self_attn.dense.weight", Role::kO},
    {"self_attn.dense.bias", Role::kBias},
    {"self_attn.q_layernorm.weight", Role::kNorm, Slot::kQNorm, has_head_norms},
    {"self_attn.q_layernorm.bias", Role::kBias, {}, has_head_norms},
    {"self_attn.k_layernorm.weight", Role::kNorm, Slot::kKNorm, has_head_norms},
    {"self_attn.k_layernorm.bias", Role::kBias, {}, has_head_norms},
    {"mlp.fc1.weight", Role::kFeedForward, Slot::kUp},
    {"mlp.fc1.bias", Role::kBias},
    {"mlp.fc2.weight", Role::kFeedForward, Slot::kDown},
    {"mlp.fc2.bias", Role::kBias},
    {"input_layernorm.weight", Role::kNorm, Slot::kAttentionNorm},
    {"input_layernorm.bias", Role::kBias},
};
const Rows kFinalNorm{{"final_layernorm.weight", Role::kNorm, Slot::kFinalNorm}, {"final_layernorm.bias", Role::kBias}};
const Rows kOutput{{"lm_head.weight", Role::kHead, Slot::kHead}, {"lm_head.bias", Role::kBias}};

std::vector<Task> make_tasks() {
  std::vector<Task> tasks =
      decoder_tasks({"Model", "ForCausalLM", "ForSequenceClassification", "ForTokenClassification"});
  tasks[1].head = kOutput;
  return tasks;
}

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families{{
      .model_type = "phi",
      .stem = "Phi",
      .prefix = "model.",
      .tasks = make_tasks(),
      .bodies = {decoder_body({{"", kLayer}}, {}, kFinalNorm)},
      .tied_by_default = false,
  }};
  return families;
}

}  // namespace pare::model::phi
