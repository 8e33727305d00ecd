#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/file_map.h"
#include "pare/error.h"
#include "pare/measure.h"
#include "stats/float_format.h"
#include "stats/measure_format.h"

namespace pare {
namespace {

/// Reads numbers from untrusted bytes, never beyond their end.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::filesystem::path& file) : bytes_(bytes), file_(file) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(little_endian(1)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(little_endian(4)); }
  std::uint64_t u64() { return little_endian(8); }
  double f64() { return std::bit_cast<double>(u64()); }
  /// A number of items that take at least `size` bytes each.
  std::size_t items(std::size_t size) {
    const std::uint64_t count = u64();
    if (count > bytes_.size() / size)
      fail({}, fmt::format("cut off: {} items are declared, {} bytes are left", count, bytes_.size()));
    return static_cast<std::size_t>(count);
  }
  std::string text() {
    const std::size_t size = items(1);
    return std::string(base::as_text(take(size)));
  }
  std::span<const std::byte> take(std::size_t size) {
    if (size > bytes_.size()) fail({}, fmt::format("cut off: expected {} more bytes, found {}", size, bytes_.size()));
    const std::span<const std::byte> part = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return part;
  }
  std::size_t left() const { return bytes_.size(); }

  [[noreturn]] void fail(const std::string& tensor, const std::string& cause,
                         ErrorCode code = ErrorCode::kMalformed) const {
    throw Error(code, file_, tensor, "damaged measurement: " + cause);
  }
  const std::filesystem::path& file() const { return file_; }

 private:
  std::uint64_t little_endian(std::size_t size) {
    std::uint64_t number = 0;
    const std::span<const std::byte> part = take(size);
    for (std::size_t i = 0; i < size; ++i) number |= std::to_integer<std::uint64_t>(part[i]) << (8 * i);
    return number;
  }

  std::span<const std::byte> bytes_;
  const std::filesystem::path& file_;
};

void read_stats(Reader& reader, const Measurement& measurement, MeasuredTensor& tensor) {
  Stats& stats = tensor.stats;
  for (std::uint64_t* count :
       {&stats.count, &stats.zeros, &stats.nans, &stats.positive_infinities, &stats.negative_infinities})
    *count = reader.u64();
  for (double* figure : {&stats.min, &stats.max, &stats.max_magnitude, &stats.sum, &stats.sum_of_squares})
    *figure = reader.f64();
  const std::optional<std::uint64_t> elements = base::checked_product(tensor.shape);
  if (!elements || stats.count != *elements) reader.fail(tensor.name, "the shape contradicts the number of elements");
  std::uint64_t left = stats.count;
  for (const std::uint64_t part : {stats.nans, stats.zeros, stats.positive_infinities, stats.negative_infinities}) {
    if (part > left) reader.fail(tensor.name, "more zeros, infinities and NaN than elements");
    left -= part;
  }
  for (const double cutoff : measurement.cutoffs) {
    CutoffCount at{cutoff, reader.u64(), 0};
    at.inside = reader.u64();
    if (std::max(at.above, at.inside) > stats.count - stats.nans)
      reader.fail(tensor.name, "more elements on one side of a cutoff than there are");
    stats.cutoffs.push_back(at);
  }
}

void read_sketch(Reader& reader, MeasuredTensor& tensor) {
  const std::uint32_t keys = stats::float_format(tensor.dtype).bits() == 8 ? 1U << 7 : 1U << 15;
  std::vector<Sketch::Bin> bins(reader.items(20));
  std::uint64_t left = tensor.stats.count;
  for (std::size_t i = 0; i < bins.size(); ++i) {
    Sketch::Bin& bin = bins[i];
    bin.key = reader.u32();
    if (bin.key >= keys || (i != 0 && bin.key <= bins[i - 1].key)) reader.fail(tensor.name, "bins out of order");
    for (std::uint64_t* count : {&bin.positive, &bin.negative}) {
      *count = reader.u64();
      if (*count > left) reader.fail(tensor.name, "more elements in bins than there are");
      left -= *count;
    }
    if (bin.positive == 0 && bin.negative == 0) reader.fail(tensor.name, "an empty bin");
  }
  if (left != 0) reader.fail(tensor.name, "fewer elements in bins than there are");
  tensor.sketch = Sketch(tensor.dtype, std::move(bins));
}

MeasuredTensor read_tensor(Reader& reader, const Measurement& measurement) {
  MeasuredTensor tensor;
  tensor.parameter = reader.u64();
  if (!measurement.tensors.empty() && tensor.parameter <= measurement.tensors.back().parameter)
    reader.fail({}, "parameters out of order");
  tensor.name = reader.text();
  const std::optional<DType> dtype = parse_dtype(reader.text());
  if (!dtype || !is_analyzed(*dtype)) reader.fail(tensor.name, "a dtype that is not measured");
  tensor.dtype = *dtype;
  tensor.shape.resize(reader.items(8));
  for (std::uint64_t& extent : tensor.shape) extent = reader.u64();
  read_stats(reader, measurement, tensor);
  tensor.sketch = Sketch(tensor.dtype);
  if (measurement.sketches) read_sketch(reader, tensor);
  return tensor;
}

void read_largest(Reader& reader, Measurement& measurement) {
  const std::size_t count = reader.items(24);
  if (count > measurement.largest_wanted) reader.fail({}, "more outliers than were asked for");
  for (std::size_t i = 0; i < count; ++i) {
    Outlier outlier{reader.u64(), 0, 0};
    outlier.index = reader.u64();
    outlier.value = reader.f64();
    const auto tensor = std::lower_bound(
        measurement.tensors.begin(), measurement.tensors.end(), outlier.tensor,
        [](const MeasuredTensor& measured, std::size_t parameter) { return measured.parameter < parameter; });
    if (tensor == measurement.tensors.end() || tensor->parameter != outlier.tensor ||
        outlier.index >= tensor->stats.count || std::isnan(outlier.value))
      reader.fail({}, "an outlier that is not of a measured tensor");
    measurement.largest.push_back(outlier);
  }
}

/// The bytes between version and checksum.
Reader checked_body(std::span<const std::byte> bytes, const std::filesystem::path& file) {
  Reader reader(bytes, file);
  const std::span<const std::byte> magic = std::as_bytes(std::span(stats::kMeasurementMagic));
  if (bytes.size() < magic.size() || !std::equal(magic.begin(), magic.end(), bytes.begin()))
    throw Error(ErrorCode::kMalformed, file, "not a measurement that pare saved");
  reader.take(magic.size());
  if (const std::uint32_t version = reader.u32(); version != stats::kMeasurementVersion)
    throw Error(ErrorCode::kUnsupported, file,
                fmt::format("version of the measurement (expected {}, found {})", stats::kMeasurementVersion, version));
  if (reader.left() < stats::kMeasurementChecksumBytes) reader.fail({}, "cut off before the checksum");
  const std::size_t body = bytes.size() - stats::kMeasurementChecksumBytes;
  if (Reader(bytes.subspan(body), file).u64() != XXH3_64bits(bytes.data(), body))
    reader.fail({}, "the checksum does not match");
  return Reader(reader.take(reader.left() - stats::kMeasurementChecksumBytes), file);
}

}  // namespace

Measurement parse_measurement(std::span<const std::byte> bytes, const std::filesystem::path& file) {
  Reader reader = checked_body(bytes, file);
  Measurement measurement;
  measurement.content = reader.u64();
  const std::uint8_t sketches = reader.u8();
  if (sketches > 1) reader.fail({}, "a flag that is neither 0 nor 1");
  measurement.sketches = sketches == 1;
  measurement.largest_wanted = reader.u64();
  measurement.cutoffs.resize(reader.items(8));
  for (double& cutoff : measurement.cutoffs) {
    cutoff = reader.f64();
    if (!(cutoff >= 0)) reader.fail({}, "a cutoff below 0");
  }
  // The least that a tensor takes: parameter, lengths of two texts, rank, ten figures, and two more for each cutoff.
  const std::size_t tensors = reader.items(8 * (14 + 2 * measurement.cutoffs.size()));
  for (std::size_t i = 0; i < tensors; ++i) measurement.tensors.push_back(read_tensor(reader, measurement));
  read_largest(reader, measurement);
  if (reader.left() != 0) reader.fail({}, fmt::format("{} bytes after its end", reader.left()));
  return measurement;
}

Measurement load_measurement(const std::filesystem::path& path) {
  return parse_measurement(base::FileMap::open(path)->bytes(), path);
}

}  // namespace pare
