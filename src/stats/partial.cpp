#include "pare/partial.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/bytes.h"
#include "base/file_map.h"
#include "base/output.h"
#include "base/sealed.h"
#include "pare/error.h"

namespace pare {
namespace {

constexpr base::SealedKind kPartialFile{"PAREPART", 1, "part of an inspection"};
constexpr std::size_t kMostNamed = 10;  // missing parts in a message

void write_numbers(base::ByteWriter& writer, const std::vector<double>& numbers) {
  writer.u64(numbers.size());
  for (const double number : numbers) writer.f64(number);
}

void write_texts(base::ByteWriter& writer, const std::vector<std::string>& texts) {
  writer.u64(texts.size());
  for (const std::string& text : texts) writer.text(text);
}

/// All that must be equal in the parts of one inspection, but for the number of the part.
void write_identity(base::ByteWriter& writer, const PartialInspection& partial) {
  writer.u64(partial.model_options.seed);
  writer.text(partial.model_options.as_class);
  const InspectOptions& options = partial.options;
  writer.f64(options.cutoff);
  writer.u8(static_cast<std::uint8_t>(options.measure));
  write_numbers(writer, options.tails);
  write_numbers(writer, options.quantiles);
  writer.u64(options.largest);
  write_texts(writer, options.include);
  write_texts(writer, options.exclude);
  writer.u64(options.groups.size());
  for (const Group group : options.groups) writer.u8(static_cast<std::uint8_t>(group));
}

/// A number in [low, high]: NaN is refused, too.
double read_number(base::ByteReader& reader, double high) {
  const double number = reader.f64();
  if (!(number >= 0 && number <= high)) reader.fail({}, "an option out of range");
  return number;
}

std::vector<double> read_numbers(base::ByteReader& reader, double high) {
  std::vector<double> numbers(reader.items(8));
  for (double& number : numbers) number = read_number(reader, high);
  return numbers;
}

std::vector<std::string> read_texts(base::ByteReader& reader) {
  std::vector<std::string> texts(reader.items(8));
  for (std::string& text : texts) text = reader.text();
  return texts;
}

/// A value of an enumeration whose last value is `last`.
template <class Enum>
Enum read_enum(base::ByteReader& reader, Enum last) {
  const std::uint8_t value = reader.u8();
  if (value > static_cast<std::uint8_t>(last)) reader.fail({}, "an option that does not exist");
  return static_cast<Enum>(value);
}

void read_identity(base::ByteReader& reader, PartialInspection& partial) {
  constexpr double kLargest = std::numeric_limits<double>::max();
  partial.model_options.seed = reader.u64();
  partial.model_options.as_class = reader.text();
  InspectOptions& options = partial.options;
  options.cutoff = read_number(reader, kLargest);
  options.measure = read_enum(reader, Measure::kSigned);
  options.tails = read_numbers(reader, kLargest);
  options.quantiles = read_numbers(reader, 1);
  options.largest = reader.u64();
  options.include = read_texts(reader);
  options.exclude = read_texts(reader);
  options.groups.resize(reader.items(1));
  for (Group& group : options.groups) group = read_enum(reader, Group::kOther);
}

/// "part 3/8".
std::string title(const Part& part) { return fmt::format("part {}/{}", part.index + 1, part.count); }

/// Throws Error unless `partial` is of the same inspection as `first`.
void require_same(const PartialInspection& first, const PartialInspection& partial) {
  const auto identity = [](const PartialInspection& of) {
    base::ByteWriter writer;
    write_identity(writer, of);
    return std::move(writer.bytes());
  };
  if (partial.measurement.content != first.measurement.content)
    throw Error(ErrorCode::kMismatch, partial.file,
                fmt::format("{} is of another model than {} (expected one of '{}', found one of '{}')",
                            title(partial.part), first.file.string(), first.model, partial.model));
  if (identity(partial) != identity(first))
    throw Error(ErrorCode::kMismatch, partial.file,
                fmt::format("{} was made with other options than {}", title(partial.part), first.file.string()));
  if (partial.part.count != first.part.count || partial.part.split != first.part.split)
    throw Error(ErrorCode::kMismatch, partial.file,
                fmt::format("is of another division than {} (expected one of {} parts by {}, found {} by {})",
                            first.file.string(), first.part.count, split_name(first.part.split), title(partial.part),
                            split_name(partial.part.split)));
}

void require_all(const std::vector<PartialInspection>& rising) {
  const Part& any = rising.front().part;
  std::vector<std::size_t> missing;
  std::uint64_t expected = 0, count = 0;
  const auto miss_until = [&](std::uint64_t index) {
    count += index - expected;
    for (; expected < index && missing.size() < kMostNamed; ++expected) missing.push_back(expected + 1);
    expected = index;
  };
  for (std::size_t i = 0; i < rising.size(); ++i) {
    if (i != 0 && rising[i].part.index == rising[i - 1].part.index)
      throw Error(ErrorCode::kMismatch, rising[i].file,
                  fmt::format("{} is given twice, also as {}", title(rising[i].part), rising[i - 1].file.string()));
    miss_until(rising[i].part.index);
    expected = rising[i].part.index + std::uint64_t{1};
  }
  miss_until(any.count);
  if (count == 0) return;
  throw Error(ErrorCode::kMismatch, rising.front().file.parent_path(),
              fmt::format("{} of {} parts {} missing: {}{}", count, any.count, count == 1 ? "is" : "are",
                          fmt::join(missing, ", "), missing.size() < count ? ", ..." : ""));
}

}  // namespace

std::vector<std::byte> partial_bytes(const PartialInspection& partial) {
  base::ByteWriter writer = base::begin_sealed(kPartialFile);
  writer.text(partial.model);
  write_identity(writer, partial);
  writer.u32(partial.part.index);
  writer.u32(partial.part.count);
  writer.u8(static_cast<std::uint8_t>(partial.part.split));
  writer.raw(measurement_bytes(partial.measurement));
  return base::seal(std::move(writer));
}

PartialInspection parse_partial(std::span<const std::byte> bytes, const std::filesystem::path& file) {
  base::ByteReader reader = base::open_sealed(bytes, kPartialFile, file);
  PartialInspection partial;
  partial.file = file;
  partial.model = reader.text();
  read_identity(reader, partial);
  partial.part.index = reader.u32();
  partial.part.count = reader.u32();
  partial.part.split = read_enum(reader, Split::kFiles);
  if (partial.part.index >= partial.part.count) reader.fail({}, fmt::format("{} does not exist", title(partial.part)));
  partial.measurement = parse_measurement(reader.take(reader.left()), file);
  std::vector<double> cutoffs{partial.options.cutoff};
  cutoffs.insert(cutoffs.end(), partial.options.tails.begin(), partial.options.tails.end());
  if (partial.measurement.cutoffs != cutoffs || partial.measurement.largest_wanted != partial.options.largest ||
      partial.measurement.sketches == partial.options.quantiles.empty())
    reader.fail({}, "the options differ from those of its measurement");
  return partial;
}

void save_partial(const PartialInspection& partial, const std::filesystem::path& path, bool force) {
  const std::vector<std::byte> bytes = partial_bytes(partial);
  base::write_file(path, base::as_text(bytes), force ? base::Publish::kReplace : base::Publish::kNew);
}

PartialInspection load_partial(const std::filesystem::path& path) {
  return parse_partial(base::FileMap::open(path)->bytes(), path);
}

PartialInspection merge_partials(std::vector<PartialInspection> partials) {
  if (partials.empty()) throw Error(ErrorCode::kArgument, "there is no part to merge");
  for (const PartialInspection& partial : partials) require_same(partials.front(), partial);
  std::stable_sort(partials.begin(), partials.end(),
                   [](const PartialInspection& a, const PartialInspection& b) { return a.part.index < b.part.index; });
  require_all(partials);
  std::vector<Measurement> measurements;
  for (PartialInspection& partial : partials) measurements.push_back(std::move(partial.measurement));
  PartialInspection whole = std::move(partials.front());
  whole.part = {0, 1, whole.part.split};
  whole.measurement = merge(std::move(measurements));
  return whole;
}

}  // namespace pare
