#include "prune/criteria/cut_given.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_map>

#include "base/file_map.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "base/pieces.h"
#include "pare/error.h"
#include "prune/masks/count_zeros.h"
#include "prune/masks/mask_source.h"
#include "stats/tensor_pieces.h"

namespace pare::prune {
namespace {

/// Tensors of a mask by the parameters that they are for.
using ByParameter = std::map<std::size_t, const MaskSource::Tensor*>;

/// Index of a parameter by its name, or by a name that the files give its tensor.
std::unordered_map<std::string_view, std::size_t> parameters_by_name(const Model& model) {
  std::unordered_map<std::string_view, std::size_t> indices;
  for (std::size_t i = 0; i < model.parameters.size(); ++i) indices.emplace(model.parameters[i].name, i);
  for (std::size_t i = 0; i < model.parameters.size(); ++i) {
    indices.emplace(model.tensor(model.parameters[i]).name, i);
    for (const std::size_t copy : model.parameters[i].copies) indices.emplace(model.checkpoint.tensors()[copy].name, i);
  }
  return indices;
}

void require_fit(const Model& model, const TensorView& tensor, const MaskSource& source,
                 const MaskSource::Tensor& mask) {
  if (tensor.shape != mask.view.shape)
    throw Error(ErrorCode::kMismatch, source.where(), mask.name,
                fmt::format("the mask has another shape than the weights of {} (expected [{}], found [{}])",
                            model.title, fmt::join(tensor.shape, ", "), fmt::join(mask.view.shape, ", ")));
  if (!is_analyzed(tensor.dtype))
    throw Error(ErrorCode::kUnsupported, model.source, tensor.name,
                fmt::format("dtype {} cannot be pruned", dtype_name(tensor.dtype)));
}

ByParameter match(const Model& model, const MaskSource& source) {
  const auto indices = parameters_by_name(model);
  ByParameter masks;
  for (const MaskSource::Tensor& mask : source.tensors()) {
    const auto found = indices.find(mask.name);
    if (found == indices.end())
      throw Error(ErrorCode::kMismatch, source.where(), mask.name,
                  fmt::format("the mask is for a tensor that is not a parameter of {}", model.title));
    require_fit(model, model.tensor(model.parameters[found->second]), source, mask);
    if (!masks.emplace(found->second, &mask).second)
      throw Error(ErrorCode::kMismatch, source.where(), mask.name,
                  fmt::format("is a second mask of {}", model.parameters[found->second].name));
  }
  return masks;
}

/// Keeps those that the filters of the options select or, without filters, notes which matrices have no mask.
void apply_filters(const Model& model, const PruneOptions& options, ByParameter& masks, PrunePlan& plan) {
  PruneOptions filters = options;
  filters.criterion = Criterion::kMagnitude;
  if (options.include.empty() && options.exclude.empty() && options.groups.empty()) {
    std::vector<std::string> names;
    for (const Parameter& parameter : model.parameters)
      if (parameter.prunable && !masks.contains(static_cast<std::size_t>(&parameter - model.parameters.data())))
        names.push_back(parameter.name);
    if (names.empty()) return;
    plan.notes.push_back(names.size() == 1
                             ? fmt::format("the mask says nothing of {}, which stays as it is", names[0])
                             : fmt::format("the mask says nothing of {} matrices, which stay as they "
                                           "are: {}, {}{}",
                                           names.size(), names[0], names[1], names.size() == 2 ? "" : ", ..."));
    return;
  }
  const std::vector<std::size_t> selected = select_parameters(model, filters);
  std::erase_if(masks,
                [&](const auto& mask) { return !std::binary_search(selected.begin(), selected.end(), mask.first); });
  if (masks.empty())
    throw Error(ErrorCode::kArgument, model.title + ": nothing to prune: the mask says nothing of what is selected");
}

MaskRecord record_of(const MaskSource& source, const Context& context) {
  const std::filesystem::path path(source.where());
  MaskRecord record{path.filename().empty() ? path.parent_path().filename().string() : path.filename().string(), 0, {}};
  if (!source.is_file()) return record;
  const auto map = base::FileMap::open(path);
  base::Hash128 hash;
  for (auto bytes = map->bytes(); !bytes.empty();
       bytes = bytes.subspan(std::min(bytes.size(), base::kFilePieceBytes))) {
    context.check();
    hash.add(bytes.first(std::min(bytes.size(), base::kFilePieceBytes)));
  }
  record.bytes = map->bytes().size();
  record.xxh3_128 = hash.hex();
  return record;
}

/// The cuts of all masks, in the order of the plan's parameters.
std::vector<TensorCut> cuts_of(const MaskSource& source, const ByParameter& masks, const Context& context) {
  std::vector<const MaskSource::Tensor*> tensors;
  std::vector<TensorView> views;
  std::vector<Mask::Bits> bits;
  for (const auto& [parameter, mask] : masks) {
    tensors.push_back(mask);
    views.push_back(mask->view);
    bits.emplace_back().removed.resize((mask->view.elements() + 63) / 64);
  }
  decode_packed(views, context);
  // Pieces begin at multiples of 64 elements, so that no two threads write into one word.
  static_assert(base::kPieceElements % 64 == 0);
  const std::vector<stats::Piece> pieces = stats::cut_into_pieces(views);
  std::vector<std::uint64_t> counts(pieces.size());
  std::vector<std::vector<std::uint8_t>> buffers(base::thread_count(context));
  base::parallel_for(pieces.size(), context, [&](std::size_t item, unsigned worker) {
    const stats::Piece& piece = pieces[item];
    std::vector<std::uint8_t>& kept = buffers[worker];
    kept.resize(piece.count);
    source.read(*tensors[piece.tensor], piece.begin, piece.count, kept.data());
    std::uint64_t* words = bits[piece.tensor].removed.data() + piece.begin / 64;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      words[i / 64] |= std::uint64_t{kept[i] ^ 1U} << i % 64;
      counts[item] += kept[i] ^ 1U;
    }
  });
  std::vector<TensorCut> cuts(bits.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) cuts[pieces[i].tensor].pruned += counts[i];
  for (std::size_t i = 0; i < cuts.size(); ++i)
    if (cuts[i].pruned != 0) cuts[i].mask = std::move(bits[i]);
  return cuts;
}

void require_alone(const PruneOptions& options) {
  if (options.mask.empty()) throw Error(ErrorCode::kArgument, "the criterion mask needs a mask file or a sparse model");
  if (!options.levels.empty() || !options.sets.empty() || options.pattern != Pattern())
    throw Error(ErrorCode::kArgument, "a mask determines what is pruned, so there is no level or pattern to choose");
}

}  // namespace

PrunePlan plan_given(const Model& model, const PruneOptions& options, const Context& context) {
  require_alone(options);
  const MaskSource source(options.mask, {}, context);
  PrunePlan plan;
  plan.options = options;
  plan.options.scope = Scope::kPerTensor;
  ByParameter masks = match(model, source);
  apply_filters(model, options, masks, plan);
  std::vector<TensorView> tensors;
  for (const auto& [parameter, mask] : masks) {
    plan.parameters.push_back(parameter);
    tensors.push_back(model.tensor(model.parameters[parameter]));
    plan.candidates += tensors.back().elements();
  }
  plan.mask = record_of(source, context);
  decode_packed(tensors, context);
  plan.zeros_before = count_zeros(tensors, context);
  LevelPlan& level = plan.levels.emplace_back();
  level.cuts = cuts_of(source, masks, context);
  source.checkpoint().require_unchanged();
  std::uint64_t pruned = 0;
  for (const TensorCut& cut : level.cuts) pruned += cut.pruned;
  const double fraction = plan.candidates == 0 ? 0 : static_cast<double>(pruned) / static_cast<double>(plan.candidates);
  level.amount = {fraction, std::nullopt, fmt::format("{:.4g}", 100 * fraction)};
  set_zeros(plan, tensors, context.alone());
  return plan;
}

}  // namespace pare::prune
