#include <utility>

#include "base/bytes.h"
#include "base/output.h"
#include "pare/error.h"
#include "pare/measure.h"
#include "stats/measure_format.h"

namespace pare {
namespace {

using base::ByteWriter;

void write_stats(ByteWriter& writer, const Stats& stats) {
  for (const std::uint64_t count :
       {stats.count, stats.zeros, stats.nans, stats.positive_infinities, stats.negative_infinities})
    writer.u64(count);
  for (const double figure : {stats.min, stats.max, stats.max_magnitude, stats.sum, stats.sum_of_squares})
    writer.f64(figure);
  for (const CutoffCount& at : stats.cutoffs) {
    writer.u64(at.above);
    writer.u64(at.inside);
  }
}

void write_tensor(ByteWriter& writer, const MeasuredTensor& tensor, bool sketch) {
  writer.u64(tensor.parameter);
  writer.text(tensor.name);
  writer.text(dtype_name(tensor.dtype));
  writer.u64(tensor.shape.size());
  for (const std::uint64_t extent : tensor.shape) writer.u64(extent);
  writer.u64(tensor.pieces.size());
  for (const PieceSums& piece : tensor.pieces) {
    writer.u64(piece.piece);
    writer.f64(piece.sum);
    writer.f64(piece.sum_of_squares);
  }
  write_stats(writer, tensor.stats);
  if (!sketch) return;
  writer.u64(tensor.sketch.bins().size());
  for (const Sketch::Bin& bin : tensor.sketch.bins()) {
    writer.u32(bin.key);
    writer.u64(bin.positive);
    writer.u64(bin.negative);
  }
}

}  // namespace

std::vector<std::byte> measurement_bytes(const Measurement& measurement) {
  ByteWriter writer = base::begin_sealed(stats::kMeasurementFile);
  writer.u64(measurement.content);
  writer.u8(measurement.sketches ? 1 : 0);
  writer.u64(measurement.largest_wanted);
  writer.u64(measurement.cutoffs.size());
  for (const double cutoff : measurement.cutoffs) writer.f64(cutoff);
  writer.u64(measurement.tensors.size());
  for (const MeasuredTensor& tensor : measurement.tensors) write_tensor(writer, tensor, measurement.sketches);
  writer.u64(measurement.largest.size());
  for (const Outlier& outlier : measurement.largest) {
    writer.u64(outlier.tensor);
    writer.u64(outlier.index);
    writer.f64(outlier.value);
  }
  return base::seal(std::move(writer));
}

void save_measurement(const Measurement& measurement, const std::filesystem::path& path, bool force) {
  const std::vector<std::byte> bytes = measurement_bytes(measurement);
  base::write_file(path, base::as_text(bytes), force ? base::Publish::kReplace : base::Publish::kNew);
}

}  // namespace pare
