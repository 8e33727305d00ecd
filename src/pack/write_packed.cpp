// Writes a packed checkpoint: plans each file, then encodes each tensor at its offset.
#include <algorithm>
#include <numeric>
#include <optional>

#include "base/byte_writer.h"
#include "base/hash.h"
#include "base/output.h"
#include "base/parallel.h"
#include "base/pieces.h"
#include "base/resume/finished_files.h"
#include "base/shared_directory.h"
#include "checkpoint/packed/packed_format.h"
#include "model/model_directory.h"
#include "model/sparsity_config.h"
#include "pack/file_summary.h"
#include "pack/packed_layout.h"
#include "pack/records.h"
#include "pare/error.h"
#include "prune/identity.h"
#include "prune/manifest.h"
#include "stats/content.h"

namespace pare {
namespace {

namespace fs = std::filesystem;

pack::FileSummary summary_of(const std::vector<pack::TensorPlan>& plans, const pack::PackedLayout& layout) {
  pack::FileSummary summary;
  for (const pack::TensorPlan& plan : plans)
    summary.tensors.push_back({plan.tensor->name, plan.tensor->dtype, plan.encoding, plan.tensor->elements(),
                               plan.nonzeros, plan.tensor->bytes.size(), plan.stored_bytes()});
  summary.dense_bytes = layout.dense_file_size();
  summary.packed_bytes = layout.file_size();
  return summary;
}

/// Indices of the plans, largest tensors first, so that the last task to finish is a small one.
std::vector<std::size_t> largest_first(const std::vector<pack::TensorPlan>& plans) {
  std::vector<std::size_t> order(plans.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return plans[a].tensor->bytes.size() > plans[b].tensor->bytes.size();
  });
  return order;
}

class Packer {
 public:
  Packer(const Model& model, const PackOptions& options, const Context& context)
      : model_(model),
        options_(options),
        context_(context),
        meter_(model.checkpoint, context, kPasses),
        planner_(model, options, meter_, context) {}

  pack::FileSummary write_file(std::size_t file, const fs::path& directory) {
    const std::vector<pack::TensorPlan> plans = planner_.plan_file(file);
    const pack::PackedLayout layout(model_.checkpoint, file, plans, options_);
    const std::string& name = model_.checkpoint.files()[file].output_name;
    base::OutputFile output(directory / name, base::Publish::kStaged);
    output.reserve(layout.file_size());
    const std::vector<std::size_t> order = largest_first(plans);
    std::vector<std::string> checksums(plans.size());
    base::parallel_for(order.size(), context_, [&](std::size_t item, unsigned) {
      checksums[order[item]] = write_tensor(plans[order[item]], order[item], layout, output);
    });
    const std::string header = layout.header(checksums);
    output.write_at(0, header);
    output.commit();
    pack::FileSummary summary = summary_of(plans, layout);
    summary.stored = {name, layout.stored_names(), layout.file_size() - header.size()};
    return summary;
  }

  /// For the progress: a file that was finished before.
  void pass_over(std::size_t file) {
    for (const std::size_t tensor : model_.checkpoint.files()[file].tensors)
      meter_.add(kPasses * model_.checkpoint.tensors()[tensor].bytes.size());
  }

 private:
  static constexpr std::uint64_t kPasses = 2;  ///< over each tensor: planning and writing

  /// Returns the checksum.
  std::string write_tensor(const pack::TensorPlan& plan, std::size_t index, const pack::PackedLayout& layout,
                           base::OutputFile& output) {
    const pack::PartData data(plan);
    base::Hash64 hash;
    for (std::size_t part = 0; part < data.parts().size(); ++part) {
      const checkpoint::Bytes bytes = data.parts()[part];
      for (std::uint64_t begin = 0; begin < bytes.size(); begin += base::kFilePieceBytes) {
        const checkpoint::Bytes piece =
            bytes.subspan(begin, std::min<std::uint64_t>(base::kFilePieceBytes, bytes.size() - begin));
        context_.check();
        hash.add(piece);
        output.write_at(layout.offset(index, part) + begin, piece);
      }
    }
    meter_.add(plan.tensor->bytes.size());
    return hash.hex();
  }

  const Model& model_;
  const PackOptions& options_;
  const Context& context_;
  pack::Meter meter_;
  pack::Planner planner_;
};

/// The configuration that readers of these files need.
std::string packed_config(const Model& model, const PackOptions& options, const PackSummary& summary) {
  if (options.encoding != Encoding::kBitmask) return model.config;
  constexpr std::string_view kWeight = ".weight";
  std::vector<std::string> modules;
  std::uint64_t elements = 0, nonzeros = 0;
  for (const PackedSize& tensor : summary.tensors) {
    if (tensor.encoding != Encoding::kBitmask) continue;
    modules.push_back(tensor.name.substr(0, tensor.name.size() - kWeight.size()));
    elements += tensor.elements;
    nonzeros += tensor.nonzeros;
  }
  if (modules.empty()) return model.config;
  return model::with_sparsity_config(model.config, modules,
                                     static_cast<double>(elements - nonzeros) / static_cast<double>(elements));
}

/// A hash of all that the packed files are made of.
std::string pack_identity(const Model& model, const PackOptions& options) {
  base::ByteWriter writer;
  writer.text("pack");
  prune::add_sources(writer, model);
  writer.u8(options.zstd ? 1 : 0);
  writer.text(options.encoding ? encoding_name(*options.encoding) : "");
  return prune::identity_of(std::move(writer));
}

}  // namespace

PackSummary plan_packing(const Model& model, const PackOptions& options, const Context& context) {
  decode_packed(model.checkpoint.tensors(), context);
  pack::Meter meter(model.checkpoint, context, 1);
  pack::Planner planner(model, options, meter, context);
  std::vector<pack::FileSummary> own;
  for (const std::size_t file : prune::own_files(model.checkpoint, context)) {
    const std::vector<pack::TensorPlan> plans = planner.plan_file(file);
    own.push_back(summary_of(plans, pack::PackedLayout(model.checkpoint, file, plans, options)));
  }
  return pack::sum_up(pack::of_all_files(model.checkpoint, std::move(own), context));
}

std::uint64_t packed_bytes(const Model& model, const PackOptions& options, const Context& context) {
  return plan_packing(model, options, context).packed_bytes;
}

PackSummary write_packed(const Model& model, const fs::path& out, const PackOptions& options, const Context& context) {
  decode_packed(model.checkpoint.tensors(), context);
  check_output_apart(out, model);
  stats::require_same_model(model, context);
  const std::string identity = options.resume ? pack_identity(model, options) : "";
  base::SharedDirectory output(out, options.force, context, options.resume);
  const base::FinishedFiles finished(output, identity, context);
  Packer packer(model, options, context);
  std::vector<pack::FileSummary> own;
  for (const std::size_t file : prune::own_files(model.checkpoint, context)) {
    if (const std::vector<std::byte>* note = finished.find(file)) {
      own.push_back(pack::parse_summary(*note));
      packer.pass_over(file);
      continue;
    }
    own.push_back(packer.write_file(file, output.staging()));
    const fs::path written = own.back().stored.name;
    finished.add(file, {&written, 1}, pack::summary_bytes(own.back()));
  }
  const std::vector<pack::FileSummary> files = pack::of_all_files(model.checkpoint, std::move(own), context);
  const PackSummary summary = pack::sum_up(files);
  const std::string manifest = pack::packed_manifest(model, summary, options, context);  // with the help of all ranks
  model.checkpoint.require_unchanged();
  if (context.leads()) {
    std::vector<pack::StoredFile> stored;
    for (const pack::FileSummary& file : files) {
      output.require_visible(file.stored.name);
      stored.push_back(file.stored);
    }
    std::optional<std::string> index;
    if (stored.size() > 1) index = pack::packed_index(stored);
    model::finish_directory(model, {packed_config(model, options, summary), index, manifest}, output.staging());
    finished.forget();
  }
  output.commit();
  return summary;
}

}  // namespace pare
