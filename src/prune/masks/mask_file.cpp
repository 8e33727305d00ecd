#include "pare/mask_file.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/output.h"
#include "base/parallel.h"
#include "base/pieces.h"
#include "checkpoint/safetensors/safetensors_writer.h"
#include "prune/masks/mask_source.h"
#include "stats/float_format.h"
#include "stats/tensor_pieces.h"

namespace pare {
namespace {

/// In the metadata of a mask file, for people and for later versions.
constexpr const char* kMaskVersionKey = "pare.mask";
constexpr const char* kMaskVersion = "1";

/// What each thread needs for its pieces.
struct MaskBuffers {
  std::vector<std::byte> weights;
  std::vector<std::uint8_t> kept;
};

checkpoint::SafetensorsLayout mask_layout(const Model& model, const PrunePlan& plan) {
  std::vector<TensorView> masks;
  for (const std::size_t index : plan.parameters) {
    const Parameter& parameter = model.parameters[index];
    TensorView& mask = masks.emplace_back();
    mask.name = parameter.name;
    mask.dtype = DType::kBool;
    mask.shape = model.tensor(parameter).shape;
    mask.bytes = TensorBytes(static_cast<const std::byte*>(nullptr), model.tensor(parameter).elements());
  }
  std::vector<const TensorView*> views;
  for (const TensorView& mask : masks) views.push_back(&mask);
  // transformers and safetensors.torch read files of the format "pt" only.
  return checkpoint::plan_layout(
      views, {{"format", "pt"}, {kMaskVersionKey, kMaskVersion}, {"architecture", model.architecture}});
}

}  // namespace

std::uint64_t write_mask(const Model& model, const PrunePlan& plan, std::size_t level,
                         const std::filesystem::path& path, bool force, const Context& context) {
  const LevelPlan& chosen = plan.levels.at(level);
  std::vector<TensorView> tensors;
  std::uint64_t total = 0;
  for (const std::size_t parameter : plan.parameters) {
    tensors.push_back(model.tensor(model.parameters[parameter]));
    total += tensors.back().bytes.size();
  }
  decode_packed(tensors, context.with_progress({}));
  const checkpoint::SafetensorsLayout layout = mask_layout(model, plan);
  base::OutputFile file(path, force ? base::Publish::kReplace : base::Publish::kNew);
  file.reserve(layout.file_size);
  file.write_at(0, layout.header);
  const std::vector<stats::Piece> pieces = stats::cut_into_pieces(tensors);
  std::vector<MaskBuffers> buffers(base::thread_count(context));
  std::atomic<std::uint64_t> zeros{0}, done{0};
  base::parallel_for(pieces.size(), context, [&](std::size_t item, unsigned worker) {
    const stats::Piece& piece = pieces[item];
    const TensorView& tensor = tensors[piece.tensor];
    MaskBuffers& own = buffers[worker];
    const std::uint64_t bytes = piece.count * stats::float_format(tensor.dtype).size();
    own.weights.resize(bytes);
    own.kept.resize(piece.count);
    chosen.cuts[piece.tensor].mask.copy(tensor, piece.begin, piece.count, own.weights.data());
    prune::mark_nonzeros(tensor.dtype, own.weights.data(), piece.count, own.kept.data());
    zeros += static_cast<std::uint64_t>(std::count(own.kept.begin(), own.kept.end(), std::uint8_t{0}));
    file.write_at(layout.offsets[piece.tensor] + piece.begin, std::as_bytes(std::span(own.kept)));
    context.report_bytes(done += bytes, total);
  });
  model.checkpoint.require_unchanged();
  file.commit();
  return zeros;
}

std::uint64_t write_mask(const Model& model, const PruneOptions& options, const std::filesystem::path& path, bool force,
                         const Context& context) {
  PruneOptions filters;
  filters.include = options.include;
  filters.exclude = options.exclude;
  filters.groups = options.groups;
  PrunePlan plan;
  plan.parameters = select_parameters(model, filters);
  plan.levels.resize(1);
  plan.levels.front().cuts.resize(plan.parameters.size());
  return write_mask(model, plan, 0, path, force, context);
}

}  // namespace pare
