// Mixtures of experts: Mixtral (Jiang et al. 2024), the mixtures of Qwen 2 and Qwen 3, DeepSeek-V3 and gpt-oss. The
// router is not a Linear in transformers, so it is not pruned by default. Experts are one tensor with three axes in
// transformers' classes; files on the Hub hold a matrix for each expert (gpt-oss excepted), and those have the names
// that the files have.
#include "model/families/decoder.h"
#include "pare/error.h"

namespace pare::model::mixture {
namespace {

const Rows kRouter{{"gate.weight", Role::kRouter, Slot::kRouter}};
const Rows kTogether{
    {"gate_up_proj", Role::kExperts, Slot::kExpertsGateUp},
    {"down_proj", Role::kExperts, Slot::kExpertsDown},
};
const Rows kApart{
    {"gate_proj.weight", Role::kFeedForward, Slot::kExpertsGate},
    {"up_proj.weight", Role::kFeedForward, Slot::kExpertsUp},
    {"down_proj.weight", Role::kFeedForward, Slot::kExpertsDown},
};
const Rows kMixtralApart{
    {"w1.weight", Role::kFeedForward, Slot::kExpertsGate},
    {"w2.weight", Role::kFeedForward, Slot::kExpertsDown},
    {"w3.weight", Role::kFeedForward, Slot::kExpertsUp},
};
/// An expert that every token passes through.
const Rows kShared{
    {"gate_proj.weight", Role::kFeedForward},
    {"up_proj.weight", Role::kFeedForward},
    {"down_proj.weight", Role::kFeedForward},
};
const Rows kSharedGate{{"shared_expert_gate.weight", Role::kLinear}};

bool is_mixture(const Site& site) {
  const std::uint64_t step = site.config.number("decoder_sparse_step").value_or(1);
  if (step == 0)
    throw Error(ErrorCode::kMalformed, site.config.path(), "'decoder_sparse_step' must be at least 1 (found 0)");
  const auto layer = static_cast<std::uint64_t>(site.layer);
  return !site.config.lists("mlp_only_layers", layer) && site.config.number("num_experts").value_or(1) > 0 &&
         (layer + 1) % step == 0;
}
bool is_dense(const Site& site) { return !is_mixture(site); }

bool has_qkv_bias(const Site& site) { return site.config.flag("qkv_bias").value_or(true); }
const Rows kQwen2Projections{
    {"q_proj.weight", Role::kQ}, {"q_proj.bias", Role::kBias, {}, has_qkv_bias},
    {"k_proj.weight", Role::kK}, {"k_proj.bias", Role::kBias, {}, has_qkv_bias},
    {"v_proj.weight", Role::kV}, {"v_proj.bias", Role::kBias, {}, has_qkv_bias},
    {"o_proj.weight", Role::kO},
};

// DeepSeek's attention: queries, and keys with values, pass through a narrow layer; b_proj's rows are both keys and
// values.
bool has_narrow_queries(const Site& site) { return site.config.number("q_lora_rank").has_value(); }
bool has_wide_queries(const Site& site) { return !has_narrow_queries(site); }
bool has_narrow_bias(const Site& site) { return has_narrow_queries(site) && has_attention_bias(site); }
bool is_late(const Site& site) {
  return static_cast<std::uint64_t>(site.layer) >= site.config.number("first_k_dense_replace").value_or(3);
}
bool is_early(const Site& site) { return !is_late(site); }
const Rows kLatentAttention{
    {"q_proj.weight", Role::kQ, {}, has_wide_queries},
    {"q_a_proj.weight", Role::kQ, Slot::kNone, has_narrow_queries},
    {"q_a_proj.bias", Role::kBias, {}, has_narrow_bias},
    {"q_a_layernorm.weight", Role::kNorm, {}, has_narrow_queries},
    {"q_b_proj.weight", Role::kQ, {}, has_narrow_queries},
    {"kv_a_proj_with_mqa.weight", Role::kK},
    {"kv_a_proj_with_mqa.bias", Role::kBias, {}, has_attention_bias},
    {"kv_a_layernorm.weight", Role::kNorm},
    {"kv_b_proj.weight", Role::kV},
    {"o_proj.weight", Role::kO},
    {"o_proj.bias", Role::kBias, {}, has_attention_bias},
};

bool has_bias(const Site& site) { return site.config.flag("attention_bias").value_or(true); }
const Rows kSinkAttention{
    {"sinks", Role::kOther},
    {"q_proj.weight", Role::kQ},
    {"q_proj.bias", Role::kBias, {}, has_bias},
    {"k_proj.weight", Role::kK},
    {"k_proj.bias", Role::kBias, {}, has_bias},
    {"v_proj.weight", Role::kV},
    {"v_proj.bias", Role::kBias, {}, has_bias},
    {"o_proj.weight", Role::kO},
    {"o_proj.bias", Role::kBias, {}, has_bias},
};
const Rows kTurnedExperts{
    {"router.weight", Role::kRouter, Slot::kRouter},
    {"router.bias", Role::kBias},
    {"experts.gate_up_proj", Role::kConvExperts, Slot::kExpertsGateUp},
    {"experts.gate_up_proj_bias", Role::kBias},
    {"experts.down_proj", Role::kConvExperts, Slot::kExpertsDown},
    {"experts.down_proj_bias", Role::kBias},
};

Section together(Condition occurs = nullptr) {
  return {.prefix = "mlp.experts.", .rows = kTogether, .occurs = occurs, .experts = Experts::kTogether};
}
Section apart(Condition occurs = nullptr, std::string_view prefix = "mlp.experts.{e}.", const Rows& rows = kApart) {
  return {.prefix = prefix, .rows = rows, .occurs = occurs, .experts = Experts::kApart};
}

Family mixture(std::string_view model_type, std::string_view stem, Body body, std::vector<Task> tasks) {
  return {.model_type = model_type,
          .stem = stem,
          .prefix = "model.",
          .tasks = std::move(tasks),
          .bodies = {std::move(body)},
          .tied_by_default = false,
          .buffers = {"*rotary_emb.*inv_freq", "*mlp.gate.e_score_correction_bias"}};
}

std::vector<Family> make_families() {
  const std::vector<Task> qwen3_tasks = decoder_tasks(
      {"Model", "ForCausalLM", "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering"});
  const std::vector<Task> three_heads =
      decoder_tasks({"Model", "ForCausalLM", "ForSequenceClassification", "ForTokenClassification"});
  std::vector<Task> tasks = qwen3_tasks;
  tasks.back().prefix = "model.";
  Family mixtral = mixture("mixtral", "Mixtral",
                           decoder_body({{"self_attn.", plain_projections()},
                                         {"mlp.", kRouter},
                                         together(),
                                         apart(nullptr, "block_sparse_moe.experts.{e}.", kMixtralApart),
                                         {"", two_norms()}},
                                        {"num_local_experts"}),
                           tasks);
  mixtral.spellings = {{".mlp.", ".block_sparse_moe."}};
  return {
      mixtral,
      mixture("qwen2_moe", "Qwen2Moe",
              decoder_body({{"self_attn.", kQwen2Projections},
                            {"mlp.", kRouter, is_mixture},
                            together(is_mixture),
                            apart(is_mixture),
                            {"mlp.shared_expert.", kShared, is_mixture},
                            {"mlp.", kSharedGate, is_mixture},
                            {"mlp.", plain_feed_forward(), is_dense},
                            {"", two_norms()}},
                           {"num_experts"}),
              tasks),
      mixture("qwen3_moe", "Qwen3Moe",
              decoder_body({{"self_attn.", split_projections()},
                            {"self_attn.", query_key_norms()},
                            together(is_mixture),
                            apart(is_mixture),
                            {"mlp.", kRouter, is_mixture},
                            {"mlp.", plain_feed_forward(), is_dense},
                            {"", two_norms()}},
                           {"num_experts"}),
              qwen3_tasks),
      mixture("deepseek_v3", "DeepseekV3",
              decoder_body({{"self_attn.", kLatentAttention},
                            together(is_late),
                            apart(is_late),
                            {"mlp.", kRouter, is_late},
                            {"mlp.shared_experts.", kShared, is_late},
                            {"mlp.", plain_feed_forward(), is_early},
                            {"", two_norms()}},
                           {"n_routed_experts"}),
              three_heads),
      mixture("gpt_oss", "GptOss",
              decoder_body({{"self_attn.", kSinkAttention}, {"mlp.", kTurnedExperts}, {"", two_norms()}}), three_heads),
  };
}

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families = make_families();
  return families;
}

}  // namespace pare::model::mixture
