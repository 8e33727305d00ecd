#include "checkpoint/tensor_fold.h"

#include <utility>

namespace pare::checkpoint {

TensorFold::TensorFold(std::vector<TensorView>& tensors, std::vector<CheckpointFile>& files)
    : tensors_(tensors), files_(files), role_(tensors.size(), Role::kKept) {
  for (std::size_t i = 0; i < tensors.size(); ++i)
    index_.add(i, [&](std::size_t tensor) { return std::string_view(tensors[tensor].name); });
}

std::optional<std::size_t> TensorFold::find(const std::string& name) const {
  const auto stored = index_.find(name, [this](std::size_t i) { return std::string_view(tensors_[i].name); });
  if (stored) return stored;
  const auto added = added_.find(name);
  return added == added_.end() ? std::nullopt : std::optional(added->second);
}

bool TensorFold::replace(std::size_t place, TensorView view, const std::vector<std::size_t>& parts) {
  const std::optional<std::size_t> known = find(view.name);
  if (known && *known != place) return false;
  if (!known) added_.emplace(view.name, place);  // so that nothing else takes the name
  made_.insert_or_assign(place, std::move(view));
  role_[place] = Role::kReplaced;
  for (const std::size_t part : parts) role_[part] = Role::kDropped;
  return true;
}

void TensorFold::finish() {
  std::vector<TensorView> kept;
  std::vector<std::size_t> place(tensors_.size());
  std::vector<bool> changed(files_.size(), false);
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    place[i] = kept.size();
    if (role_[i] != Role::kKept) changed[tensors_[i].file] = true;
    if (role_[i] != Role::kDropped) kept.push_back(std::move(role_[i] == Role::kReplaced ? made_.at(i) : tensors_[i]));
  }
  for (std::size_t file = 0; file < files_.size(); ++file) {
    std::vector<std::size_t> listed;
    for (const std::size_t i : files_[file].tensors)
      if (role_[i] != Role::kDropped) listed.push_back(place[i]);
    files_[file].tensors = std::move(listed);
    if (changed[file]) files_[file].header = {};
  }
  index_ = {};
  added_.clear();
  tensors_ = std::move(kept);
}

}  // namespace pare::checkpoint
