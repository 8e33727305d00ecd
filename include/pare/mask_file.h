// Masks of whole models as files: which weights are kept, and how two masks differ.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "pare/model.h"
#include "pare/prune.h"

namespace pare {

/// Writes where the weights of a model pruned to level `level` of the plan are not zero, as a safetensors file: for
/// each pruned tensor a BOOL tensor of the same shape under the parameter's name, 1 for a weight that is kept and 0 for
/// one that is zero (of either sign), whether it was pruned or zero before. PruneOptions::mask reads it. `force`
/// replaces an existing file. Returns the number of weights that are zero. Reads the tensors once. Throws Error:
/// kExists, kIo, kNoSpace, and for weights that cannot be decoded; Interrupted.
std::uint64_t write_mask(const Model& model, const PrunePlan& plan, std::size_t level,
                         const std::filesystem::path& path, bool force = false, const Context& context = {});

/// The same for a model as it is. Of `options`, only include, exclude and groups count: they select the parameters.
/// Throws Error also as select_parameters().
std::uint64_t write_mask(const Model& model, const PruneOptions& options, const std::filesystem::path& path,
                         bool force = false, const Context& context = {});

/// How many weights two masks keep.
struct MaskAgreement {
  std::string name;            ///< of the tensor, or of the layer: the tensors' names up to their first number
  std::uint64_t elements = 0;  ///< number of weights, kept or not
  std::uint64_t kept_first = 0, kept_second = 0, kept_both = 0;

  MaskAgreement& operator+=(const MaskAgreement& other) noexcept;  ///< adds the counts
  std::uint64_t only_first() const noexcept { return kept_first - kept_both; }
  std::uint64_t only_second() const noexcept { return kept_second - kept_both; }
  std::uint64_t kept_either() const noexcept { return kept_first + kept_second - kept_both; }
  /// Share of the weights kept by either that both keep: 1 if the masks are equal, 1 if both keep nothing.
  double jaccard() const noexcept;
};

struct MaskComparison {
  std::string first, second;           ///< as given
  std::vector<MaskAgreement> tensors;  ///< those that both have, in the order of the first
  std::vector<MaskAgreement> layers;   ///< the same, added up by layer
  MaskAgreement overall;
  std::vector<std::string> only_first, only_second;  ///< names of tensors that the other does not have
};

/// Compares two masks. Each is a mask file (see PruneOptions::mask) or a model as open_model() takes it, whose zeros
/// count, of the parameters that are pruned by default. Throws Error: as Checkpoint::open() and open_model();
/// kMalformed for a mask with a value other than 0 and 1; kMismatch if a tensor has different shapes, or if the two
/// have no tensor in common; Interrupted. Reads each once.
MaskComparison compare_masks(const std::string& first, const std::string& second, const ModelOptions& options = {},
                             const Context& context = {});

}  // namespace pare
