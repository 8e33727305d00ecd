#include "calibrate/statistics/statistics_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <utility>

#include "base/file_map.h"
#include "base/json.h"
#include "pare/calibrate.h"
#include "pare/error.h"
#include "stats/content.h"

namespace pare::calibrate {
namespace {

/// Products are sums of F32 products, so that they may exceed what their squares allow by rounding.
constexpr double kSlack = 1.01;

std::string module_of(const std::string& linear) {
  constexpr std::string_view kWeight = ".weight";
  return linear.ends_with(kWeight) ? linear.substr(0, linear.size() - kWeight.size()) : linear;
}

/// A FileMap refuses what is not a file, where Checkpoint::open() would ask the Hub.
Checkpoint open_file(const std::filesystem::path& path) {
  base::FileMap::open(path);
  return Checkpoint::open(path.string());
}

std::map<std::string, std::string> metadata_of(const Checkpoint& checkpoint, const std::filesystem::path& path) {
  std::map<std::string, std::string> metadata;
  if (checkpoint.files().size() == 1) metadata = checkpoint.files().front().metadata();
  const auto version = metadata.find(kStatisticsKey);
  if (version == metadata.end())
    throw Error(ErrorCode::kUnsupported, path, "is not a file of statistics, as pare calibrate writes it");
  if (version->second != kStatisticsVersion)
    throw Error(ErrorCode::kUnsupported, path,
                fmt::format("has another version of statistics than this pare reads (expected {}, found {})",
                            kStatisticsVersion, version->second));
  return metadata;
}

const std::string& required(const std::map<std::string, std::string>& metadata, const char* key,
                            const std::filesystem::path& path) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) throw Error(ErrorCode::kMalformed, path, fmt::format("the metadata has no '{}'", key));
  return found->second;
}

std::string shape_text(const std::vector<std::uint64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

/// Copies F64 elements, which a file need not align.
void copy_numbers(const TensorView& tensor, std::uint64_t begin, std::size_t count, double* to) {
  tensor.bytes.read(begin * sizeof(double), std::as_writable_bytes(std::span(to, count)));
}

}  // namespace

std::string squares_name(const std::string& linear) { return module_of(linear) + ".input_squares"; }
std::string products_name(const std::string& linear) { return module_of(linear) + ".input_products"; }

std::string model_identity(const Model& model) { return fmt::format("{:016x}", stats::content_hash(model)); }

std::map<std::string, std::uint64_t> widths_of_linears(const Model& model) {
  std::map<std::string, std::uint64_t> widths;
  for (const Parameter& parameter : model.parameters)
    if (is_layer_linear(model, parameter))
      widths.emplace(parameter.name,
                     model.tensor(parameter).shape[parameter.orientation == Orientation::kInOut ? 0 : 1]);
  return widths;
}

std::uint64_t triangle_size(std::uint64_t n) {
  if (n >= std::uint64_t{1} << 30)
    throw Error(ErrorCode::kLimit, fmt::format("a linear has too many inputs for their products: {}", n));
  return n * (n + 1) / 2;
}

StatisticsFile::StatisticsFile(const std::filesystem::path& path, const Model& model)
    : path_(path), checkpoint_(open_file(path)) {
  const std::map<std::string, std::string> metadata = metadata_of(checkpoint_, path);
  const std::string &found = required(metadata, kStatisticsModel, path), expected = model_identity(model);
  if (found != expected)
    throw Error(ErrorCode::kMismatch, path,
                fmt::format("is of another model than {} (expected parameters with the hash {}, found {})", model.title,
                            expected, found));
  read_record(metadata);
  read_entries(metadata, model);
}

void StatisticsFile::read_record(const std::map<std::string, std::string>& metadata) {
  const base::JsonDocument document(required(metadata, kStatisticsCalibration, path_), path_, base::kJsonDepth,
                                    kStatisticsCalibration);
  const base::JsonValue root = document.root();
  record_.file = root.at("file").text();
  record_.bytes = root.at("bytes").unsigned_integer();
  record_.xxh3_128 = root.at("xxh3_128").text();
  record_.sequences = root.at("sequences").unsigned_integer();
  record_.length = root.at("length").unsigned_integer();
  record_.seed = root.at("seed").unsigned_integer();
  record_.statistics = path_.filename().string();
}

void StatisticsFile::read_entries(const std::map<std::string, std::string>& metadata, const Model& model) {
  const std::map<std::string, std::uint64_t> widths = widths_of_linears(model);
  const base::JsonDocument document(required(metadata, kStatisticsInputs, path_), path_, base::kJsonDepth,
                                    kStatisticsInputs);
  document.root().for_elements([&](const base::JsonValue& value) {
    Entry entry;
    entry.tokens = value.at("tokens").unsigned_integer();
    value.at("linears").for_elements([&](const base::JsonValue& name) {
      const std::string& linear = entry.linears.emplace_back(name.text());
      const auto width = widths.find(linear);
      if (width == widths.end())
        throw Error(ErrorCode::kMismatch, path_, linear, "is not a linear in a layer of " + model.title);
      if (entry.linears.size() > 1 && entry.in != width->second)
        throw Error(ErrorCode::kMismatch, path_, linear,
                    fmt::format("cannot share the inputs of {} (expected {} of them, found {})", entry.linears.front(),
                                width->second, entry.in));
      entry.in = width->second;
      if (!index_.emplace(linear, entries_.size()).second)
        throw Error(ErrorCode::kMalformed, path_, linear, "has statistics twice");
    });
    if (entry.linears.empty()) value.at("linears").fail("is empty");
    if (entry.tokens != 0) {
      entry.squares = find(squares_name(entry.linears.front()), entry.in, true);
      entry.products = find(products_name(entry.linears.front()), triangle_size(entry.in), false);
    }
    entries_.push_back(std::move(entry));
  });
}

const TensorView* StatisticsFile::find(const std::string& name, std::uint64_t elements, bool required) const {
  const TensorView* tensor = checkpoint_.find(name);
  if (tensor == nullptr && required) throw Error(ErrorCode::kMalformed, path_, name, "is missing");
  if (tensor == nullptr) return nullptr;
  if (tensor->dtype != DType::kF64)
    throw Error(ErrorCode::kMalformed, path_, name,
                fmt::format("has another dtype than statistics (expected F64, found {})", dtype_name(tensor->dtype)));
  if (tensor->shape != std::vector<std::uint64_t>{elements})
    throw Error(ErrorCode::kMismatch, path_, name,
                fmt::format("has another shape than the linear's inputs need (expected [{}], found {})", elements,
                            shape_text(tensor->shape)));
  return tensor;
}

const StatisticsFile::Entry& StatisticsFile::entry_of(const std::string& linear) const {
  const auto found = index_.find(linear);
  if (found == index_.end()) throw Error(ErrorCode::kMismatch, path_, linear, "has no statistics in this file");
  return entries_[found->second];
}

void StatisticsFile::require_products(const Entry& entry) const {
  if (entry.tokens != 0 && entry.products == nullptr)
    throw Error(ErrorCode::kUnsupported, path_, products_name(entry.linears.front()),
                "is missing: the file has only the norms of inputs, and this needs their products (pare calibrate "
                "without --norms-only)");
}

SharedInputs StatisticsFile::load(const Entry& entry, bool products) const {
  SharedInputs inputs;
  inputs.linears = entry.linears;
  inputs.in = entry.in;
  inputs.tokens = entry.tokens;
  inputs.squares.resize(entry.in);
  copy_numbers(*entry.squares, 0, entry.in, inputs.squares.data());
  for (std::size_t i = 0; i < entry.in; ++i)
    if (!std::isfinite(inputs.squares[i]) || inputs.squares[i] < 0)
      throw Error(ErrorCode::kMalformed, path_, entry.squares->name,
                  fmt::format("element {} is not a sum of squares (expected a finite number from 0, found {})", i,
                              inputs.squares[i]));
  if (!products) return inputs;
  require_products(entry);
  load_products(entry, inputs);
  return inputs;
}

void StatisticsFile::load_products(const Entry& entry, SharedInputs& inputs) const {
  const std::size_t n = entry.in;
  inputs.products = base::AlignedBuffer<double>(n * n);
  bool zero = true;
  for (std::size_t i = 0, at = 0; i < n; at += n - i++) {
    double* row = inputs.products.data() + i * n;
    std::fill_n(row, i, 0.0);
    copy_numbers(*entry.products, at, n - i, row + i);
    for (std::size_t j = i; j < n; ++j)
      // Cauchy and Schwarz; also false for NaN. Factors are taken before they are multiplied, against overflow.
      if (!(std::fabs(row[j]) <= kSlack * std::sqrt(inputs.squares[i]) * std::sqrt(inputs.squares[j])) ||
          (i == j && row[j] < 0))
        throw Error(ErrorCode::kMalformed, path_, entry.products->name,
                    fmt::format("the product of inputs {} and {} contradicts their sums of squares (expected at most "
                                "the root of {} times {}, found {})",
                                i, j, inputs.squares[i], inputs.squares[j], row[j]));
    zero = zero && row[i] == 0;
  }
  const auto is_zero = [](double sum) { return sum == 0; };
  if (zero && !std::all_of(inputs.squares.begin(), inputs.squares.end(), is_zero))
    throw Error(ErrorCode::kMalformed, path_, entry.products->name, "is zero, and the sums of squares are not");
}

}  // namespace pare::calibrate
