// What the weights of a model on the Hub are, told by their headers before anything else is downloaded.
#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "hub/download.h"
#include "pare/hub.h"

namespace pare::checkpoint {

/// Safe to use from several threads.
class WeightsSurvey {
 public:
  /// `model` names the files in messages.
  explicit WeightsSurvey(std::string model) : model_(std::move(model)) {}

  /// Reads the header of a file that was not added yet, if it is one of safetensors. Throws Error where open() would
  /// refuse the header.
  void add(const hub::ListedFile& file, const hub::FileRules::ReadPart& read);

  /// nullopt unless all weights that were added are plain safetensors files.
  std::optional<HubWeights> weights() const;
  /// "148 tensors, 124.4 million values"; empty without weights().
  std::string text() const;

 private:
  const std::string model_;
  mutable std::mutex mutex_;
  std::set<std::string> added_;
  HubWeights sum_;
  bool all_known_ = true;
};

}  // namespace pare::checkpoint
