// Which axis of a matrix is its inputs, told by what else the files hold.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_map>

#include "model/resolver.h"

namespace pare::model {
namespace {

/// What transformers calls its Conv1D layers, and nanoGPT its Linear ones.
bool has_conv_name(std::string_view name) {
  for (const char* module : {"c_attn.weight", "q_attn.weight", "c_fc.weight", "c_proj.weight"})
    if (name.ends_with(module)) return true;
  return false;
}

enum class Direction : std::uint8_t { kUnknown, kFromWidth, kToWidth };

/// Whether the inputs or the outputs of a layer are those between blocks. Names tell the second layer of a feed-forward
/// block from the first.
Direction direction_of(const Parameter& parameter) {
  switch (parameter.group) {
    case Group::kAttentionQ:
    case Group::kAttentionK:
    case Group::kAttentionV:
    case Group::kAttentionQkv:
      return parameter.cross_attention ? Direction::kUnknown : Direction::kFromWidth;
    case Group::kAttentionO:
      return Direction::kToWidth;
    case Group::kFeedForward:
      for (const char* second :
           {"c_proj.weight", "down_proj.weight", "fc2.weight", ".wo.weight", "output.dense.weight"})
        if (parameter.name.ends_with(second)) return Direction::kToWidth;
      for (const char* first : {"c_fc.weight", "up_proj.weight", "gate_proj.weight", "fc1.weight", ".wi.weight",
                                "intermediate.dense.weight"})
        if (parameter.name.ends_with(first)) return Direction::kFromWidth;
      return Direction::kUnknown;
    default:
      return Direction::kUnknown;
  }
}

Orientation opposite(Orientation orientation) {
  return orientation == Orientation::kOutIn ? Orientation::kInOut : Orientation::kOutIn;
}

class Evidence {
 public:
  explicit Evidence(const Model& model) : model_(model) {
    std::map<std::uint64_t, std::size_t> widths;
    for (const Parameter& parameter : model.parameters) {
      const TensorView& tensor = model.tensor(parameter);
      if (tensor.shape.size() != 1) continue;
      sizes_.emplace(parameter.name, tensor.shape[0]);
      if (parameter.group == Group::kNorm) ++widths[tensor.shape[0]];
    }
    const auto most = std::max_element(widths.begin(), widths.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most != widths.end()) width_ = most->first;
  }

  /// What the sizes show; kNone if they fit both.
  Orientation of(const Parameter& parameter) const {
    const std::vector<std::uint64_t>& shape = model_.tensor(parameter).shape;
    if (shape.size() != 2 || shape[0] == shape[1]) return Orientation::kNone;
    const auto which = [&](std::uint64_t outputs) {
      return shape[0] == outputs ? Orientation::kOutIn : shape[1] == outputs ? Orientation::kInOut : Orientation::kNone;
    };
    constexpr std::string_view kWeight = "weight";
    if (parameter.name.ends_with(kWeight)) {
      const auto bias = sizes_.find(parameter.name.substr(0, parameter.name.size() - kWeight.size()) + "bias");
      if (bias != sizes_.end()) return which(bias->second);
    }
    // Without a bias, names with more than one meaning are told by the width of the model.
    const Direction direction = has_conv_name(parameter.name) ? direction_of(parameter) : Direction::kUnknown;
    if (direction == Direction::kUnknown || width_ == 0) return Orientation::kNone;
    const Orientation shown = which(width_);
    if (shown == Orientation::kNone) return shown;
    return direction == Direction::kToWidth ? shown : opposite(shown);
  }

 private:
  const Model& model_;
  std::unordered_map<std::string_view, std::uint64_t> sizes_;  ///< of vectors
  std::uint64_t width_ = 0;                                    ///< the most frequent size of a norm
};

std::string_view axes(Orientation orientation) {
  return orientation == Orientation::kInOut ? "[in, out]" : "[out, in]";
}

}  // namespace

void settle_orientations(Model& model, bool guessed) {
  const Evidence evidence(model);
  std::size_t votes[2][2] = {{0, 0}, {0, 0}};  // by has_conv_name(); for [out, in] and [in, out]
  std::vector<Orientation> shown(model.parameters.size(), Orientation::kNone);
  const auto is_matrix = [&](const Parameter& parameter) {
    return parameter.orientation != Orientation::kNone && model.tensor(parameter).shape.size() == 2;
  };
  for (std::size_t i = 0; i < model.parameters.size(); ++i) {
    const Parameter& parameter = model.parameters[i];
    if (!is_matrix(parameter)) continue;
    shown[i] = evidence.of(parameter);
    if (shown[i] != Orientation::kNone) ++votes[has_conv_name(parameter.name)][shown[i] == Orientation::kInOut];
  }
  std::size_t changed = 0, assumed = 0;
  Orientation changed_to = Orientation::kNone;
  for (std::size_t i = 0; i < model.parameters.size(); ++i) {
    Parameter& parameter = model.parameters[i];
    if (!is_matrix(parameter)) continue;
    if (shown[i] == Orientation::kNone) {
      const bool conv = has_conv_name(parameter.name);
      const auto& [out_in, in_out] = votes[conv];
      if (conv && out_in > in_out) shown[i] = Orientation::kOutIn;
      // Other names nearly always mean torch.nn.Linear, so that every other matrix must speak against it.
      if (in_out > out_in && (conv || out_in == 0)) shown[i] = Orientation::kInOut;
      assumed += guessed && conv && shown[i] == Orientation::kNone;
    }
    if (shown[i] == Orientation::kNone || shown[i] == parameter.orientation) continue;
    parameter.orientation = changed_to = shown[i];
    ++changed;
  }
  if (changed > 0)
    model.notes.push_back(
        fmt::format("{} matrices are stored as {}, as the sizes of biases and norms show (expected {})", changed,
                    axes(changed_to), axes(opposite(changed_to))));
  if (assumed > 0)
    model.notes.push_back(fmt::format(
        "{} matrices are taken as [out, in], because nothing shows their axes; --as GPT2Model takes them as [in, out]",
        assumed));
}

}  // namespace pare::model
