#include "model/gguf/gguf_names.h"

#include <algorithm>
#include <cctype>

namespace pare::model {
namespace {

using enum GgufChange;

constexpr GgufName kOutside[] = {
    {"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm"}, {"output", "lm_head"}};
constexpr GgufName kOutsideOffset[] = {
    {"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm", kOffset}, {"output", "lm_head"}};
constexpr GgufName kOutsideGpt2[] = {{"token_embd", "transformer.wte"},
                                     {"position_embd", "transformer.wpe"},
                                     {"output_norm", "transformer.ln_f"},
                                     {"output", "lm_head"}};

constexpr GgufName kLlamaLayer[] = {
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj", kQueryRows},
    {"attn_k", "self_attn.k_proj", kKeyRows},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
};
constexpr GgufName kQwenLayer[] = {
    {"attn_norm", "input_layernorm"},    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},      {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"}, {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"}, {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},       {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
};
constexpr GgufName kGemmaLayer[] = {
    {"attn_norm", "input_layernorm", kOffset},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"attn_q_norm", "self_attn.q_norm", kOffset},
    {"attn_k_norm", "self_attn.k_norm", kOffset},
    {"post_attention_norm", "post_attention_layernorm", kOffset},
    {"ffn_norm", "pre_feedforward_layernorm", kOffset},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
    {"post_ffw_norm", "post_feedforward_layernorm", kOffset},
};
constexpr GgufName kPhi3Layer[] = {
    {"attn_norm", "input_layernorm"},         {"attn_qkv", "self_attn.qkv_proj"}, {"attn_output", "self_attn.o_proj"},
    {"ffn_norm", "post_attention_layernorm"}, {"ffn_up", "mlp.gate_up_proj"},     {"ffn_down", "mlp.down_proj"},
};
constexpr GgufName kStarcoder2Layer[] = {
    {"attn_norm", "input_layernorm"}, {"attn_q", "self_attn.q_proj"},      {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},   {"attn_output", "self_attn.o_proj"}, {"ffn_norm", "post_attention_layernorm"},
    {"ffn_up", "mlp.c_fc"},           {"ffn_down", "mlp.c_proj"},
};
constexpr GgufName kGpt2Layer[] = {
    {"attn_norm", "ln_1"}, {"attn_qkv", "attn.c_attn", kTransposed}, {"attn_output", "attn.c_proj", kTransposed},
    {"ffn_norm", "ln_2"},  {"ffn_up", "mlp.c_fc", kTransposed},      {"ffn_down", "mlp.c_proj", kTransposed},
};

constexpr GgufSetting kLlamaSettings[] = {
    {"context_length", "max_position_embeddings"},
    {"block_count", "num_hidden_layers"},
    {"feed_forward_length", "intermediate_size"},
    {"embedding_length", "hidden_size"},
    {"rope.dimension_count", "head_dim"},
    {"rope.freq_base", "rope_theta"},
    {"attention.head_count", "num_attention_heads"},
    {"attention.head_count_kv", "num_key_value_heads"},
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps"},
    {"vocab_size", "vocab_size"},
};
constexpr GgufSetting kQwenSettings[] = {
    {"context_length", "max_position_embeddings"},
    {"block_count", "num_hidden_layers"},
    {"feed_forward_length", "intermediate_size"},
    {"embedding_length", "hidden_size"},
    {"rope.freq_base", "rope_theta"},
    {"attention.head_count", "num_attention_heads"},
    {"attention.head_count_kv", "num_key_value_heads"},
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps"},
    {"vocab_size", "vocab_size"},
};
/// transformers leaves Qwen3's width of a head at its default, 128; the file states it.
constexpr GgufSetting kQwen3Settings[] = {
    {"context_length", "max_position_embeddings"},
    {"block_count", "num_hidden_layers"},
    {"feed_forward_length", "intermediate_size"},
    {"embedding_length", "hidden_size"},
    {"rope.freq_base", "rope_theta"},
    {"attention.key_length", "head_dim"},
    {"attention.head_count", "num_attention_heads"},
    {"attention.head_count_kv", "num_key_value_heads"},
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps"},
    {"vocab_size", "vocab_size"},
};
constexpr GgufSetting kGemmaSettings[] = {
    {"context_length", "max_position_embeddings"},
    {"block_count", "num_hidden_layers"},
    {"feed_forward_length", "intermediate_size"},
    {"embedding_length", "hidden_size"},
    {"rope.freq_base", "rope_theta"},
    {"attention.key_length", "head_dim"},
    {"attention.head_count", "num_attention_heads"},
    {"attention.head_count_kv", "num_key_value_heads"},
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps"},
    {"attention.sliding_window", "sliding_window"},
    {"vocab_size", "vocab_size"},
};
constexpr GgufSetting kStarcoder2Settings[] = {
    {"block_count", "num_hidden_layers"},
    {"context_length", "max_position_embeddings"},
    {"embedding_length", "hidden_size"},
    {"feed_forward_length", "intermediate_size"},
    {"attention.head_count", "num_attention_heads"},
    {"attention.head_count_kv", "num_key_value_heads"},
    {"attention.layer_norm_epsilon", "norm_epsilon"},
    {"rope.freq_base", "rope_theta"},
};
constexpr GgufSetting kGpt2Settings[] = {
    {"block_count", "n_layer"},         {"context_length", "n_positions"},
    {"embedding_length", "n_embd"},     {"feed_forward_length", "n_inner"},
    {"attention.head_count", "n_head"}, {"attention.layer_norm_epsilon", "layer_norm_epsilon"},
};

constexpr std::string_view kModelLayers = "model.layers.";
constexpr GgufArchitecture kGgufArchitectures[] = {
    {"llama", "llama", "LlamaForCausalLM", kModelLayers, kOutside, kLlamaLayer, kLlamaSettings},
    {"qwen2", "qwen2", "Qwen2ForCausalLM", kModelLayers, kOutside, kQwenLayer, kQwenSettings},
    {"qwen3", "qwen3", "Qwen3ForCausalLM", kModelLayers, kOutside, kQwenLayer, kQwen3Settings},
    {"gemma2", "gemma2", "Gemma2ForCausalLM", kModelLayers, kOutsideOffset, kGemmaLayer, kGemmaSettings},
    {"gemma3", "gemma3_text", "Gemma3ForCausalLM", kModelLayers, kOutsideOffset, kGemmaLayer, kGemmaSettings},
    {"phi3", "phi3", "Phi3ForCausalLM", kModelLayers, kOutside, kPhi3Layer, kQwenSettings},
    {"starcoder2", "starcoder2", "Starcoder2ForCausalLM", kModelLayers, kOutside, kStarcoder2Layer,
     kStarcoder2Settings},
    {"gpt2", "gpt2", "GPT2LMHeadModel", "transformer.h.", kOutsideGpt2, kGpt2Layer, kGpt2Settings},
};

/// "blk.3.attn_q.weight" is {"3.", "attn_q", ".weight"} behind its prefix; outside the layers, `layer` is empty.
struct NameParts {
  std::string_view layer, stem, ending;
};

NameParts split_name(std::string_view name, std::string_view layers) {
  NameParts parts{{}, name, {}};
  if (name.starts_with(layers)) {
    const std::string_view rest = name.substr(layers.size());
    const std::size_t dot = rest.find('.');
    if (dot != std::string_view::npos && dot > 0 &&
        std::all_of(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(dot),
                    [](unsigned char c) { return std::isdigit(c) != 0; })) {
      parts.layer = rest.substr(0, dot + 1);
      parts.stem = rest.substr(dot + 1);
    }
  }
  for (const std::string_view ending : {".weight", ".bias"})
    if (parts.stem.ends_with(ending)) {
      parts.ending = ending;
      parts.stem.remove_suffix(ending.size());
      break;
    }
  return parts;
}

GgufTarget join(std::string_view layers, const NameParts& parts, std::string_view stem, GgufChange change) {
  if (parts.ending == ".bias" && change == kTransposed) change = kNone;
  std::string name(parts.layer.empty() ? std::string_view() : layers);
  return {name.append(parts.layer).append(stem).append(parts.ending), change};
}

}  // namespace

const GgufArchitecture* find_gguf_architecture(std::string_view name) noexcept {
  for (const GgufArchitecture& architecture : kGgufArchitectures)
    if (architecture.name == name) return &architecture;
  return nullptr;
}

std::optional<GgufTarget> transformers_name(const GgufArchitecture& architecture, std::string_view gguf_name) {
  const NameParts parts = split_name(gguf_name, "blk.");
  if (parts.ending.empty()) return std::nullopt;
  for (const GgufName& row : parts.layer.empty() ? architecture.outside : architecture.in_layer)
    if (row.gguf == parts.stem) return join(architecture.layers, parts, row.transformers, row.change);
  return std::nullopt;
}

std::optional<GgufTarget> gguf_name(const GgufArchitecture& architecture, std::string_view transformers_name) {
  for (const char* prefix : {"", "model.", "transformer."}) {  // a class without a head has none
    const std::string name = prefix + std::string(transformers_name);
    const NameParts parts = split_name(name, architecture.layers);
    if (parts.ending.empty()) continue;
    for (const GgufName& row : parts.layer.empty() ? architecture.outside : architecture.in_layer)
      if (row.transformers == parts.stem) return join("blk.", parts, row.gguf, row.change);
  }
  return std::nullopt;
}

}  // namespace pare::model
