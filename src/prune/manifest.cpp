#include "prune/manifest.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/collective.h"
#include "base/file_map.h"
#include "base/hash.h"
#include "base/json_text.h"
#include "checkpoint/tensor_piece.h"
#include "pare/error.h"

namespace pare::prune {
namespace {

using Json = nlohmann::ordered_json;

/// Adds piece by piece, so that a large file does not delay an interrupt.
void add(base::Hash128& hash, std::span<const std::byte> bytes, const Context& context) {
  constexpr std::size_t kStep = 64U << 20;
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(kStep, bytes.size()))) {
    context.check();
    hash.add(bytes.first(std::min(kStep, bytes.size())));
  }
}

Json amount_json(const Amount& amount) {
  if (amount.count) return {{"label", amount.label}, {"count", *amount.count}};
  return {{"label", amount.label}, {"fraction", amount.fraction}};
}

Json sets_json(const std::vector<PruneSet>& sets) {
  Json json = Json::array();
  for (const PruneSet& set : sets)
    json.push_back({{"name", set.name}, {"tensors", set.tensors}, {"amount", amount_json(set.amount)}});
  return json;
}

Json common(const Model& model, const PrunePlan& plan, const std::vector<SourceHash>& sources) {
  const PruneOptions& options = plan.options;
  Json files = Json::array();
  for (const SourceHash& source : sources)
    files.push_back({{"file", source.file}, {"bytes", source.bytes}, {"xxh3_128", source.xxh3_128}});
  Json json{{"format", "pare-prune"},
            {"version", 1},
            {"model", model.title},
            {"architecture", model.architecture},
            {"source", files},
            {"criterion", criterion_name(options.criterion)},
            {"scope", scope_name(options)},
            {"schedule", schedule_name(options.schedule)},
            {"pattern", options.pattern.text()},
            {"parameters", model.parameter_count()},
            {"pruned_tensors", plan.parameters.size()},
            {"candidates", plan.candidates}};
  if (!options.sets.empty()) json["sets"] = sets_json(options.sets);
  if (options.criterion == Criterion::kRandom) json["seed"] = options.seed;
  if (options.refit) json["refit"] = true;
  if (options.refit || options.criterion == Criterion::kSparseGpt || options.criterion == Criterion::kAlps)
    json["damping"] = options.damping;
  if (options.criterion == Criterion::kSparseGpt) json["block_size"] = options.block_size;
  if (plan.calibration) {
    const CalibrationRecord& record = *plan.calibration;
    json["calibration"] = {{"file", record.file},           {"bytes", record.bytes},   {"xxh3_128", record.xxh3_128},
                           {"sequences", record.sequences}, {"length", record.length}, {"seed", record.seed}};
    if (record.statistics.empty())
      json["calibration"]["true_sequential"] = record.true_sequential;
    else
      json["calibration"].update(Json{{"statistics", record.statistics}, {"inputs", "of the dense model"}});
  }
  if (plan.mask) {
    json["mask"] = {{"file", plan.mask->file}};
    if (!plan.mask->xxh3_128.empty())
      json["mask"].update(Json{{"bytes", plan.mask->bytes}, {"xxh3_128", plan.mask->xxh3_128}});
  }
  if (options.pattern.has_norm()) json["norm"] = norm_name(options.norm);
  if (!plan.notes.empty()) json["notes"] = plan.notes;
  return json;
}

Json level_json(const PrunePlan& plan, const LevelPlan& level) {
  Json json{{"amount", amount_json(level.amount)},
            {"pruned", level.pruned},
            {"zeros", level.zeros},
            {"sparsity", plan.candidates == 0 ? 0.0 : static_cast<double>(level.zeros) / plan.candidates},
            {"threshold", level.threshold ? base::number_or_null(*level.threshold) : Json()}};
  if (!level.sets.empty()) json["sets"] = sets_json(level.sets);
  return json;
}

void write_hash(base::ByteWriter& writer, const SourceHash& hash) {
  writer.text(hash.file);
  writer.u64(hash.bytes);
  writer.text(hash.xxh3_128);
}

SourceHash read_hash(base::ByteReader& reader) {
  SourceHash hash;
  hash.file = reader.text();
  hash.bytes = reader.u64();
  hash.xxh3_128 = reader.text();
  return hash;
}

}  // namespace

std::vector<std::byte> hash_bytes(const SourceHash& hash) {
  base::ByteWriter writer;
  write_hash(writer, hash);
  return std::move(writer.bytes());
}

SourceHash parse_hash(std::span<const std::byte> bytes) {
  const std::filesystem::path none;
  base::ByteReader reader(bytes, none, "hash of a source");
  return read_hash(reader);
}

SourceHash hash_source(const Checkpoint& checkpoint, std::size_t file, const Context& context) {
  const CheckpointFile& source = checkpoint.files()[file];
  base::Hash128 sum;
  SourceHash hash{source.path.filename().string(), 0, {}};
  if (source.path.empty()) {
    hash.file = source.output_name;
    for (const std::size_t tensor : source.tensors) {
      add(sum, checkpoint::TensorPiece(checkpoint.tensors()[tensor].bytes), context);
      hash.bytes += checkpoint.tensors()[tensor].bytes.size();
    }
  } else {
    const auto map = base::FileMap::open(source.path);
    add(sum, map->bytes(), context);
    hash.bytes = map->bytes().size();
  }
  hash.xxh3_128 = sum.hex();
  return hash;
}

std::vector<std::size_t> own_files(const Checkpoint& checkpoint, const Context& context) {
  std::vector<std::uint64_t> sizes;
  for (const CheckpointFile& file : checkpoint.files()) {
    std::uint64_t& size = sizes.emplace_back(0);
    for (const std::size_t tensor : file.tensors) size += checkpoint.tensors()[tensor].bytes.size();
  }
  const std::vector<unsigned> owners = base::share_out(sizes, base::group_size(context));
  std::vector<std::size_t> own;
  for (std::size_t file = 0; file < owners.size(); ++file)
    if (owners[file] == base::group_rank(context)) own.push_back(file);
  return own;
}

std::vector<SourceHash> of_all_files(const Checkpoint& checkpoint, const std::vector<SourceHash>& own,
                                     const Context& context) {
  if (context.group() == nullptr) return own;
  const std::vector<std::size_t> files = own_files(checkpoint, context);
  base::ByteWriter writer;
  for (std::size_t i = 0; i < own.size(); ++i) {
    writer.u64(files[i]);
    write_hash(writer, own[i]);
  }
  std::vector<SourceHash> all(checkpoint.files().size());
  const std::filesystem::path none;
  for (const std::vector<std::byte>& message : base::gather(writer.bytes(), context))
    for (base::ByteReader reader(message, none, "message between processes"); reader.left() != 0;) {
      SourceHash& hash = all.at(reader.u64());
      hash = read_hash(reader);
    }
  return all;
}

std::vector<SourceHash> hash_sources(const Checkpoint& checkpoint, const Context& context) {
  std::vector<SourceHash> own;
  for (const std::size_t file : own_files(checkpoint, context)) own.push_back(hash_source(checkpoint, file, context));
  return of_all_files(checkpoint, own, context);
}

std::string level_manifest(const Model& model, const PrunePlan& plan, std::size_t level,
                           const std::vector<SourceHash>& sources) {
  Json json = common(model, plan, sources);
  json["level"] = level_json(plan, plan.levels[level]);
  Json& tensors = json["tensors"] = Json::array();
  for (std::size_t i = 0; i < plan.parameters.size(); ++i) {
    const Parameter& parameter = model.parameters[plan.parameters[i]];
    const TensorCut& cut = plan.levels[level].cuts[i];
    tensors.push_back({{"name", parameter.name},
                       {"elements", model.tensor(parameter).elements()},
                       {"zeros_before", plan.zeros_before[i]},
                       {"pruned", cut.pruned},
                       {"zeros", cut.zeros}});
  }
  return base::indented_text(json);
}

std::string plan_manifest(const Model& model, const PrunePlan& plan, const std::vector<SourceHash>& sources) {
  Json json = common(model, plan, sources);
  Json& levels = json["levels"] = Json::array();
  for (std::size_t i = 0; i < plan.levels.size(); ++i) {
    Json level = level_json(plan, plan.levels[i]);
    level["directory"] = level_directory(plan, i, "").string();
    levels.push_back(std::move(level));
  }
  return base::indented_text(json);
}

}  // namespace pare::prune
