#include "pack/packed_layout.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/json_append.h"
#include "base/json_text.h"
#include "base/parallel.h"
#include "checkpoint/packed/packed_format.h"

namespace pare::pack {
namespace {

using Json = nlohmann::ordered_json;

std::string checksum_of(std::string_view text) {
  base::Hash64 hash;
  hash.add(std::as_bytes(std::span(text)));
  return hash.hex();
}

}  // namespace

Meter::Meter(const Checkpoint& checkpoint, const Context& context, std::uint64_t times) : context_(context) {
  for (const CheckpointFile& file : checkpoint.files())
    for (const std::size_t tensor : file.tensors) total_ += times * checkpoint.tensors()[tensor].bytes.size();
}

void Meter::add(std::uint64_t bytes) {
  const std::uint64_t done = done_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  context_.report_bytes(done, total_);
}

Planner::Planner(const Model& model, const PackOptions& options, Meter& meter, const Context& context)
    : checkpoint_(model.checkpoint), options_(options), meter_(meter), context_(context) {
  for (const TensorView& tensor : checkpoint_.tensors()) names_.insert(tensor.name);
}

std::vector<TensorPlan> Planner::plan_file(std::size_t file) {
  const std::vector<std::size_t>& tensors = checkpoint_.files()[file].tensors;
  std::vector<TensorPlan> plans(tensors.size());
  base::parallel_for(tensors.size(), context_, [&](std::size_t item, unsigned) {
    plans[item] = plan_tensor(checkpoint_.tensors()[tensors[item]], options_);
    meter_.add(plans[item].tensor->bytes.size());
  });
  for (TensorPlan& plan : plans) {
    if (plan.encoding == Encoding::kDense) continue;
    const auto is_used = [&](const Part& part) { return names_.contains(part.name); };
    if (std::any_of(plan.parts.begin(), plan.parts.end(), is_used)) plan = plan_dense(*plan.tensor, plan.nonzeros);
    for (const Part& part : plan.parts) names_.insert(part.name);
  }
  return plans;
}

PackedLayout::PackedLayout(const Checkpoint& checkpoint, std::size_t file, const std::vector<TensorPlan>& plans,
                           const PackOptions& options)
    : plans_(plans), readable_elsewhere_(options.encoding == Encoding::kBitmask) {
  const checkpoint::SafetensorsLayout dense = checkpoint::rewrite_layout(checkpoint, file);
  source_header_ = dense.header.substr(sizeof(std::uint64_t));
  dense_file_size_ = dense.file_size;
  if (readable_elsewhere_) {
    source_metadata_ = checkpoint.files()[file].metadata();
    source_metadata_.try_emplace("format", "pt");
  }

  struct Place {
    std::size_t plan, part;
  };
  std::vector<Place> places;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    place_.emplace_back(plans[i].parts.size());
    for (std::size_t part = 0; part < plans[i].parts.size(); ++part) places.push_back({i, part});
  }
  // In the order that the reference writes, so that elements lie at multiples of their size.
  std::stable_sort(places.begin(), places.end(), [&](const Place& a, const Place& b) {
    return dtype_bits(plans[a.plan].parts[a.part].dtype) > dtype_bits(plans[b.plan].parts[b.part].dtype);
  });
  for (const Place& place : places) {
    const Part& part = plans[place.plan].parts[place.part];
    place_[place.plan][place.part] = parts_.size();
    parts_.push_back({part.name, part.dtype, part.shape, TensorBytes(nullptr, part.size), file});
  }
  layout_ = lay_out(std::vector<std::string>(plans.size(), checksum_of("")));
}

std::vector<std::string> PackedLayout::stored_names() const {
  std::vector<std::string> names;
  for (const TensorView& part : parts_) names.push_back(part.name);
  return names;
}

std::string PackedLayout::header(const std::vector<std::string>& checksums) const { return lay_out(checksums).header; }

checkpoint::SafetensorsLayout PackedLayout::lay_out(const std::vector<std::string>& checksums) const {
  Json records = Json::object();
  for (std::size_t i = 0; i < plans_.size(); ++i)
    base::append_member(
        records, plans_[i].tensor->name,
        {{"encoding", encoding_name(plans_[i].encoding)}, {"nonzeros", plans_[i].nonzeros}, {"xxh3_64", checksums[i]}});
  const Json packed{{"version", checkpoint::kPackedVersion},
                    {"header_xxh3_64", checksum_of(source_header_)},
                    {"tensors", std::move(records)}};
  // A file that only pare can read must not declare the format "pt".
  std::map<std::string, std::string> metadata;
  if (readable_elsewhere_)
    metadata = source_metadata_;
  else
    metadata["format"] = "pare";
  metadata[checkpoint::kHeaderKey] = source_header_;
  metadata[checkpoint::kPackedKey] = base::compact_text(packed);
  std::vector<const TensorView*> views;
  for (const TensorView& part : parts_) views.push_back(&part);
  return checkpoint::plan_layout(views, metadata);
}

}  // namespace pare::pack
