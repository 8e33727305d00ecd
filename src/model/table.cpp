#include "model/table.h"

#include <algorithm>
#include <charconv>

#include "pare/error.h"

namespace pare::model {
namespace {

constexpr unsigned kMostBlocks = 10'000;

std::string with_index(std::string_view pattern, int layer) {
  std::string name(pattern);
  if (const auto at = name.find("{i}"); at != std::string::npos) name.replace(at, 3, std::to_string(layer));
  return name;
}

}  // namespace

Names::Names(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

bool Names::has_ending(std::string_view ending) const {
  return std::any_of(checkpoint_.tensors().begin(), checkpoint_.tensors().end(), [ending](const TensorView& tensor) {
    const std::string_view name = tensor.name;
    return name.ends_with(ending) && (name.size() == ending.size() || name[name.size() - ending.size() - 1] == '.');
  });
}

unsigned Names::count_blocks(std::string_view before) const {
  unsigned count = 0;
  for (const TensorView& tensor : checkpoint_.tensors()) {
    const std::string_view name = tensor.name;
    for (auto at = name.find(before); at != std::string_view::npos; at = name.find(before, at + 1)) {
      if (at != 0 && name[at - 1] != '.') continue;
      unsigned index = 0;
      const char* begin = name.data() + at + before.size();
      const auto [end, error] = std::from_chars(begin, name.data() + name.size(), index);
      if (error != std::errc() || end == name.data() + name.size() || *end != '.') continue;
      if (index >= kMostBlocks) throw Error({}, tensor.name, "a model cannot have so many blocks");
      count = std::max(count, index + 1);
    }
  }
  return count;
}

void append_rows(Architecture& architecture, std::string_view prefix, const std::vector<Row>& rows, int layer,
                 const std::string& stack, bool cross_attention) {
  for (const Row& row : rows) {
    Expected expected;
    expected.name = with_index(prefix, layer) + std::string(row.name);
    expected.role = row.role;
    expected.stack = stack;
    expected.layer = layer;
    expected.cross_attention = cross_attention;
    architecture.parameters.push_back(std::move(expected));
  }
}

Group group_of(Role role) noexcept {
  switch (role) {
    case Role::kEmbedding: return Group::kEmbedding;
    case Role::kPositionBias: return Group::kPositionBias;
    case Role::kQ: return Group::kAttentionQ;
    case Role::kK: return Group::kAttentionK;
    case Role::kV: return Group::kAttentionV;
    case Role::kO:
    case Role::kConvO: return Group::kAttentionO;
    case Role::kConvQkv: return Group::kAttentionQkv;
    case Role::kFeedForward:
    case Role::kConvFeedForward: return Group::kFeedForward;
    case Role::kNorm: return Group::kNorm;
    case Role::kBias: return Group::kBias;
    case Role::kHead: return Group::kHead;
  }
  return Group::kOther;
}

Orientation orientation_of(Role role) noexcept {
  switch (role) {
    case Role::kConvQkv:
    case Role::kConvO:
    case Role::kConvFeedForward: return Orientation::kInOut;
    case Role::kEmbedding:
    case Role::kPositionBias:
    case Role::kNorm:
    case Role::kBias: return Orientation::kNone;
    default: return Orientation::kOutIn;
  }
}

bool is_prunable(Role role) noexcept { return orientation_of(role) != Orientation::kNone; }

std::string family_of(const std::string& model_type, const Names& names) {
  for (const char* known : {"gpt2", "bert", "roberta", "xlm-roberta", "camembert", "electra", "distilbert", "t5", "encoder-decoder"})
    if (model_type == known) return known;
  if (model_type == "mt5") return "t5";
  if (!model_type.empty()) return {};
  if (names.has_ending("h.0.attn.c_attn.weight") || names.has_ending("wte.weight")) return "gpt2";
  if (names.has_ending("encoder.block.0.layer.0.SelfAttention.q.weight")) return "t5";
  if (names.has_ending("transformer.layer.0.attention.q_lin.weight")) return "distilbert";
  if (names.has("encoder.encoder.layer.0.attention.self.query.weight") && names.has_ending("crossattention.self.query.weight"))
    return "encoder-decoder";
  if (!names.has_ending("encoder.layer.0.attention.self.query.weight")) return {};
  for (const char* family : {"roberta", "electra"})
    if (names.has(std::string(family) + ".encoder.layer.0.attention.self.query.weight")) return family;
  return "bert";
}

}  // namespace pare::model
