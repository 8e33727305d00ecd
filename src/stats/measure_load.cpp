#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/checked.h"
#include "base/file_map.h"
#include "base/pieces.h"
#include "base/sealed.h"
#include "pare/error.h"
#include "pare/measure.h"
#include "stats/float_format.h"
#include "stats/measure_format.h"

namespace pare {
namespace {

using base::ByteReader;

/// The elements of the pieces that were measured, or all.
std::uint64_t elements_measured(const ByteReader& reader, const MeasuredTensor& tensor, std::uint64_t elements) {
  if (tensor.pieces.empty()) return elements;
  const std::uint64_t pieces = elements / base::kPieceElements + (elements % base::kPieceElements != 0 ? 1 : 0);
  if (tensor.pieces.back().piece >= pieces || tensor.pieces.size() >= pieces)
    reader.fail(tensor.name, "more pieces than the tensor has");
  const std::uint64_t missing = tensor.pieces.back().piece == pieces - 1 ? pieces * base::kPieceElements - elements : 0;
  return tensor.pieces.size() * base::kPieceElements - missing;
}

void read_pieces(ByteReader& reader, MeasuredTensor& tensor) {
  tensor.pieces.resize(reader.items(24));
  for (std::size_t i = 0; i < tensor.pieces.size(); ++i) {
    PieceSums& piece = tensor.pieces[i];
    piece.piece = reader.u64();
    if (i != 0 && piece.piece <= tensor.pieces[i - 1].piece) reader.fail(tensor.name, "pieces out of order");
    piece.sum = reader.f64();
    piece.sum_of_squares = reader.f64();
  }
}

void read_stats(ByteReader& reader, const Measurement& measurement, MeasuredTensor& tensor) {
  Stats& stats = tensor.stats;
  for (std::uint64_t* count :
       {&stats.count, &stats.zeros, &stats.nans, &stats.positive_infinities, &stats.negative_infinities})
    *count = reader.u64();
  for (double* figure : {&stats.min, &stats.max, &stats.max_magnitude, &stats.sum, &stats.sum_of_squares})
    *figure = reader.f64();
  const std::optional<std::uint64_t> elements = base::checked_product(tensor.shape);
  if (!elements || stats.count != elements_measured(reader, tensor, *elements))
    reader.fail(tensor.name, "the shape contradicts the number of elements");
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

void read_sketch(ByteReader& reader, MeasuredTensor& tensor) {
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

MeasuredTensor read_tensor(ByteReader& reader, const Measurement& measurement) {
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
  read_pieces(reader, tensor);
  read_stats(reader, measurement, tensor);
  tensor.sketch = Sketch(tensor.dtype);
  if (measurement.sketches) read_sketch(reader, tensor);
  return tensor;
}

bool holds(const MeasuredTensor& tensor, std::uint64_t index) {
  if (tensor.pieces.empty()) return index < tensor.stats.count;
  return index < *base::checked_product(tensor.shape) &&
         std::binary_search(tensor.pieces.begin(), tensor.pieces.end(), PieceSums{index / base::kPieceElements, 0, 0},
                            [](const PieceSums& a, const PieceSums& b) { return a.piece < b.piece; });
}

void read_largest(ByteReader& reader, Measurement& measurement) {
  const std::size_t count = reader.items(24);
  if (count > measurement.largest_wanted) reader.fail({}, "more outliers than were asked for");
  for (std::size_t i = 0; i < count; ++i) {
    Outlier outlier{reader.u64(), 0, 0};
    outlier.index = reader.u64();
    outlier.value = reader.f64();
    const auto tensor = std::lower_bound(
        measurement.tensors.begin(), measurement.tensors.end(), outlier.tensor,
        [](const MeasuredTensor& measured, std::size_t parameter) { return measured.parameter < parameter; });
    if (tensor == measurement.tensors.end() || tensor->parameter != outlier.tensor || !holds(*tensor, outlier.index) ||
        std::isnan(outlier.value))
      reader.fail({}, "an outlier that is not of a measured tensor");
    measurement.largest.push_back(outlier);
  }
}

}  // namespace

Measurement parse_measurement(std::span<const std::byte> bytes, const std::filesystem::path& file) {
  ByteReader reader = base::open_sealed(bytes, stats::kMeasurementFile, file);
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
  // The least that a tensor takes: parameter, lengths of two texts, rank, number of pieces, ten figures, and two more
  // for each cutoff.
  const std::size_t tensors = reader.items(8 * (15 + 2 * measurement.cutoffs.size()));
  for (std::size_t i = 0; i < tensors; ++i) measurement.tensors.push_back(read_tensor(reader, measurement));
  read_largest(reader, measurement);
  if (reader.left() != 0) reader.fail({}, fmt::format("{} bytes after its end", reader.left()));
  return measurement;
}

Measurement load_measurement(const std::filesystem::path& path) {
  return parse_measurement(base::FileMap::open(path)->bytes(), path);
}

}  // namespace pare
