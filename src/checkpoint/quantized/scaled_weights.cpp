#include "checkpoint/quantized/scaled_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/pieces.h"
#include "checkpoint/stored_blocks.h"
#include "kernels/quants/scaled_bytes.h"

namespace pare::checkpoint {
namespace {

constexpr std::uint64_t kUsualBlock = 128;  // of files whose configuration does not say it
constexpr std::size_t kScaledChunk = 512;
constexpr std::uint64_t kWorthTable = 2048;  // elements of a scale for which a table of values is made

bool is_fp8(DType dtype) {
  return dtype == DType::kF8E4M3 || dtype == DType::kF8E5M2 || dtype == DType::kF8E4M3FNUZ ||
         dtype == DType::kF8E5M2FNUZ;
}

/// Which scale a weight has: scales form a grid of blocks over the last two axes, one grid for each matrix.
struct ScaleGrid {
  std::uint64_t columns = 1;                        ///< of the weights
  std::uint64_t rows = 1;                           ///< of the weights, of one matrix
  std::uint64_t block_rows = 1, block_columns = 1;  ///< weights that share a scale
  std::uint64_t grid_rows = 1, grid_columns = 1;    ///< scales of one matrix

  std::uint64_t scale_of(std::uint64_t row, std::uint64_t column) const {
    return (row / rows * grid_rows + row % rows / block_rows) * grid_columns + column / block_columns;
  }
  /// Where the columns end that share a scale with this one.
  std::uint64_t block_end(std::uint64_t column) const {
    return std::min((column / block_columns + 1) * block_columns, columns);
  }
  /// The same of rows, which are of one matrix.
  std::uint64_t block_end_row(std::uint64_t row) const {
    const std::uint64_t first = row / rows * rows;
    return first + std::min(((row - first) / block_rows + 1) * block_rows, rows);
  }
};

/// Blocks side by side, in rows of the weights. Rows are pages apart, where nothing fetches ahead, and few bytes of a
/// row at a time are slow to fetch. So what follows is fetched while a block is read: strips as wide as several blocks.
class Strips {
 public:
  Strips(const ScaleGrid& grid, const std::byte* data, std::uint64_t rows) : grid_(grid), data_(data), rows_(rows) {}

  /// The next block. Columns from begin to end.
  kernels::CodeRows block(std::uint64_t begin, std::uint64_t end) {
    const std::uint64_t columns = grid_.columns;
    if (end - begin == columns) return {data_, 1, rows_ * columns, rows_ * columns, {}};
    if (begin >= end_) start(begin);
    const std::uint64_t row = fetched_ / lines_, line = fetched_ % lines_;
    fetched_ += rows_ * lines_of(end - begin);
    return {data_ + begin, rows_, end - begin, columns, {soon_ + row * columns + line * kLine, lines_ - line, lines_}};
  }

 private:
  static constexpr std::uint64_t kLine = 64, kBytes = 1024;  ///< bytes of a row in a strip, or those of a block
  static std::uint64_t lines_of(std::uint64_t bytes) { return (bytes + kLine - 1) / kLine; }

  void start(std::uint64_t begin) {
    const std::uint64_t width = std::max<std::uint64_t>(kBytes / grid_.block_columns, 1) * grid_.block_columns;
    end_ = begin + width;
    const bool is_last = end_ >= grid_.columns;  // the first strip of the rows below is next
    soon_ = data_ + (is_last ? rows_ * grid_.columns : end_);
    lines_ = lines_of(std::min(width, is_last ? grid_.columns : grid_.columns - end_));
    fetched_ = 0;
  }

  const ScaleGrid& grid_;
  const std::byte* data_;
  std::uint64_t rows_, end_ = 0, lines_ = 1, fetched_ = 0;  ///< end_: of the columns of the strip that is read
  const std::byte* soon_ = nullptr;
};

/// The type of the kernels for a dtype, if they know it.
std::optional<kernels::ByteType> byte_type(DType dtype) {
  switch (dtype) {
    case DType::kF8E4M3:
      return kernels::ByteType::kE4M3;
    case DType::kF8E5M2:
      return kernels::ByteType::kE5M2;
    case DType::kI8:
      return kernels::ByteType::kI8;
    default:
      return std::nullopt;
  }
}

class ScaledWeights final : public StoredCodes {
 public:
  /// All values are multiplied by `factor` last.
  ScaledWeights(TensorView weights, TensorView scales, std::optional<TensorView> zeros, const ScaleGrid& grid,
                DType dtype, float factor = 1)
      : weights_(std::move(weights)),
        scales_(std::move(scales)),
        zeros_(std::move(zeros)),
        grid_(grid),
        dtype_(dtype),
        factor_(factor) {}

  std::string_view stored_type() const noexcept override { return dtype_name(weights_.dtype); }
  std::uint64_t stored_bytes() const noexcept override {
    return weights_.bytes.size() + scales_.bytes.size() + (zeros_ ? zeros_->bytes.size() : 0);
  }
  std::size_t granularity() const noexcept override { return 1; }

  void decode(std::uint64_t begin, std::span<std::byte> target) const override {
    const std::size_t size = dtype_bits(dtype_) / 8;
    const std::uint64_t end = begin + target.size() / size;
    std::byte* out = target.data();
    for (std::uint64_t at = begin; at < end;) {
      const std::uint64_t row = at / grid_.columns, column = at % grid_.columns;
      const std::uint64_t n = std::min<std::uint64_t>(grid_.block_end(column) - column, end - at);
      compute(grid_.scale_of(row, column), weights_.bytes.data() + at, n, out);
      at += n;
      out += n * size;
    }
  }

  bool for_codes(std::uint64_t begin, std::uint64_t count, const VisitCodes& visit) const override {
    const auto type = byte_type(weights_.dtype);
    const std::uint64_t together = std::max<std::uint64_t>(1, base::kPieceElements / grid_.columns);  // rows
    if (!type || *type == kernels::ByteType::kI8 || zeros_ ||
        std::min(grid_.block_columns, grid_.columns) * std::min(grid_.block_rows, together) < kWorthTable)
      return false;
    const kernels::FloatType elements = element_type();
    std::uint64_t row = begin / grid_.columns, first = begin % grid_.columns;
    for (std::uint64_t left = count; left > 0; first = 0) {
      std::uint64_t rows = 1, last = std::min(grid_.columns, first + left);
      if (first == 0 && last == grid_.columns) rows = std::min(left / grid_.columns, grid_.block_end_row(row) - row);
      std::uint64_t place = grid_.scale_of(row, first);
      Strips strips(grid_, weights_.bytes.data() + row * grid_.columns, rows);
      for (std::uint64_t column = first; column < last; ++place) {
        const std::uint64_t next = std::min(grid_.block_end(column), last);
        if (!visit(strips.block(column, next), {*type, elements, scale_at(place)})) return false;
        column = next;
      }
      left -= rows * (last - first);
      row += rows;
    }
    return true;
  }

 private:
  float scale_at(std::uint64_t place) const {
    return load_scale(scales_.dtype, scales_.bytes.data() + place * (dtype_bits(scales_.dtype) / 8));
  }
  kernels::FloatType element_type() const {
    if (dtype_ == DType::kF32) return kernels::FloatType::kF32;
    return dtype_ == DType::kF16 ? kernels::FloatType::kF16 : kernels::FloatType::kBF16;
  }

  /// n elements of which the bytes are given, and the place of their scale.
  void compute(std::uint64_t place, const std::byte* weights, std::uint64_t n, std::byte* out) const {
    const std::size_t size = dtype_bits(dtype_) / 8;
    const float scale = scale_at(place);
    const float zero = zeros_ ? static_cast<float>(static_cast<std::int8_t>(zeros_->bytes.data()[place])) : 0;
    const auto type = byte_type(weights_.dtype);
    if (type && dtype_ == DType::kBF16)
      return kernels::scale_bytes_to_bf16(*type, weights, n, {zero, scale, factor_}, out);
    const float* values = byte_values(weights_.dtype);
    std::array<float, kScaledChunk> buffer;
    for (std::uint64_t i = 0; i < n; i += kScaledChunk) {
      const std::uint64_t some = std::min<std::uint64_t>(n - i, kScaledChunk);
      if (type) {
        kernels::scale_bytes(*type, weights + i, some, {zero, scale, factor_}, buffer.data());
      } else {
        for (std::uint64_t k = 0; k < some; ++k)
          buffer[k] = (values[static_cast<unsigned>(weights[i + k])] - zero) * scale * factor_;
      }
      store_values(dtype_, buffer.data(), some, out + i * size);
    }
  }

  TensorView weights_, scales_;
  std::optional<TensorView> zeros_;
  ScaleGrid grid_;
  DType dtype_;
  float factor_;
};

std::uint64_t parts_of(std::uint64_t extent, std::uint64_t part) {
  return extent / part + (extent % part != 0 ? 1 : 0);
}

/// The extents of blocks along one axis, of which there are `count`.
std::optional<std::uint64_t> block_extent(std::uint64_t extent, std::uint64_t count, std::uint64_t configured) {
  if (count == 0) return std::nullopt;
  if (configured != 0 && parts_of(extent, configured) == count) return configured;
  if (extent % count == 0) return extent / count;
  if (parts_of(extent, kUsualBlock) == count) return kUsualBlock;
  return std::nullopt;
}

class GridFinder {
 public:
  GridFinder(const QuantizedFold& fold, std::vector<std::uint64_t> weights, std::vector<std::uint64_t> scales)
      : config_(fold.config()), weights_(std::move(weights)), scales_(std::move(scales)) {}

  std::optional<ScaleGrid> find() const {
    ScaleGrid grid;
    std::uint64_t count = 1;
    for (const std::uint64_t extent : scales_) count *= extent;
    grid.columns = weights_.empty() ? 1 : weights_.back();
    if (count == 1) {
      grid.block_columns = grid.columns;
      grid.rows = 1;
      for (std::size_t k = 0; k + 1 < weights_.size(); ++k) grid.rows *= weights_[k];
      grid.block_rows = grid.rows;
      return grid;
    }
    if (weights_.size() < 2) return std::nullopt;
    const std::size_t leading = weights_.size() - 2;
    grid.rows = weights_[leading];
    // A scale for each row, or one for each matrix, may lack the axes of extent 1.
    std::vector<std::uint64_t> scales = scales_;
    if (scales.size() + 1 == weights_.size()) scales.push_back(1);
    if (leading != 0 && scales.size() + 2 == weights_.size()) scales.insert(scales.end(), 2, 1);
    if (scales.size() != weights_.size() || !std::equal(scales.begin(), scales.end() - 2, weights_.begin()))
      return std::nullopt;
    grid.grid_rows = scales[leading];
    grid.grid_columns = scales[leading + 1];
    const auto rows = block_extent(grid.rows, grid.grid_rows, config_.block_rows);
    const auto columns = block_extent(grid.columns, grid.grid_columns, config_.block_columns);
    if (!rows || !columns) return std::nullopt;
    grid.block_rows = *rows;
    grid.block_columns = *columns;
    return grid;
  }

 private:
  const QuantizationConfig& config_;
  std::vector<std::uint64_t> weights_, scales_;
};

std::string expected_shapes(const QuantizedFold& fold, const std::vector<std::uint64_t>& weights) {
  if (weights.size() < 2) return "one scale";
  const std::uint64_t rows = weights[weights.size() - 2], columns = weights.back();
  const std::uint64_t block_rows = fold.config().block_rows == 0 ? kUsualBlock : fold.config().block_rows;
  const std::uint64_t block_columns = fold.config().block_columns == 0 ? kUsualBlock : fold.config().block_columns;
  return fmt::format("one scale, {} for the rows, or [{}, {}] for blocks of {} x {}", rows, parts_of(rows, block_rows),
                     parts_of(columns, block_columns), block_rows, block_columns);
}

std::string scaled_kind(DType dtype, const ScaleGrid& grid) {
  const bool whole_rows = grid.block_columns >= grid.columns;
  const std::string type = dtype == DType::kI8 ? "INT8" : fmt::format("FP8 ({})", dtype_name(dtype));
  if (whole_rows && grid.block_rows >= grid.rows) return type + " with a scale for each tensor";
  if (whole_rows && grid.block_rows == 1) return type + " with a scale for each row";
  return fmt::format("{} with a scale for each block of {} x {}", type, grid.block_rows, grid.block_columns);
}

std::optional<std::size_t> find_scale(const QuantizedFold& fold, const std::string& name, bool is_integer) {
  constexpr std::string_view weight = "weight";
  if (is_integer) return fold.find(name + "_scale");
  for (const char* suffix : {"_scale_inv", "_scale"})
    if (const auto found = fold.find(name + suffix)) return found;
  if (!name.ends_with(weight)) return std::nullopt;
  const std::string module = name.substr(0, name.size() - weight.size());
  for (const char* other : {"scale_weight", "scale"})
    if (const auto found = fold.find(module + other)) return found;
  return std::nullopt;
}

}  // namespace

bool fold_scb(QuantizedFold& fold, std::size_t i) {
  const TensorView& weights = fold.tensors()[i];
  const std::string module = weights.name.substr(0, weights.name.size() - std::string_view("weight").size());
  const auto scale = fold.find(module + "SCB");
  if (!scale) return false;
  if (weights.shape.size() != 2)
    fold.fail(i, ErrorCode::kMismatch,
              fmt::format("has shape {} (expected [outputs, inputs])", shape_text(weights.shape)));
  fold.require_dtype(*scale, {DType::kF32});
  fold.require_shape(*scale, {weights.shape[0]});
  std::vector<std::size_t> parts{*scale};
  if (const auto format = fold.find(module + "weight_format")) {
    const TensorView& order = fold.tensors()[*format];
    if (order.bytes.size() != 1 || *order.bytes.data() != std::byte{0})
      fold.fail(*format, ErrorCode::kUnsupported,
                "says that the weight is in the order of a GPU (expected 0, by row): save it by row");
    parts.push_back(*format);
  }
  ScaleGrid grid;
  grid.columns = grid.block_columns = weights.shape[1];
  grid.rows = grid.grid_rows = weights.shape[0];
  constexpr float per_step = 7.874015718698502e-3F;  // 1 / 127, as bitsandbytes rounds it
  fold.replace(
      i, weights.name, DType::kF32, weights.shape,
      std::make_shared<ScaledWeights>(weights, fold.tensors()[*scale], std::nullopt, grid, DType::kF32, per_step),
      parts, "INT8 of bitsandbytes with a scale for each row");
  return true;
}

void replace_scaled(QuantizedFold& fold, std::size_t i, const ScaledParts& parts) {
  const TensorView& weights = fold.tensors()[i];
  const TensorView& scales = fold.tensors()[parts.scale];
  fold.require_dtype(parts.scale, {DType::kF32, DType::kF16, DType::kBF16, DType::kF8E8M0, DType::kU8});
  const auto grid = GridFinder(fold, weights.shape, scales.shape).find();
  if (!grid)
    fold.fail(parts.scale, ErrorCode::kMismatch,
              fmt::format("has shape {}, which does not fit {}, {} (expected {})", shape_text(scales.shape),
                          weights.name, shape_text(weights.shape), expected_shapes(fold, weights.shape)));
  std::vector<std::size_t> used{parts.scale};
  std::optional<TensorView> zeros;
  if (parts.zero) {
    fold.require_dtype(*parts.zero, {DType::kI8});
    fold.require_shape(*parts.zero, scales.shape);
    zeros = fold.tensors()[*parts.zero];
    used.push_back(*parts.zero);
  }
  const DType dtype = parts.dtype.value_or(value_dtype(scales.dtype));
  fold.replace(i, parts.name, dtype, weights.shape,
               std::make_shared<ScaledWeights>(weights, scales, std::move(zeros), *grid, dtype), used,
               scaled_kind(weights.dtype, *grid));
}

bool fold_scaled(QuantizedFold& fold, std::size_t i) {
  const TensorView& weights = fold.tensors()[i];
  const bool is_integer = weights.dtype == DType::kI8;
  if (!is_integer && !is_fp8(weights.dtype)) return false;
  const auto scale = find_scale(fold, weights.name, is_integer);
  if (!scale) return false;
  ScaledParts parts{weights.name, *scale, std::nullopt, std::nullopt};
  if (is_integer) parts.zero = fold.find(weights.name + "_zero_point");
  replace_scaled(fold, i, parts);
  return true;
}

void drop_activation_scales(QuantizedFold& fold) {
  constexpr std::string_view endings[] = {
      "input_scale",     "input_scale_inv", "activation_scale", "activation_scale_inv",
      "scale_input",     "output_scale",    "k_scale",          "v_scale",
      "q_scale",         "kv_scale",        "scaled_fp8",       "input_global_scale",
      "input_zero_point"};
  for (std::size_t i = 0; i < fold.tensors().size(); ++i) {
    const std::string_view name = fold.tensors()[i].name;
    const std::string_view last = name.substr(name.rfind('.') + 1);
    if (fold.tensors().is_kept(i) && fold.tensors()[i].shape.size() <= 1 &&
        std::find(std::begin(endings), std::end(endings), last) != std::end(endings))
      fold.tensors().drop(i);
  }
}

}  // namespace pare::checkpoint
