// A file of statistics of what the linears of a model as it is read on a text (docs/formats.md).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "calibrate/layer_inputs.h"
#include "pare/model.h"
#include "pare/prune.h"

namespace pare::calibrate {

// Metadata of the file.
inline constexpr const char* kStatisticsKey = "pare.statistics";
inline constexpr const char* kStatisticsVersion = "1";
inline constexpr const char* kStatisticsModel = "pare.model";
inline constexpr const char* kStatisticsCalibration = "pare.calibration";
inline constexpr const char* kStatisticsInputs = "pare.inputs";

/// Names of the tensors of inputs whose first linear has this name.
std::string squares_name(const std::string& linear);
std::string products_name(const std::string& linear);
/// Which model the statistics are of: a hash of the names, dtypes, shapes and samples of its parameters.
std::string model_identity(const Model& model);
/// Number of inputs of each linear inside a layer, by name.
std::map<std::string, std::uint64_t> widths_of_linears(const Model& model);
/// n (n + 1) / 2, the number of elements on and above the diagonal. Throws Error (kLimit) if it is beyond 2^60.
std::uint64_t triangle_size(std::uint64_t n);

class StatisticsFile {
 public:
  /// What is known of some inputs, still in the file.
  struct Entry {
    std::vector<std::string> linears;  ///< not empty
    std::size_t in = 0;
    std::uint64_t tokens = 0;              ///< 0: no token reached the linears, and there are no tensors
    const TensorView* squares = nullptr;   ///< F64 [in]
    const TensorView* products = nullptr;  ///< F64 [in (in + 1) / 2]; nullptr if the file has only the squares
  };

  /// Checks everything but the numbers. Throws Error: kNotFound, kIo, kMalformed, kUnsupported for another kind of
  /// file, kMismatch for statistics of another model.
  StatisticsFile(const std::filesystem::path& path, const Model& model);

  const std::vector<Entry>& entries() const noexcept { return entries_; }
  /// The entry of a linear. Throws Error (kMismatch) if the file does not have it.
  const Entry& entry_of(const std::string& linear) const;
  /// Throws Error (kUnsupported) for an entry that saw tokens and has no products.
  void require_products(const Entry& entry) const;
  /// The text that the model read.
  const CalibrationRecord& record() const noexcept { return record_; }
  /// Reads and checks the numbers of an entry that saw tokens. Throws Error: kMalformed for numbers that are not
  /// finite, negative sums of squares, and products that contradict these; kUnsupported if `products` are asked for and
  /// the file has none.
  SharedInputs load(const Entry& entry, bool products) const;
  /// Throws Error (kChanged) if the file changed since it was opened.
  void require_unchanged() const { checkpoint_.require_unchanged(); }

 private:
  void read_record(const std::map<std::string, std::string>& metadata);
  void read_entries(const std::map<std::string, std::string>& metadata, const Model& model);
  const TensorView* find(const std::string& name, std::uint64_t elements, bool required) const;
  void load_products(const Entry& entry, SharedInputs& inputs) const;

  std::filesystem::path path_;
  Checkpoint checkpoint_;
  CalibrationRecord record_;
  std::vector<Entry> entries_;
  std::map<std::string, std::size_t> index_;  ///< of a linear's entry
};

}  // namespace pare::calibrate
