// T5 (Raffel et al. 2020), v1.0 with one and v1.1 with two (gated) input matrices in feed-forward
// layers. A decoder checkpoint of 2020 may hold EncDecAttention.relative_attention_bias, which no
// class has.
#include "model/resolver.h"
#include "model/table.h"

namespace pare::model {
namespace {

const std::vector<Row> kAttention{
    {"q.weight", Role::kQ}, {"k.weight", Role::kK}, {"v.weight", Role::kV}, {"o.weight", Role::kO}};
const std::vector<Row> kPositionBias{{"relative_attention_bias.weight", Role::kPositionBias}};
const std::vector<Row> kNorm{{"layer_norm.weight", Role::kNorm}};
const std::vector<Row> kPlainFeedForward{{"wi.weight", Role::kFeedForward}, {"wo.weight", Role::kFeedForward}};
const std::vector<Row> kGatedFeedForward{
    {"wi_0.weight", Role::kFeedForward}, {"wi_1.weight", Role::kFeedForward}, {"wo.weight", Role::kFeedForward}};

void append_stack(Architecture& architecture, const std::string& stack, unsigned blocks, bool gated) {
  const bool decoder = stack == "decoder";
  for (unsigned i = 0; i < blocks; ++i) {
    const int layer = static_cast<int>(i);
    const std::string block = stack + ".block.{i}.layer.";
    append_rows(architecture, block + "0.SelfAttention.", kAttention, layer, stack);
    if (i == 0) append_rows(architecture, block + "0.SelfAttention.", kPositionBias, layer, stack);
    append_rows(architecture, block + "0.", kNorm, layer, stack);
    if (decoder) {
      append_rows(architecture, block + "1.EncDecAttention.", kAttention, layer, stack, true);
      append_rows(architecture, block + "1.", kNorm, layer, stack, true);
    }
    const std::string last = block + (decoder ? "2." : "1.");
    append_rows(architecture, last + "DenseReluDense.", gated ? kGatedFeedForward : kPlainFeedForward, layer, stack);
    append_rows(architecture, last, kNorm, layer, stack);
  }
  append_rows(architecture, stack + ".final_", kNorm, -1, stack);
}

}  // namespace

std::optional<Architecture> t5_architecture(const std::string& class_name, const Config& config, const Names& names) {
  const std::string known = class_name.empty() || class_name == "T5WithLMHeadModel" ? "T5ForConditionalGeneration" : class_name;
  const bool with_head = known.ends_with("ForConditionalGeneration");
  const bool encoder_only = known.ends_with("EncoderModel");
  if (!with_head && !encoder_only && !known.ends_with("5Model")) return std::nullopt;
  const bool gated = config.text("feed_forward_proj").value_or("").starts_with("gated") || names.has_ending("DenseReluDense.wi_0.weight");
  Architecture architecture;
  architecture.class_name = known;
  append_rows(architecture, "", {{"shared.weight", Role::kEmbedding}});
  // Some files keep the embedding under one of its tied names only.
  architecture.parameters.front().spellings = {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight"};
  const unsigned encoder_blocks = block_count(config, {"num_layers"}, names.count_blocks("encoder.block."));
  append_stack(architecture, "encoder", encoder_blocks, gated);
  architecture.ties.emplace_back("encoder.embed_tokens.weight", "shared.weight");
  if (!encoder_only) {
    const unsigned decoder_blocks =
        block_count(config, {"num_decoder_layers", "num_layers"}, names.count_blocks("decoder.block."));
    append_stack(architecture, "decoder", decoder_blocks, gated);
    architecture.ties.emplace_back("decoder.embed_tokens.weight", "shared.weight");
  }
  if (with_head && head_is_tied(config, names, "lm_head.weight", "shared.weight")) {
    architecture.ties.emplace_back("lm_head.weight", "shared.weight");
  } else if (with_head) {
    append_rows(architecture, "", {{"lm_head.weight", Role::kHead}});
  }
  return architecture;
}

}  // namespace pare::model
