// Reads two masks piece by piece and counts what each keeps.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/parallel.h"
#include "pare/error.h"
#include "pare/mask_file.h"
#include "prune/masks/mask_source.h"
#include "stats/tensor_pieces.h"

namespace pare {
namespace {

using prune::MaskSource;

/// "model.layers.3" of "model.layers.3.mlp.up_proj.weight"; the whole name if no part of it is a number.
std::string layer_of(const std::string& name) {
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    const std::string_view part = std::string_view(name).substr(begin, end - begin);
    if (!part.empty() && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; }))
      return name.substr(0, end);
    begin = end + 1;
  }
  return name;
}

/// A tensor that both masks have.
struct CommonTensor {
  const MaskSource::Tensor *first, *second;
};

std::vector<CommonTensor> pair_tensors(const MaskSource& first, const MaskSource& second, MaskComparison& comparison) {
  std::unordered_map<std::string, const MaskSource::Tensor*> others;
  for (const MaskSource::Tensor& tensor : second.tensors()) others.emplace(tensor.name, &tensor);
  std::vector<CommonTensor> pairs;
  for (const MaskSource::Tensor& tensor : first.tensors()) {
    const auto found = others.find(tensor.name);
    if (found == others.end()) {
      comparison.only_first.push_back(tensor.name);
      continue;
    }
    pairs.push_back({&tensor, found->second});
    others.erase(found);
    if (tensor.view.shape != pairs.back().second->view.shape)
      throw Error(ErrorCode::kMismatch, second.where(), tensor.name,
                  fmt::format("has another shape than in {} (expected [{}], found [{}])", first.where(),
                              fmt::join(tensor.view.shape, ", "), fmt::join(pairs.back().second->view.shape, ", ")));
  }
  for (const MaskSource::Tensor& tensor : second.tensors())
    if (others.contains(tensor.name)) comparison.only_second.push_back(tensor.name);
  if (pairs.empty()) throw Error(ErrorCode::kMismatch, second.where(), "has no tensor in common with " + first.where());
  return pairs;
}

struct KeptCounts {
  std::uint64_t first = 0, second = 0, both = 0;
};

KeptCounts count_kept(const std::vector<std::uint8_t>& first, const std::vector<std::uint8_t>& second) {
  KeptCounts counts;
  for (std::size_t i = 0; i < first.size(); ++i) {
    counts.first += first[i];
    counts.second += second[i];
    counts.both += first[i] & second[i];
  }
  return counts;
}

void add_up(MaskComparison& comparison) {
  std::unordered_map<std::string, std::size_t> layers;
  for (const MaskAgreement& tensor : comparison.tensors) {
    const std::string layer = layer_of(tensor.name);
    const auto [found, fresh] = layers.try_emplace(layer, comparison.layers.size());
    if (fresh) comparison.layers.emplace_back().name = layer;
    comparison.layers[found->second] += tensor;
    comparison.overall += tensor;
  }
}

}  // namespace

MaskAgreement& MaskAgreement::operator+=(const MaskAgreement& other) noexcept {
  elements += other.elements;
  kept_first += other.kept_first;
  kept_second += other.kept_second;
  kept_both += other.kept_both;
  return *this;
}

double MaskAgreement::jaccard() const noexcept {
  return kept_either() == 0 ? 1 : static_cast<double>(kept_both) / static_cast<double>(kept_either());
}

MaskComparison compare_masks(const std::string& first, const std::string& second, const ModelOptions& options,
                             const Context& context) {
  const MaskSource one(first, options, context), other(second, options, context);
  MaskComparison comparison;
  comparison.first = first;
  comparison.second = second;
  const std::vector<CommonTensor> pairs = pair_tensors(one, other, comparison);
  std::vector<TensorView> tensors, packed;
  for (const CommonTensor& pair : pairs) {
    tensors.push_back(pair.first->view);
    packed.insert(packed.end(), {pair.first->view, pair.second->view});
  }
  decode_packed(packed, context.with_progress({}));
  const std::vector<stats::Piece> pieces = stats::cut_into_pieces(tensors);
  std::vector<KeptCounts> counts(pieces.size());
  std::vector<std::vector<std::uint8_t>> buffers(2 * base::thread_count(context));
  base::parallel_for(pieces.size(), context, [&](std::size_t item, unsigned worker) {
    const stats::Piece& piece = pieces[item];
    std::vector<std::uint8_t>&left = buffers[2 * worker], &right = buffers[2 * worker + 1];
    left.resize(piece.count);
    right.resize(piece.count);
    one.read(*pairs[piece.tensor].first, piece.begin, piece.count, left.data());
    other.read(*pairs[piece.tensor].second, piece.begin, piece.count, right.data());
    counts[item] = count_kept(left, right);
    context.report(static_cast<double>(item) / static_cast<double>(pieces.size()));
  });
  one.checkpoint().require_unchanged();
  other.checkpoint().require_unchanged();
  for (const CommonTensor& pair : pairs)
    comparison.tensors.push_back({pair.first->name, pair.first->view.elements(), 0, 0, 0});
  for (std::size_t i = 0; i < pieces.size(); ++i)
    comparison.tensors[pieces[i].tensor] += {{}, 0, counts[i].first, counts[i].second, counts[i].both};
  add_up(comparison);
  return comparison;
}

}  // namespace pare
