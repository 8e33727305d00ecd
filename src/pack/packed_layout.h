// Layout and header of a packed file.
#pragma once

#include <atomic>
#include <string>
#include <unordered_set>
#include <vector>

#include "checkpoint/safetensors/safetensors_writer.h"
#include "pack/encode.h"

namespace pare::pack {

/// Reports progress; may be called from any thread.
class Meter {
 public:
  /// `times`: how often every dense byte is processed.
  Meter(const Checkpoint& checkpoint, const Context& context, std::uint64_t times);
  void add(std::uint64_t bytes);

 private:
  const Context& context_;
  std::uint64_t total_ = 0;
  std::atomic<std::uint64_t> done_{0};
};

/// Plans the files of a checkpoint one after another.
class Planner {
 public:
  Planner(const Model& model, const PackOptions& options, Meter& meter, const Context& context);

  /// One plan for each of files()[file].tensors. Names of parts differ from those of all tensors of the checkpoint.
  std::vector<TensorPlan> plan_file(std::size_t file);

 private:
  const Checkpoint& checkpoint_;
  const PackOptions& options_;
  Meter& meter_;
  const Context& context_;
  std::unordered_set<std::string> names_;
};

/// The parts of a file at their offsets.
class PackedLayout {
 public:
  PackedLayout(const Checkpoint& checkpoint, std::size_t file, const std::vector<TensorPlan>& plans,
               const PackOptions& options);

  std::uint64_t file_size() const noexcept { return layout_.file_size; }
  std::uint64_t dense_file_size() const noexcept { return dense_file_size_; }
  std::uint64_t offset(std::size_t plan, std::size_t part) const { return layout_.offsets[place_[plan][part]]; }
  std::vector<std::string> stored_names() const;
  /// The bytes of the header, given the checksum of each tensor. The header has the planned length.
  std::string header(const std::vector<std::string>& checksums) const;

 private:
  checkpoint::SafetensorsLayout lay_out(const std::vector<std::string>& checksums) const;

  const std::vector<TensorPlan>& plans_;
  const bool readable_elsewhere_;
  std::map<std::string, std::string> source_metadata_;
  std::string source_header_;  ///< the JSON
  std::uint64_t dense_file_size_ = 0;
  std::vector<TensorView> parts_;                ///< in file order
  std::vector<std::vector<std::size_t>> place_;  ///< index in `parts_` of each plan's parts
  checkpoint::SafetensorsLayout layout_;
};

}  // namespace pare::pack
