#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "pare/check.h"
#include "pare/error.h"
#include "prune/checks/scan_tensors.h"
#include "prune/checks/sparsity_records.h"

namespace pare {
namespace {

/// A tensor has a pattern's share of zeros if it differs by no more than this, so that a pattern that a much sparser
/// tensor follows by chance is not taken for one that was meant.
constexpr double kShareTolerance = 0.02;
constexpr double kAlmost = 0.9;              ///< share of groups from which a pattern was meant
constexpr double kRecordedTolerance = 0.01;  ///< of config.json's global_sparsity

double zero_share(const TensorCheck& tensor) {
  return tensor.elements == 0 ? 0 : static_cast<double>(tensor.zeros) / static_cast<double>(tensor.elements);
}

bool has_share_of(const TensorCheck& tensor, const Pattern& pattern) {
  const double share = 1 - static_cast<double>(pattern.n) / static_cast<double>(pattern.m);
  return std::fabs(zero_share(tensor) - share) <= kShareTolerance;
}

const PatternShare* find_share(const std::vector<PatternShare>& shares, const Pattern& pattern) {
  const auto found =
      std::find_if(shares.begin(), shares.end(), [&](const PatternShare& share) { return share.pattern == pattern; });
  return found == shares.end() ? nullptr : &*found;
}

/// Collects findings of one kind and text over the tensors.
class FindingList {
 public:
  explicit FindingList(ModelCheck& check) : check_(check) {}

  void add(FindingKind kind, std::string text, std::vector<std::string> tensors = {}) {
    check_.findings.push_back({kind, std::move(text), std::move(tensors)});
  }
  /// Adds up a count over the tensors; text(total) is the finding if there is any.
  void add_counted(FindingKind kind, const std::function<std::uint64_t(const TensorCheck&)>& count,
                   const std::function<std::string(std::uint64_t)>& text) {
    std::uint64_t total = 0;
    std::vector<std::string> tensors;
    for (const TensorCheck& tensor : check_.tensors) {
      const std::uint64_t found = count(tensor);
      total += found;
      if (found != 0) tensors.push_back(tensor.name);
    }
    if (total != 0) add(kind, text(total), std::move(tensors));
  }

 private:
  ModelCheck& check_;
};

std::string count_of(std::uint64_t count, const char* one, const char* several) {
  return fmt::format("{} {}", count, count == 1 ? one : several);
}

void find_values(FindingList& findings) {
  findings.add_counted(
      FindingKind::kNegativeZeros, [](const TensorCheck& tensor) { return tensor.negative_zeros; },
      [](std::uint64_t n) { return count_of(n, "zero is stored as -0", "zeros are stored as -0"); });
  findings.add_counted(
      FindingKind::kNotFinite, [](const TensorCheck& tensor) { return tensor.nans + tensor.infinities; },
      [](std::uint64_t n) { return count_of(n, "weight is NaN or infinite", "weights are NaN or infinite"); });
  findings.add_counted(
      FindingKind::kDeadOutputs,
      [](const TensorCheck& tensor) { return tensor.matrix ? tensor.matrix->dead_outputs : 0; },
      [](std::uint64_t n) { return count_of(n, "output has only zero weights", "outputs have only zero weights"); });
  findings.add_counted(
      FindingKind::kDeadInputs,
      [](const TensorCheck& tensor) { return tensor.matrix ? tensor.matrix->dead_inputs : 0; },
      [](std::uint64_t n) { return count_of(n, "input has only zero weights", "inputs have only zero weights"); });
}

/// A pattern that holds nearly or along the outputs only, by the tensor's share of zeros.
void find_patterns(const ModelCheck& check, FindingList& findings) {
  std::vector<std::pair<std::string, std::vector<std::string>>> almost, wrong;
  const auto add = [](auto& list, const std::string& pattern, const std::string& name) {
    const auto found =
        std::find_if(list.begin(), list.end(), [&](const auto& entry) { return entry.first == pattern; });
    if (found != list.end()) return found->second.push_back(name);
    list.push_back({pattern, {name}});
  };
  for (const TensorCheck& tensor : check.tensors) {
    if (!tensor.matrix || tensor.zeros == 0) continue;
    const auto meant = [&](const PatternShare& share) { return has_share_of(tensor, share.pattern); };
    const MatrixCheck& matrix = *tensor.matrix;
    if (std::any_of(matrix.along_inputs.begin(), matrix.along_inputs.end(),
                    [&](const PatternShare& share) { return meant(share) && share.holds(); }))
      continue;
    const PatternShare* nearest = nullptr;
    for (std::size_t i = 0; i < matrix.along_inputs.size(); ++i) {
      const PatternShare &share = matrix.along_inputs[i], &other = matrix.along_outputs[i];
      if (!meant(share)) continue;
      if (other.holds() && matrix.dead_outputs == 0) {  // outputs pruned as a whole make patterns by themselves
        add(wrong, share.pattern.text(), tensor.name);
        nearest = nullptr;
        break;
      }
      const bool near = static_cast<double>(share.complying) >= kAlmost * static_cast<double>(share.groups);
      // Smaller groups say more: a tensor of 2:4 is one of 4:8, too.
      if (near && nearest == nullptr) nearest = &share;
    }
    if (nearest != nullptr) add(almost, nearest->pattern.text(), tensor.name);
  }
  for (auto& [pattern, names] : almost)
    findings.add(FindingKind::kAlmostPattern, fmt::format("{} holds for most groups, but not for all", pattern),
                 std::move(names));
  for (auto& [pattern, names] : wrong)
    findings.add(FindingKind::kWrongAxis, fmt::format("{} holds along the outputs, but not along the inputs", pattern),
                 std::move(names));
}

void find_leftovers(const Model& model, FindingList& findings) {
  std::vector<std::string> folded, alone;
  for (const TensorView& tensor : model.checkpoint.tensors())
    if (const EncodedTensor* encoded = tensor.bytes.encoded();
        encoded != nullptr && encoded->stored_type() == "weights and a mask")
      folded.push_back(tensor.name);
  for (const LeftOut& left : model.left_out)
    for (const char* ending : {"weight_mask", "weight_orig", "bias_mask", "bias_orig"})
      if (left.name == ending || left.name.ends_with(std::string(".") + ending)) alone.push_back(left.name);
  if (!folded.empty())
    findings.add(FindingKind::kLeftoverMask,
                 "weights are stored with their mask; torch.nn.utils.prune.remove() makes them one tensor",
                 std::move(folded));
  if (!alone.empty())
    findings.add(FindingKind::kLeftoverMask, "parts of torch.nn.utils.prune are left, which no class reads",
                 std::move(alone));
}

/// Tensors for which a pattern of a record does not hold.
std::vector<std::string> not_holding(const ModelCheck& check, const Pattern& pattern,
                                     const std::function<bool(const TensorCheck&)>& concerned) {
  std::vector<std::string> names;
  for (const TensorCheck& tensor : check.tensors) {
    if (!tensor.matrix || !concerned(tensor)) continue;
    const PatternShare* share = find_share(tensor.matrix->along_inputs, pattern);
    if (share != nullptr && !share->holds()) names.push_back(tensor.name);
  }
  return names;
}

bool holds_quantized(const Model& model) {
  const auto quantized = [](const TensorView& tensor) {
    return tensor.bytes.encoded() != nullptr || dtype_bits(tensor.dtype) <= 8 || tensor.dtype == DType::kI32;
  };
  const auto tensors = model.checkpoint.tensors();
  return std::any_of(tensors.begin(), tensors.end(), quantized);
}

void compare_config(const Model& model, const ModelCheck& check, const prune::SparsityRecords& records,
                    FindingList& findings) {
  if (records.quantized && !holds_quantized(model))
    findings.add(FindingKind::kConfig, "config.json has a quantization_config, but no tensor is quantized");
  if (records.structure) {
    const auto concerned = [&](const TensorCheck& tensor) {
      const auto matches = [&](const std::string& glob) { return glob_match(glob, tensor.name); };
      return std::none_of(records.ignored.begin(), records.ignored.end(), matches);
    };
    std::vector<std::string> names = not_holding(check, *records.structure, concerned);
    if (!names.empty())
      findings.add(FindingKind::kConfig,
                   fmt::format("config.json says {}, which does not hold along the inputs", records.structure->text()),
                   std::move(names));
  }
  if (!records.global_sparsity) return;
  std::uint64_t zeros = 0, elements = 0;
  for (const TensorCheck& tensor : check.tensors) {
    zeros += tensor.zeros;
    elements += tensor.elements;
  }
  const double share = elements == 0 ? 0 : static_cast<double>(zeros) / static_cast<double>(elements);
  if (std::fabs(share - *records.global_sparsity) > kRecordedTolerance)
    findings.add(FindingKind::kConfig,
                 fmt::format("config.json says that {:.2f} % of the weights are zero (found {:.2f} %)",
                             100 * *records.global_sparsity, 100 * share));
}

void compare_record(const ModelCheck& check, const prune::SparsityRecords& records, FindingList& findings) {
  std::vector<std::string> other;
  for (const TensorCheck& tensor : check.tensors)
    if (const auto found = records.zeros.find(tensor.name);
        found != records.zeros.end() && found->second != tensor.zeros)
      other.push_back(tensor.name);
  if (!other.empty())
    findings.add(FindingKind::kRecord, "pare.json says another number of zeros than there are", std::move(other));
  if (!records.pattern) return;
  const auto concerned = [&](const TensorCheck& tensor) { return records.zeros.contains(tensor.name); };
  std::vector<std::string> names = not_holding(check, *records.pattern, concerned);
  if (!names.empty())
    findings.add(FindingKind::kRecord,
                 fmt::format("pare.json says {}, which does not hold along the inputs", records.pattern->text()),
                 std::move(names));
}

std::vector<std::size_t> checked_parameters(const Model& model, const PruneOptions& options) {
  PruneOptions filters;
  filters.include = options.include;
  filters.exclude = options.exclude;
  filters.groups = options.groups;
  if (!filters.include.empty() || !filters.groups.empty()) return select_parameters(model, filters);
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < model.parameters.size(); ++i) {
    const auto excludes = [&](const std::string& glob) { return glob_match(glob, model.parameters[i].name); };
    if (is_analyzed(model.tensor(model.parameters[i]).dtype) &&
        std::none_of(filters.exclude.begin(), filters.exclude.end(), excludes))
      all.push_back(i);
  }
  return all;
}

}  // namespace

std::optional<Pattern> MatrixCheck::pattern() const {
  const PatternShare* best = nullptr;
  for (const PatternShare& share : along_inputs)
    if (share.holds() && (best == nullptr || share.pattern.n * best->pattern.m < best->pattern.n * share.pattern.m))
      best = &share;
  return best == nullptr ? std::nullopt : std::optional(best->pattern);
}

std::string_view finding_name(FindingKind kind) noexcept {
  constexpr std::string_view kNames[] = {"negative-zeros", "not-finite",     "dead-outputs",
                                         "dead-inputs",    "almost-pattern", "wrong-axis",
                                         "leftover-mask",  "config",         "record"};
  return kNames[static_cast<std::size_t>(kind)];
}

ModelCheck check_model(const Model& model, const PruneOptions& options, const Context& context) {
  prune::SparsityRecords records = prune::read_records(model);
  // It is a share of all weights.
  if (!options.include.empty() || !options.exclude.empty() || !options.groups.empty()) records.global_sparsity.reset();
  std::vector<Pattern> wanted;
  for (const std::optional<Pattern>& pattern : {records.structure, records.pattern})
    if (pattern) wanted.push_back(*pattern);
  ModelCheck check{model.title, model.source, model.architecture, {}, {}};
  check.tensors = prune::scan_tensors(model, checked_parameters(model, options), wanted, context);
  model.checkpoint.require_unchanged();
  FindingList findings(check);
  find_values(findings);
  find_patterns(check, findings);
  find_leftovers(model, findings);
  compare_config(model, check, records, findings);
  compare_record(check, records, findings);
  return check;
}

}  // namespace pare
