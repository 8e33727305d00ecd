#include "calibrate/statistics/statistics_writer.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>

#include "base/json_text.h"
#include "calibrate/fingerprint.h"
#include "calibrate/statistics/statistics_file.h"

namespace pare::calibrate {
namespace {

/// Numbers that are written at once: 8 MiB.
constexpr std::size_t kNumbersOfWrite = std::size_t{1} << 20;

using Json = nlohmann::ordered_json;

std::string calibration_json(const CalibrationText& text) {
  const CalibrationRecord& record = text.record;
  std::uint64_t tokens = 0;
  for (const std::vector<TokenBatch>* batches : {&text.batches, &text.targets})
    for (const TokenBatch& batch : *batches) tokens += batch.tokens();
  return base::compact_text(Json{{"file", record.file},
                                 {"bytes", record.bytes},
                                 {"xxh3_128", record.xxh3_128},
                                 {"sequences", record.sequences},
                                 {"length", record.length},
                                 {"seed", record.seed},
                                 {"tokens", tokens},
                                 {"tokens_xxh3_128", hash_of_tokens(text)}});
}

TensorView tensor_of(const std::string& name, std::uint64_t elements) {
  TensorView tensor;
  tensor.name = name;
  tensor.dtype = DType::kF64;
  tensor.shape = {elements};
  tensor.bytes = TensorBytes(static_cast<const std::byte*>(nullptr), elements * sizeof(double));
  return tensor;
}

}  // namespace

StatisticsWriter::StatisticsWriter(const std::filesystem::path& path, const Model& model, const CalibrationText& text,
                                   bool products, bool force)
    : metadata_{{"format", "pt"},
                {kStatisticsKey, kStatisticsVersion},
                {kStatisticsModel, model_identity(model)},
                {kStatisticsCalibration, calibration_json(text)},
                {"architecture", model.architecture}},
      products_(products),
      file_(path, force ? base::Publish::kReplace : base::Publish::kNew) {
  // No header is longer than that of linears which share nothing.
  std::vector<Entry> separate;
  for (const auto& [linear, in] : widths_of_linears(model))
    separate.push_back({{linear}, in, std::numeric_limits<std::uint64_t>::max()});
  header_ = end_ = layout_of(separate).header.size();
}

checkpoint::SafetensorsLayout StatisticsWriter::layout_of(const std::vector<Entry>& entries) const {
  std::vector<TensorView> tensors;
  Json inputs = Json::array();
  for (const Entry& entry : entries) {
    inputs.push_back({{"linears", entry.linears}, {"tokens", entry.tokens}});
    if (entry.tokens == 0) continue;
    tensors.push_back(tensor_of(squares_name(entry.linears.front()), entry.in));
    if (products_) tensors.push_back(tensor_of(products_name(entry.linears.front()), triangle_size(entry.in)));
  }
  std::vector<const TensorView*> views;
  for (const TensorView& tensor : tensors) views.push_back(&tensor);
  std::map<std::string, std::string> metadata = metadata_;
  metadata[kStatisticsInputs] = base::compact_text(inputs);
  return checkpoint::plan_layout(views, metadata);
}

void StatisticsWriter::append(std::span<const double> numbers) {
  file_.write_at(end_, std::as_bytes(numbers));
  file_.start_writeback(end_, numbers.size_bytes());
  end_ += numbers.size_bytes();
}

void StatisticsWriter::add(const SharedInputs& inputs) {
  entries_.push_back({inputs.linears, inputs.in, inputs.tokens});
  if (inputs.tokens == 0) return;
  append(inputs.squares);
  if (!products_) return;
  std::vector<double> numbers;
  for (std::size_t i = 0; i < inputs.in; ++i) {
    const double* row = inputs.products.data() + i * inputs.in;
    numbers.insert(numbers.end(), row + i, row + inputs.in);
    if (numbers.size() < kNumbersOfWrite && i + 1 < inputs.in) continue;
    append(numbers);
    numbers.clear();
  }
}

void StatisticsWriter::add_unseen(const std::string& linear) { entries_.push_back({{linear}, 0, 0}); }

void StatisticsWriter::commit() {
  std::string header = layout_of(entries_).header;
  header.resize(header_, ' ');
  const std::uint64_t length = header.size() - sizeof length;
  std::memcpy(header.data(), &length, sizeof length);
  file_.write_at(0, header);
  file_.commit();
}

}  // namespace pare::calibrate
