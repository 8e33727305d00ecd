// What is finished of an output that many files make up, so that a run that failed can be resumed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/shared_directory.h"
#include "pare/context.h"

namespace pare::base {

/// Keeps a record of each finished item (the files that are made of one source file) in the directory that is filled. A
/// record counts only if its identity, which says what is made of what, is that of this run, and if the files are as
/// they were when it was written. Everything else that an earlier run has left in the directory is removed. Every rank
/// of a group must make one, in the same order as other shared calls.
class FinishedFiles {
 public:
  /// Does nothing if the directory does not keep what is finished. Throws Error.
  FinishedFiles(const SharedDirectory& directory, std::string identity, const Context& context);

  /// What was noted of an item that an earlier run has finished; nullptr if it must be made.
  const std::vector<std::byte>* find(std::size_t item) const;
  /// Records an item whose files, as paths inside the directory, are closed. Syncs them first, so that a record never
  /// survives a power failure that its files do not.
  void add(std::size_t item, std::span<const std::filesystem::path> files, std::span<const std::byte> note) const;
  /// Removes the records; called by one rank, after all items are finished.
  void forget() const;

 private:
  void take_over();

  std::filesystem::path directory_;
  std::string identity_;
  bool keeps_;
  std::map<std::size_t, std::vector<std::byte>> notes_;
};

}  // namespace pare::base
