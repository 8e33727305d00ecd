#include "prune/checks/scan_tensors.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <mutex>

#include "base/parallel.h"
#include "base/pieces.h"
#include "checkpoint/tensor_piece.h"
#include "prune/checks/group_counts.h"
#include "stats/float_format.h"

namespace pare::prune {
namespace {

constexpr std::uint64_t kMostColumns = 1ULL << 24;  ///< of a stored row whose groups are counted
constexpr std::uint64_t kMostMatrices = 1ULL << 16;
constexpr std::uint64_t kElementsAtOnce = 4096;  ///< stay in the first-level cache

/// Shape of a stored tensor of matrices; a tensor whose groups are not counted is one row.
struct StoredShape {
  std::uint64_t matrices = 1, rows = 1, columns = 0;
  bool is_matrix = false;
};

StoredShape shape_of(const Parameter& parameter, const TensorView& tensor) {
  const std::vector<std::uint64_t>& shape = tensor.shape;
  const std::uint64_t elements = tensor.elements();
  const bool experts = shape.size() == 3;
  if (parameter.orientation == Orientation::kNone || (shape.size() != 2 && !experts) || elements == 0 ||
      shape.back() > kMostColumns || (experts && shape[0] > kMostMatrices))
    return {1, 1, elements, false};
  return {experts ? shape[0] : 1, shape[shape.size() - 2], shape.back(), true};
}

/// Rows [begin, begin + count) of one matrix or, of a tensor without matrices, elements.
struct ScanItem {
  std::size_t tensor;  ///< index into the parameters
  std::uint64_t matrix, begin, count;
};

std::vector<ScanItem> cut_into_items(std::span<const StoredShape> shapes) {
  std::vector<ScanItem> items;
  for (std::size_t tensor = 0; tensor < shapes.size(); ++tensor) {
    const StoredShape& shape = shapes[tensor];
    const std::uint64_t extent = shape.is_matrix ? shape.rows : shape.columns;
    std::uint64_t step = base::kPieceElements;
    if (shape.is_matrix) step = std::max(kLargestGroup, step / shape.columns / kLargestGroup * kLargestGroup);
    for (std::uint64_t matrix = 0; matrix < shape.matrices; ++matrix)
      for (std::uint64_t begin = 0; begin < extent; begin += step)
        items.push_back({tensor, matrix, begin, std::min(step, extent - begin)});
  }
  return items;
}

struct ValueCounts {
  std::uint64_t zeros = 0, negative_zeros = 0, nans = 0, infinities = 0;
};

template <class Bits>
void count_values(const stats::FloatFormat& format, const std::byte* data, std::size_t n, ValueCounts& counts,
                  std::uint8_t* kept) {
  const auto sign = static_cast<Bits>(format.sign_bit()), finite = static_cast<Bits>(format.finite_max);
  const auto magnitude = static_cast<Bits>(~sign);
  std::uint64_t zeros = 0, negative = 0, above = 0;
  for (std::size_t i = 0; i < n; ++i) {
    Bits bits;
    std::memcpy(&bits, data + i * sizeof bits, sizeof bits);
    const auto key = static_cast<Bits>(bits & magnitude);
    kept[i] = key != 0 ? 1 : 0;
    zeros += key == 0 ? 1U : 0U;
    negative += bits == sign ? 1U : 0U;
    above += key > finite ? 1U : 0U;
  }
  counts.zeros += zeros;
  counts.negative_zeros += negative;
  for (std::size_t i = 0; above != 0 && i < n; ++i) {
    const std::uint64_t key = stats::load_pattern(format, data, i) & ~format.sign_bit();
    if (format.is_nan(key)) ++counts.nans;
    if (key > format.finite_max && !format.is_nan(key)) ++counts.infinities;
  }
}

void count_values_of(const stats::FloatFormat& format, const std::byte* data, std::size_t n, ValueCounts& counts,
                     std::uint8_t* kept) {
  switch (format.width) {
    case kernels::Width::k8:
      return count_values<std::uint8_t>(format, data, n, counts, kept);
    case kernels::Width::k16:
      return count_values<std::uint16_t>(format, data, n, counts, kept);
    case kernels::Width::k32:
      return count_values<std::uint32_t>(format, data, n, counts, kept);
    case kernels::Width::k64:
      return count_values<std::uint64_t>(format, data, n, counts, kept);
  }
}

/// What the items of one tensor add up to. Sums and unions, so that their order does not matter.
struct TensorTotals {
  std::mutex mutex;
  ValueCounts values;
  GroupCounts along_rows, across_rows;
  std::uint64_t dead_rows = 0, dead_columns = 0;
  /// Columns with a nonzero, and rows that are left, of matrices that are not scanned to the end.
  struct Open {
    std::vector<std::uint8_t> alive;
    std::uint64_t rows_left = 0;
  };
  std::map<std::uint64_t, Open> open;

  void add(const ValueCounts& counts) {
    values.zeros += counts.zeros;
    values.negative_zeros += counts.negative_zeros;
    values.nans += counts.nans;
    values.infinities += counts.infinities;
  }
  void add(const RowGroups& groups, const ScanItem& item, const StoredShape& shape) {
    along_rows += groups.along_rows();
    across_rows += groups.across_rows();
    dead_rows += groups.dead_rows();
    const auto [at, fresh] = open.try_emplace(item.matrix, Open{groups.alive(), shape.rows});
    Open& matrix = at->second;
    for (std::size_t i = 0; !fresh && i < matrix.alive.size(); ++i) matrix.alive[i] |= groups.alive()[i];
    matrix.rows_left -= item.count;
    if (matrix.rows_left != 0) return;
    dead_columns += static_cast<std::uint64_t>(std::count(matrix.alive.begin(), matrix.alive.end(), std::uint8_t{0}));
    open.erase(at);
  }
};

void scan_item(const TensorView& tensor, const StoredShape& shape, const ScanItem& item, TensorTotals& totals) {
  const stats::FloatFormat& format = stats::float_format(tensor.dtype);
  ValueCounts values;
  std::vector<std::uint8_t> kept;
  const std::uint64_t width = shape.is_matrix ? shape.columns : 1;
  const std::uint64_t step =
      std::max<std::uint64_t>(1, checkpoint::elements_at_once(tensor.bytes, kElementsAtOnce) / width);
  std::optional<RowGroups> groups;
  if (shape.is_matrix) groups.emplace(shape.columns);
  const std::uint64_t first = item.matrix * shape.rows * shape.columns + item.begin * width;
  for (std::uint64_t row = 0; row < item.count; row += step) {
    const std::uint64_t rows = std::min(step, item.count - row), n = rows * width;
    const checkpoint::TensorPiece piece(tensor.bytes, (first + row * width) * format.size(), n * format.size());
    kept.resize(n);
    count_values_of(format, piece.data(), n, values, kept.data());
    for (std::uint64_t i = 0; groups && i < rows; ++i) groups->add(std::span(kept).subspan(i * width, width));
  }
  if (groups) groups->finish();
  const std::lock_guard lock(totals.mutex);
  totals.add(values);
  if (groups) totals.add(*groups, item, shape);
}

std::vector<Pattern> checked_patterns(const std::vector<Pattern>& wanted) {
  std::vector<Pattern> patterns;
  for (const std::size_t m : kGroupSizes)
    for (std::size_t n = m / 2; n >= std::max<std::size_t>(1, m / 8); n /= 2)
      patterns.push_back({Pattern::Kind::kNOfM, n, m});
  for (const Pattern& pattern : wanted)
    if (std::find(patterns.begin(), patterns.end(), pattern) == patterns.end()) patterns.push_back(pattern);
  return patterns;
}

std::vector<PatternShare> shares_of(const GroupCounts& counts, std::uint64_t extent,
                                    const std::vector<Pattern>& patterns) {
  std::vector<PatternShare> shares;
  for (const Pattern& pattern : patterns)
    if (const std::optional<PatternShare> share = counts.share(pattern, extent)) shares.push_back(*share);
  return shares;
}

TensorCheck check_of(const Parameter& parameter, const TensorView& tensor, const StoredShape& shape,
                     const TensorTotals& totals, const std::vector<Pattern>& patterns) {
  const ValueCounts& values = totals.values;
  TensorCheck check{parameter.name,        std::string(dtype_name(tensor.dtype)),
                    tensor.elements(),     values.zeros,
                    values.negative_zeros, values.nans,
                    values.infinities,     std::nullopt};
  if (!shape.is_matrix) return check;
  const std::uint64_t rows = shape.matrices * shape.rows, columns = shape.matrices * shape.columns;
  const std::vector<PatternShare> along = shares_of(totals.along_rows, shape.columns, patterns),
                                  across = shares_of(totals.across_rows, shape.rows, patterns);
  if (parameter.orientation == Orientation::kOutIn)
    check.matrix = MatrixCheck{rows, columns, totals.dead_rows, totals.dead_columns, along, across};
  else
    check.matrix = MatrixCheck{columns, rows, totals.dead_columns, totals.dead_rows, across, along};
  return check;
}

}  // namespace

std::vector<TensorCheck> scan_tensors(const Model& model, std::span<const std::size_t> parameters,
                                      const std::vector<Pattern>& wanted, const Context& context) {
  std::vector<TensorView> tensors;
  std::vector<StoredShape> shapes;
  std::uint64_t total = 0;
  for (const std::size_t index : parameters) {
    tensors.push_back(model.tensor(model.parameters[index]));
    shapes.push_back(shape_of(model.parameters[index], tensors.back()));
    total += tensors.back().bytes.size();
  }
  decode_packed(tensors, context.with_progress({}));
  const std::vector<ScanItem> items = cut_into_items(shapes);
  const auto totals = std::make_unique<TensorTotals[]>(tensors.size());
  std::atomic<std::uint64_t> done{0};
  base::parallel_for(items.size(), context, [&](std::size_t i, unsigned) {
    const ScanItem& item = items[i];
    const StoredShape& shape = shapes[item.tensor];
    scan_item(tensors[item.tensor], shape, item, totals[item.tensor]);
    const std::uint64_t elements = item.count * (shape.is_matrix ? shape.columns : 1);
    context.report_bytes(done += elements * stats::float_format(tensors[item.tensor].dtype).size(), total);
  });
  const std::vector<Pattern> patterns = checked_patterns(wanted);
  std::vector<TensorCheck> checks;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    checks.push_back(check_of(model.parameters[parameters[i]], tensors[i], shapes[i], totals[i], patterns));
  return checks;
}

}  // namespace pare::prune
