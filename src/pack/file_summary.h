// What packing one file gave, which the process that writes it tells the one that writes index and manifest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "pack/records.h"
#include "pare/pack.h"

namespace pare::pack {

struct FileSummary {
  StoredFile stored;
  std::vector<PackedSize> tensors;
  std::uint64_t dense_bytes = 0, packed_bytes = 0;
};

/// A summary as bytes, and back.
std::vector<std::byte> summary_bytes(const FileSummary& summary);
FileSummary parse_summary(std::span<const std::byte> bytes);

/// On rank 0 of a group, the summaries of all files in order; `own` are those of prune::own_files(). Elsewhere nothing;
/// without a group, `own`.
std::vector<FileSummary> of_all_files(const Checkpoint& checkpoint, std::vector<FileSummary> own,
                                      const Context& context);
/// Those of all files together.
PackSummary sum_up(const std::vector<FileSummary>& files);

}  // namespace pare::pack
