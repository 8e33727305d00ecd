// A small model in memory for tests of the report, and its pruned values, computed by simple loops.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "pare/prune.h"
#include "support/tensors.h"

namespace pare::test {

/// An embedding, three layers of two matrices and a bias each, and a norm.
class TinyModel {
 public:
  explicit TinyModel(std::string title = "tiny", DType dtype = DType::kF32, bool wild = false) {
    add(random_tensor(dtype, 660, 1, wild, "wte.weight"), Group::kEmbedding, -1, false);
    for (int layer = 0; layer < 3; ++layer) {
      const std::string prefix = "h." + std::to_string(layer) + '.';
      const auto seed = static_cast<std::uint64_t>(10 * layer);
      add(random_tensor(dtype, 900, seed + 2, wild, prefix + "attn.c_proj.weight"), Group::kAttentionO, layer, true);
      add(random_tensor(dtype, 1500, seed + 3, wild, prefix + "mlp.c_fc.weight"), Group::kFeedForward, layer, true);
      add(random_tensor(dtype, 30, seed + 4, wild, prefix + "mlp.c_fc.bias"), Group::kBias, layer, false);
    }
    add(random_tensor(dtype, 30, 5, wild, "ln_f.weight"), Group::kNorm, -1, false);
    title_ = std::move(title);
  }

  Model model() const {
    std::vector<TensorView> views;
    CheckpointFile file;
    file.output_name = "model.safetensors";
    for (const OwnedTensor& owner : owners_) {
      file.tensors.push_back(views.size());
      views.push_back(owner.view());
      if (owner.view().name != "ln_f.weight") views.back().shape = {30, owner.view().elements() / 30};
    }
    Model model{.title = title_,
                .source = "tiny",
                .architecture = "TinyModel",
                .model_type = "tiny",
                .checkpoint = Checkpoint::from_tensors(views, {file}, ".", nullptr),
                .parameters = parameters_,
                .left_out = {},
                .missing = {},
                .notes = {"A note with *stars*."},
                .side_files = {},
                .config = "{}\n"};
    return model;
  }

  /// Values of every tensor, in order.
  std::vector<std::vector<double>> values() const {
    std::vector<std::vector<double>> result;
    for (const OwnedTensor& owner : owners_) result.push_back(values_of(owner.view()));
    return result;
  }

  /// The same after `fraction` of the prunable weights was pruned, smallest first, with ties and NaN as in torch.topk.
  std::vector<std::vector<double>> pruned(double fraction, Scope scope) const {
    std::vector<std::vector<double>> result = values();
    std::vector<std::pair<std::size_t, std::size_t>> places;
    const auto cut = [&] {
      const auto size = [&](const auto& place) {
        const double value = std::abs(result[place.first][place.second]);
        return std::isnan(value) ? std::pair(1, 0.0) : std::pair(0, value);
      };
      std::stable_sort(places.begin(), places.end(), [&](const auto& a, const auto& b) { return size(a) < size(b); });
      const auto k = static_cast<std::size_t>(std::nearbyint(fraction * static_cast<double>(places.size())));
      for (std::size_t i = 0; i < k; ++i) result[places[i].first][places[i].second] = 0;
      places.clear();
    };
    for (std::size_t t = 0; t < owners_.size(); ++t) {
      if (!parameters_[t].prunable) continue;
      for (std::size_t i = 0; i < result[t].size(); ++i) places.emplace_back(t, i);
      if (scope == Scope::kPerTensor) cut();
    }
    if (scope == Scope::kGlobal) cut();
    return result;
  }

  const std::vector<Parameter>& parameters() const { return parameters_; }

 private:
  void add(OwnedTensor tensor, Group group, int layer, bool prunable) {
    Parameter parameter;
    parameter.name = tensor.view().name;
    parameter.tensor = owners_.size();
    parameter.group = group;
    parameter.layer = layer;
    parameter.prunable = prunable;
    parameters_.push_back(parameter);
    owners_.push_back(std::move(tensor));
  }

  std::string title_;
  std::vector<OwnedTensor> owners_;
  std::vector<Parameter> parameters_;
};

/// #{|w| > c}, or #{not (0 <= w < c)} without NaN; c rounded to float, which is right for F32 alone.
inline std::uint64_t count_big(const std::vector<double>& values, Measure measure, double cutoff) {
  const auto c = static_cast<double>(static_cast<float>(cutoff));
  return static_cast<std::uint64_t>(std::count_if(values.begin(), values.end(), [&](double value) {
    if (std::isnan(value)) return false;
    return measure == Measure::kMagnitude ? std::abs(value) > c : !(value >= 0 && value < c);
  }));
}

inline std::uint64_t count_zeros(const std::vector<double>& values) {
  return static_cast<std::uint64_t>(std::count(values.begin(), values.end(), 0.0));
}

}  // namespace pare::test
