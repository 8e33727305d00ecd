#include "prune/identity.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/hash.h"
#include "pare/error.h"
#include "stats/content.h"

namespace pare::prune {
namespace {

/// Adds what distinguishes a mask from others; the number comes first that says of which kind it is.
class MaskWriter {
 public:
  MaskWriter(base::ByteWriter& writer, const Model& model) : writer_(writer), model_(model) {}

  void operator()(const Mask::None&) { add({0}); }
  void operator()(const Mask::BelowKey& mask) { add({1, mask.key, mask.tie_end}); }
  void operator()(const Mask::BelowScore& mask) { add({2, mask.key, mask.tie_end, mask.seed, mask.first_position}); }
  void operator()(const Mask::NOfM& mask) { add({3, mask.n, mask.m, static_cast<std::uint64_t>(mask.orientation)}); }
  void operator()(const Mask::Bits&) {
    throw Error(ErrorCode::kArgument, model_.source,
                "only pruning by magnitude, at random or N of M can be resumed, without a calibrated criterion, a "
                "mask, rows, columns and blocks");
  }

 private:
  void add(std::initializer_list<std::uint64_t> numbers) {
    for (const std::uint64_t number : numbers) writer_.u64(number);
  }

  base::ByteWriter& writer_;
  const Model& model_;
};

}  // namespace

void add_sources(base::ByteWriter& writer, const Model& model) {
  bool any = false;
  for (const CheckpointFile& file : model.checkpoint.files()) {
    writer.text(file.output_name);
    writer.u64(file.sources.size());
    for (const FileVersion& source : file.sources) {  // without the device, whose number differs between hosts
      writer.text(source.path.string());
      for (const std::uint64_t number : {source.inode, source.size, static_cast<std::uint64_t>(source.modified)})
        writer.u64(number);
      any = true;
    }
  }
  if (!any) throw Error(ErrorCode::kArgument, model.source, "is not in files, so writing it cannot be resumed");
  writer.u64(stats::content_hash(model));
}

std::string plan_identity(const Model& model, const PrunePlan& plan) {
  base::ByteWriter writer;
  writer.text("prune");
  add_sources(writer, model);
  for (const std::size_t parameter : plan.parameters) {
    writer.u64(model.parameters[parameter].tensor);
    writer.u64(model.parameters[parameter].copies.size());
    for (const std::size_t copy : model.parameters[parameter].copies) writer.u64(copy);
  }
  for (const LevelPlan& level : plan.levels) {
    writer.text(level.amount.label);
    for (const TensorCut& cut : level.cuts) std::visit(MaskWriter(writer, model), cut.mask.kind());
  }
  return identity_of(std::move(writer));
}

std::string identity_of(base::ByteWriter writer) {
  writer.text(PARE_VERSION);
  base::Hash128 hash;
  hash.add(writer.bytes());
  return hash.hex();
}

}  // namespace pare::prune
