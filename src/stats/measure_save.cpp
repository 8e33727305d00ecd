#include <xxhash.h>

#include <bit>

#include "base/bytes.h"
#include "base/output.h"
#include "pare/error.h"
#include "pare/measure.h"
#include "stats/measure_format.h"

namespace pare {
namespace {

class Writer {
 public:
  void u8(std::uint8_t number) { bytes_.push_back(std::byte{number}); }
  void u32(std::uint32_t number) { little_endian(number, 4); }
  void u64(std::uint64_t number) { little_endian(number, 8); }
  void f64(double number) { u64(std::bit_cast<std::uint64_t>(number)); }
  void raw(std::string_view text) {
    for (const char c : text) u8(static_cast<std::uint8_t>(c));
  }
  void text(std::string_view text) {
    u64(text.size());
    raw(text);
  }
  std::vector<std::byte>& bytes() { return bytes_; }

 private:
  void little_endian(std::uint64_t number, unsigned size) {
    for (unsigned i = 0; i < size; ++i) u8(static_cast<std::uint8_t>(number >> (8 * i)));
  }

  std::vector<std::byte> bytes_;
};

void write_stats(Writer& writer, const Stats& stats) {
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

void write_tensor(Writer& writer, const MeasuredTensor& tensor, bool sketch) {
  writer.u64(tensor.parameter);
  writer.text(tensor.name);
  writer.text(dtype_name(tensor.dtype));
  writer.u64(tensor.shape.size());
  for (const std::uint64_t extent : tensor.shape) writer.u64(extent);
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
  Writer writer;
  writer.raw(stats::kMeasurementMagic);
  writer.u32(stats::kMeasurementVersion);
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
  writer.u64(XXH3_64bits(writer.bytes().data(), writer.bytes().size()));
  return std::move(writer.bytes());
}

void save_measurement(const Measurement& measurement, const std::filesystem::path& path, bool force) {
  const std::vector<std::byte> bytes = measurement_bytes(measurement);
  base::write_file(path, base::as_text(bytes), force ? base::Publish::kReplace : base::Publish::kNew);
}

}  // namespace pare
