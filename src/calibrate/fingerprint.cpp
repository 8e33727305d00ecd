#include "calibrate/fingerprint.h"

#include "base/byte_writer.h"
#include "base/hash.h"
#include "kernels/targets.h"
#include "stats/content.h"

namespace pare::calibrate {
namespace {

void write_amount(base::ByteWriter& writer, const Amount& amount) {
  writer.f64(amount.fraction);
  writer.u64(amount.count.value_or(0));
  writer.u8(amount.count ? 1 : 0);
}

void write_options(base::ByteWriter& writer, const PruneOptions& options) {
  writer.text(criterion_name(options.criterion));
  writer.text(options.pattern.text());
  writer.text(scope_name(options.scope));
  writer.text(schedule_name(options.schedule));
  writer.text(norm_name(options.norm));
  writer.u8(options.refit ? 1 : 0);
  writer.f64(options.damping);
  writer.u64(options.block_size);
  writer.u64(options.seed);
  writer.u64(options.levels.size());
  for (const Amount& level : options.levels) write_amount(writer, level);
  writer.u64(options.sets.size());
  for (const PruneSet& set : options.sets) {
    write_amount(writer, set.amount);
    writer.u64(set.tensors.size());
    for (const std::string& glob : set.tensors) writer.text(glob);
  }
}

void write_model(base::ByteWriter& writer, const Model& model, const PrunePlan& plan) {
  writer.u64(stats::content_hash(model));
  writer.text(model.architecture);
  writer.text(model.config);
  for (const CheckpointFile& file : model.checkpoint.files())
    for (const FileVersion& source : file.sources) {
      writer.u64(source.size);
      writer.u64(static_cast<std::uint64_t>(source.modified));
    }
  for (const std::size_t parameter : plan.parameters) writer.text(model.parameters[parameter].name);
}

void write_tokens(base::ByteWriter& writer, const std::vector<TokenBatch>& batches) {
  writer.u64(batches.size());
  for (const TokenBatch& batch : batches) {
    writer.u64(batch.sequences());
    for (std::size_t i = 0; i < batch.sequences(); ++i) writer.u64(batch.length(i));
    writer.raw(std::as_bytes(batch.ids()));
    writer.raw(std::as_bytes(batch.types()));
  }
}

}  // namespace

std::string fingerprint_of(const Model& model, const PrunePlan& plan, const CalibrationOptions& options,
                           const CalibrationText& text, unsigned ranks) {
  base::ByteWriter writer;
  writer.u64(ranks);
  writer.text(PARE_VERSION);
  writer.text(kernels::current_target());
  write_model(writer, model, plan);
  write_options(writer, plan.options);
  if (plan.mask) {
    writer.text(plan.options.mask);
    writer.text(plan.mask->xxh3_128);
  }
  writer.text(allocation_name(options.allocation));
  writer.u8(options.true_sequential ? 1 : 0);
  writer.f64(options.owl_multiple);
  writer.f64(options.owl_range);
  write_tokens(writer, text.batches);
  write_tokens(writer, text.targets);
  base::Hash128 hash;
  hash.add(writer.bytes());
  return hash.hex();
}

std::string hash_of_tokens(const CalibrationText& text) {
  base::ByteWriter writer;
  write_tokens(writer, text.batches);
  write_tokens(writer, text.targets);
  base::Hash128 hash;
  hash.add(writer.bytes());
  return hash.hex();
}

}  // namespace pare::calibrate
