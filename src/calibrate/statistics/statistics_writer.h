// Writes a file of statistics while a model runs.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/output.h"
#include "calibrate/calibration_text.h"
#include "calibrate/layer_inputs.h"
#include "checkpoint/safetensors/safetensors_writer.h"

namespace pare::calibrate {

/// The tensors are written one after the other, and the header, for which room is left in front of them, in the end: by
/// then it is known which linears share inputs.
class StatisticsWriter {
 public:
  /// `products`: whether they are written. Throws Error: kExists, kIo, kNoSpace.
  StatisticsWriter(const std::filesystem::path& path, const Model& model, const CalibrationText& text, bool products,
                   bool force);

  /// Inputs that linears of the model share; each linear at most once.
  void add(const SharedInputs& inputs);
  /// A linear that no token reached.
  void add_unseen(const std::string& linear);
  /// Gives the file its name.
  void commit();

 private:
  struct Entry {
    std::vector<std::string> linears;
    std::uint64_t in = 0, tokens = 0;
  };
  checkpoint::SafetensorsLayout layout_of(const std::vector<Entry>& entries) const;
  void append(std::span<const double> numbers);

  std::map<std::string, std::string> metadata_;  ///< but for the entries
  bool products_;
  std::vector<Entry> entries_;
  base::OutputFile file_;
  std::uint64_t header_ = 0, end_ = 0;  ///< bytes left for the header; bytes written, with it
};

}  // namespace pare::calibrate
