// GPT-2 (Radford et al. 2019), as transformers' GPT2Model lays it out. The study read it so: without
// the "transformer." that GPT2LMHeadModel puts before every name.
#include "model/resolver.h"
#include "model/table.h"

namespace pare::model {
namespace {

const std::vector<Row> kBefore{{"wte.weight", Role::kEmbedding}, {"wpe.weight", Role::kEmbedding}};
const std::vector<Row> kBlock{
    {"ln_1.weight", Role::kNorm},
    {"ln_1.bias", Role::kBias},
    {"attn.c_attn.weight", Role::kConvQkv},
    {"attn.c_attn.bias", Role::kBias},
    {"attn.c_proj.weight", Role::kConvO},
    {"attn.c_proj.bias", Role::kBias},
    {"ln_2.weight", Role::kNorm},
    {"ln_2.bias", Role::kBias},
    {"mlp.c_fc.weight", Role::kConvFeedForward},
    {"mlp.c_fc.bias", Role::kBias},
    {"mlp.c_proj.weight", Role::kConvFeedForward},
    {"mlp.c_proj.bias", Role::kBias},
};
const std::vector<Row> kAfter{{"ln_f.weight", Role::kNorm}, {"ln_f.bias", Role::kBias}};

}  // namespace

std::optional<Architecture> gpt2_architecture(const std::string& class_name, const Config& config, const Names& names) {
  const bool lm_class = class_name == "GPT2LMHeadModel";
  if (!class_name.empty() && class_name != "GPT2Model" && !lm_class) return std::nullopt;
  const std::string prefix = lm_class ? "transformer." : "";
  Architecture architecture;
  architecture.class_name = lm_class ? class_name : "GPT2Model";
  append_rows(architecture, prefix, kBefore);
  const unsigned blocks = block_count(config, {"n_layer", "num_hidden_layers"}, names.count_blocks("h."));
  for (unsigned i = 0; i < blocks; ++i) append_rows(architecture, prefix + "h.{i}.", kBlock, static_cast<int>(i));
  append_rows(architecture, prefix, kAfter);
  for (Expected& expected : architecture.parameters) {
    const std::string bare = expected.name.substr(prefix.size());
    expected.spellings = {bare, "transformer." + bare};
  }
  if (head_is_tied(config, names, "lm_head.weight", "wte.weight", "transformer.wte.weight")) {
    architecture.ties.emplace_back("lm_head.weight", prefix + "wte.weight");
  } else {
    append_rows(architecture, "", {{"lm_head.weight", Role::kHead}});
  }
  architecture.buffers = {"*h.*.attn.bias", "*h.*.attn.masked_bias"};
  return architecture;
}

}  // namespace pare::model
