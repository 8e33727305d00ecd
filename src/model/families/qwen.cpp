// Qwen 2 (2024), whose queries, keys and values have biases, and Qwen 3 (2025), which has norms of queries and keys
// instead.
#include "model/families/decoder.h"

namespace pare::model::qwen {
namespace {

const Rows kProjections{
    {"q_proj.weight", Role::kQ},  {"q_proj.bias", Role::kBias}, {"k_proj.weight", Role::kK},
    {"k_proj.bias", Role::kBias}, {"v_proj.weight", Role::kV},  {"v_proj.bias", Role::kBias},
    {"o_proj.weight", Role::kO},
};
std::vector<Family> make_families() {
  const std::vector<Task> tasks = decoder_tasks(
      {"Model", "ForCausalLM", "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering"});
  return {
      {.model_type = "qwen2",
       .stem = "Qwen2",
       .prefix = "model.",
       .tasks = tasks,
       .bodies = {decoder_body({{"self_attn.", kProjections}, {"mlp.", plain_feed_forward()}, {"", two_norms()}})},
       .tied_by_default = false},
      {.model_type = "qwen3",
       .stem = "Qwen3",
       .prefix = "model.",
       .tasks = tasks,
       .bodies = {decoder_body({{"self_attn.", split_projections()},
                                {"self_attn.", query_key_norms()},
                                {"mlp.", plain_feed_forward()},
                                {"", two_norms()}})},
       .tied_by_default = false},
  };
}

}  // namespace

const std::vector<Family>& tables() {
  static const std::vector<Family> families = make_families();
  return families;
}

}  // namespace pare::model::qwen
