// Every source file is read once. Each piece is masked for all levels while it is in cache.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <memory>
#include <system_error>
#include <unordered_map>

#include "base/output.h"
#include "base/parallel.h"
#include "base/pieces.h"
#include "base/resume/finished_files.h"
#include "base/shared_directory.h"
#include "checkpoint/safetensors/safetensors_writer.h"
#include "checkpoint/tensor_piece.h"
#include "model/model_directory.h"
#include "pare/error.h"
#include "pare/prune.h"
#include "pare/publish.h"
#include "prune/identity.h"
#include "prune/manifest.h"
#include "stats/float_format.h"

namespace pare {
namespace {

namespace fs = std::filesystem;

struct Piece {
  std::size_t tensor;   ///< index into the checkpoint's tensors
  std::uint64_t begin;  ///< byte within the tensor
  std::uint64_t bytes;
  std::uint64_t offset;  ///< offset in the file to write
};

class LevelWriter {
 public:
  LevelWriter(const Model& model, const PrunePlan& plan, std::vector<fs::path> directories, const Context& context)
      : model_(model), plan_(plan), directories_(std::move(directories)), context_(context) {
    for (std::size_t i = 0; i < plan.parameters.size(); ++i) {
      const Parameter& parameter = model.parameters[plan.parameters[i]];
      planned_.emplace(parameter.tensor, i);
      for (const std::size_t copy : parameter.copies) planned_.emplace(copy, i);
    }
  }

  /// Which files will be written, for the progress.
  void expect(std::size_t file) {
    for (const std::size_t tensor : model_.checkpoint.files()[file].tensors)
      bytes_total_ += model_.checkpoint.tensors()[tensor].bytes.size() * directories_.size();
  }

  /// Writes one file of the checkpoint for every level; returns the source's hash.
  prune::SourceHash write_file(std::size_t file) {
    const checkpoint::SafetensorsLayout layout = checkpoint::rewrite_layout(model_.checkpoint, file);
    const CheckpointFile& source = model_.checkpoint.files()[file];
    std::vector<std::unique_ptr<base::OutputFile>> outputs;
    for (const fs::path& directory : directories_) {
      outputs.push_back(std::make_unique<base::OutputFile>(directory / source.output_name, base::Publish::kStaged));
      outputs.back()->reserve(layout.file_size);
      outputs.back()->write_at(0, layout.header);
    }
    const std::vector<Piece> pieces = cut(source, layout);
    std::vector<std::vector<std::byte>> buffers(base::thread_count(context_));
    prune::SourceHash hash;
    // Item 0 hashes the source while the other items write.
    base::parallel_for(pieces.size() + 1, context_, [&](std::size_t item, unsigned worker) {
      if (item == 0) {
        hash = prune::hash_source(model_.checkpoint, file, context_);
      } else {
        write_piece(pieces[item - 1], outputs, buffers[worker]);
      }
    });
    base::parallel_for(outputs.size(), context_, [&](std::size_t level, unsigned) { outputs[level]->commit(); });
    return hash;
  }

 private:
  std::vector<Piece> cut(const CheckpointFile& source, const checkpoint::SafetensorsLayout& layout) const {
    std::vector<Piece> pieces;
    for (std::size_t i = 0; i < source.tensors.size(); ++i) {
      const std::uint64_t size = model_.checkpoint.tensors()[source.tensors[i]].bytes.size();
      for (std::uint64_t begin = 0; begin < size; begin += base::kPieceBytes)
        pieces.push_back(
            {source.tensors[i], begin, std::min(base::kPieceBytes, size - begin), layout.offsets[i] + begin});
    }
    return pieces;
  }

  void write_piece(const Piece& piece, const std::vector<std::unique_ptr<base::OutputFile>>& outputs,
                   std::vector<std::byte>& buffer) {
    const TensorView& tensor = model_.checkpoint.tensors()[piece.tensor];
    const auto planned = planned_.find(piece.tensor);
    for (std::size_t level = 0; level < outputs.size(); ++level) {
      const Mask* mask = planned == planned_.end() ? nullptr : &plan_.levels[level].cuts[planned->second].mask;
      if (mask != nullptr && !mask->is_none()) {
        buffer.resize(base::kPieceBytes);
        const std::size_t size = stats::float_format(tensor.dtype).size();
        mask->copy(tensor, piece.begin / size, piece.bytes / size, buffer.data());
        outputs[level]->write_at(piece.offset, std::span(buffer).first(piece.bytes));
      } else {
        const checkpoint::TensorPiece bytes(tensor.bytes, piece.begin, piece.bytes);
        outputs[level]->write_at(piece.offset, bytes);
      }
    }
    const std::uint64_t written = piece.bytes * outputs.size();
    const std::uint64_t done = bytes_done_.fetch_add(written, std::memory_order_relaxed) + written;
    context_.report_bytes(done, bytes_total_);
  }

  const Model& model_;
  const PrunePlan& plan_;
  std::vector<fs::path> directories_;
  const Context& context_;
  std::unordered_map<std::size_t, std::size_t> planned_;  ///< tensor to its index in PrunePlan::parameters
  std::uint64_t bytes_total_ = 0;
  std::atomic<std::uint64_t> bytes_done_{0};
};

/// What is written for a file of the checkpoint, as paths inside the output.
std::vector<fs::path> files_of(const Model& model, const PrunePlan& plan, std::size_t file) {
  std::vector<fs::path> files;
  for (std::size_t level = 0; level < plan.levels.size(); ++level)
    files.push_back(level_directory(plan, level, "") / model.checkpoint.files()[file].output_name);
  return files;
}

}  // namespace

void write_pruned(const Model& model, const PrunePlan& plan, const fs::path& out, const WriteOptions& options,
                  const Context& context) {
  decode_packed(model.checkpoint.tensors(), context);
  check_output_apart(out, model);
  const std::string identity = options.resume ? prune::plan_identity(model, plan) : "";
  base::SharedDirectory output(out, options.force, context, options.resume);
  const base::FinishedFiles finished(output, identity, context);
  std::vector<fs::path> directories;
  for (std::size_t level = 0; level < plan.levels.size(); ++level) {
    directories.push_back(output.make_directory(level_directory(plan, level, "")));
  }
  LevelWriter writer(model, plan, directories, context);
  const std::vector<std::size_t> own = prune::own_files(model.checkpoint, context);
  std::vector<prune::SourceHash> hashes;
  for (const std::size_t file : own)
    if (finished.find(file) == nullptr) writer.expect(file);
  for (const std::size_t file : own) {
    if (const std::vector<std::byte>* note = finished.find(file)) {
      hashes.push_back(prune::parse_hash(*note));
      continue;
    }
    hashes.push_back(writer.write_file(file));
    finished.add(file, files_of(model, plan, file), prune::hash_bytes(hashes.back()));
  }
  model.checkpoint.require_unchanged();
  const std::vector<prune::SourceHash> sources = prune::of_all_files(model.checkpoint, hashes, context);
  if (!context.leads()) return output.commit();
  for (std::size_t level = 0; level < plan.levels.size(); ++level)
    for (const CheckpointFile& file : model.checkpoint.files())
      output.require_visible(level_directory(plan, level, "") / file.output_name);
  const std::optional<std::string> index = checkpoint::rewrite_index(model.checkpoint);
  for (std::size_t level = 0; level < plan.levels.size(); ++level)
    model::finish_directory(model, {model.config, index, prune::level_manifest(model, plan, level, sources)},
                            directories[level]);
  if (plan.levels.size() > 1)
    base::write_file(output.staging() / kOutputMarker, prune::plan_manifest(model, plan, sources),
                     base::Publish::kStaged);
  finished.forget();
  output.commit();
}

}  // namespace pare
