// What an interrupted calibrated run leaves, so that the same run goes on where it ended.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/descriptor.h"
#include "base/file_map.h"

namespace pare::calibrate {

/// The result for one linear.
struct StoredLinear {
  std::size_t index = 0;               ///< in PrunePlan::parameters
  std::uint64_t pruned = 0;            ///< number of weights that are removed
  bool unseen = false;                 ///< whether it saw no input other than zero
  bool raised = false;                 ///< whether its damping was raised
  std::vector<std::uint64_t> removed;  ///< as Mask::Bits has them
  std::span<const std::byte> values;   ///< of the whole tensor, if those that remain have changed; otherwise empty
};

void write_linears(base::ByteWriter& writer, const std::vector<StoredLinear>& linears);
/// Values are spans of what is read.
std::vector<StoredLinear> read_linears(base::ByteReader& reader);

/// A file to which each finished layer is appended, with a checksum, and synced. What a crash cut off is ignored.
/// Locked while this object lives.
class ResumeFile {
 public:
  using Tell = std::function<void(const std::string& sentence)>;

  /// Opens or creates the file. `fingerprint`: of all that the result depends on; what a run with another one left is
  /// thrown away. Says in a sentence what is used again, or why nothing is. Throws Error: kExists for a file that pare
  /// did not write, or that another process uses; kIo, kNoSpace.
  ResumeFile(std::filesystem::path path, const std::string& fingerprint, const Tell& tell);

  /// The levels of the linears that an allocation found, if they are stored.
  const std::optional<std::vector<std::vector<double>>>& allocation() const noexcept { return allocation_; }
  void store(const std::vector<std::vector<double>>& allocation);

  /// The linears of a finished layer; nullptr if it is not stored. Valid as long as this object.
  const std::vector<StoredLinear>* find(std::size_t level, std::size_t layer) const;
  void store(std::size_t level, std::size_t layer, const std::vector<StoredLinear>& linears);

 private:
  /// Whether the file is of the same run; then reads it.
  bool continues(const std::string& fingerprint, const Tell& tell);
  void read(std::span<const std::byte> bytes, const Tell& tell);
  void read_record(std::span<const std::byte> record);
  void begin(const std::string& fingerprint);
  void append(std::span<const std::byte> record);
  void write(std::span<const std::byte> bytes);
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  base::Descriptor descriptor_;
  std::shared_ptr<const base::FileMap> map_;  ///< what was there before
  std::uint64_t end_ = 0;                     ///< of what is valid
  std::optional<std::vector<std::vector<double>>> allocation_;
  std::map<std::pair<std::size_t, std::size_t>, std::vector<StoredLinear>> layers_;
};

}  // namespace pare::calibrate
