#include "bench/process_memory.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "pare/error.h"

namespace pare::bench {
namespace {

/// The figure after `label` in a file of lines that begin with a label, times `unit`; 0 if it is missing.
std::uint64_t figure(const std::filesystem::path& file, const std::string& label, std::uint64_t unit) {
  std::ifstream lines(file);
  std::string word;
  while (lines >> word)
    if (std::uint64_t number = 0; word == label && lines >> number) return number * unit;
  return 0;
}

/// The number in a file; UINT64_MAX if it contains none ("max").
std::uint64_t number_in(const std::filesystem::path& file) {
  std::uint64_t number = 0;
  return std::ifstream(file) >> number ? number : UINT64_MAX;
}

/// Memory left in the control group of a container. The page cache counts as left.
std::uint64_t left_in_group() {
  const std::filesystem::path group = "/sys/fs/cgroup";
  const std::uint64_t limit = number_in(group / "memory.max"), used = number_in(group / "memory.current");
  if (limit == UINT64_MAX || used == UINT64_MAX) return UINT64_MAX;
  const std::uint64_t cache = figure(group / "memory.stat", "file", 1);
  return limit - std::min(limit, used - std::min(used, cache));
}

std::string gigabytes(std::uint64_t bytes) { return fmt::format("{:.1f} GB", static_cast<double>(bytes) / 1e9); }

/// Share of the weights that remain at the lowest level.
double most_left(const PruneOptions& pruning) {
  if (!pruning.sets.empty()) return 1;
  double left = pruning.pattern.level() ? 1 - pruning.pattern.level()->fraction : 0;
  for (const Amount& amount : pruning.levels) left = std::max(left, amount.count ? 1.0 : 1 - amount.fraction);
  return left;
}

}  // namespace

std::uint64_t begin_peak() {
  ::malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
  return figure("/proc/self/status", "VmRSS:", 1024);
}

std::uint64_t peak_resident() { return figure("/proc/self/status", "VmHWM:", 1024); }

std::uint64_t available_memory() {
  const std::uint64_t machine = figure("/proc/meminfo", "MemAvailable:", 1024);
  return std::min(machine == 0 ? UINT64_MAX : machine, left_in_group());
}

std::uint64_t needed_memory(const Model& model, const BenchOptions& options) {
  const PruneOptions& pruning = options.pruning;
  const bool pruned = !pruning.levels.empty() || !pruning.sets.empty() || pruning.pattern.level();
  const double left = most_left(pruning);
  double bytes = 0;
  for (const Parameter& parameter : model.parameters) {
    const TensorView& tensor = model.tensor(parameter);
    const auto stored = static_cast<double>(tensor.bytes.size()), elements = static_cast<double>(tensor.elements());
    const double runners = pruned ? 2 : 1;  // the dense one stays in memory while each level is timed
    bytes += stored + (tensor.dtype == DType::kF32 ? 0 : runners * 4 * elements);
    // A copy without the pruned weights; values with positions for many tokens; values and a mask for one.
    if (pruned && parameter.prunable) bytes += stored + (6 + 4) * left * elements + elements / 8;
  }
  return static_cast<std::uint64_t>(bytes);
}

void require_memory(const std::string& source, std::uint64_t needed, std::uint64_t available) {
  if (needed > available)
    throw Error(ErrorCode::kOutOfMemory, source,
                fmt::format("is too large to be timed here: it needs about {} of memory, {} are available",
                            gigabytes(needed), gigabytes(available)));
}

}  // namespace pare::bench
