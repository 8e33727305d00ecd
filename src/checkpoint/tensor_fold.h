// Replaces tensors that are parts of a parameter by the parameter itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "checkpoint/name_index.h"
#include "pare/checkpoint.h"

namespace pare::checkpoint {

/// Collects replacements, which finish() makes all at once; until then the tensors stay where they are.
class TensorFold {
 public:
  TensorFold(std::vector<TensorView>& tensors, std::vector<CheckpointFile>& files);

  std::size_t size() const noexcept { return tensors_.size(); }
  const TensorView& operator[](std::size_t i) const { return tensors_[i]; }
  const CheckpointFile& file_of(std::size_t i) const { return files_[tensors_[i].file]; }
  std::optional<std::size_t> find(const std::string& name) const;
  /// Whether the tensor is neither replaced nor dropped.
  bool is_kept(std::size_t i) const { return role_[i] == Role::kKept; }
  bool changes() const noexcept { return !made_.empty(); }

  /// Puts `view` in the place of a tensor and drops the other parts. Returns false, and does nothing, if a tensor of
  /// another place has its name.
  bool replace(std::size_t place, TensorView view, const std::vector<std::size_t>& parts);
  void drop_metadata(std::size_t i) { files_[tensors_[i].file].metadata_header = {}; }
  void drop(std::size_t i) { role_[i] = Role::kDropped; }
  /// Files that change lose their header, so that they are written anew.
  void finish();

 private:
  enum class Role : std::uint8_t { kKept, kReplaced, kDropped };

  std::vector<TensorView>& tensors_;
  std::vector<CheckpointFile>& files_;
  NameIndex index_;                                     ///< of tensors_, of two equal names the first
  std::unordered_map<std::string, std::size_t> added_;  ///< names of replacements that no tensor has
  std::vector<Role> role_;
  std::unordered_map<std::size_t, TensorView> made_;
};

}  // namespace pare::checkpoint
