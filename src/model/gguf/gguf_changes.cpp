#include "model/gguf/gguf_changes.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "checkpoint/stored_blocks.h"
#include "checkpoint/tensor_piece.h"
#include "kernels/float_convert.h"

namespace pare::model {
namespace {

using checkpoint::TensorPiece;

/// Columns of a transposed matrix that are computed together.
constexpr std::size_t kColumns = 16;

std::size_t size_of(DType dtype) { return dtype_bits(dtype) / 8; }

std::size_t granularity_of(const TensorView& tensor) {
  return tensor.bytes.encoded() == nullptr ? 1 : tensor.bytes.encoded()->granularity();
}

/// What the file stores of the tensor that others are computed from.
class Changed : public checkpoint::StoredBlocks {
 public:
  explicit Changed(TensorView source) : source_(std::move(source)), size_(size_of(source_.dtype)) {}
  std::string_view stored_type() const noexcept override {
    const EncodedTensor* encoded = source_.bytes.encoded();
    return encoded == nullptr ? dtype_name(source_.dtype) : encoded->stored_type();
  }
  std::uint64_t stored_bytes() const noexcept override {
    const EncodedTensor* encoded = source_.bytes.encoded();
    return encoded == nullptr ? source_.bytes.size() : encoded->stored_bytes();
  }
  std::size_t granularity() const noexcept override { return granularity_of(source_); }
  std::optional<checkpoint::BlockRun> blocks_at(std::uint64_t, std::uint64_t) const override { return std::nullopt; }

 protected:
  TensorView source_;
  std::size_t size_;  ///< of an element of the source
};

class HeadRows final : public Changed {
 public:
  HeadRows(TensorView source, std::uint64_t heads, bool forward) : Changed(std::move(source)), forward_(forward) {
    columns_ = source_.shape.size() == 2 ? source_.shape[1] : 1;
    half_ = source_.shape[0] / heads / 2;
  }
  void decode(std::uint64_t begin, std::span<std::byte> target) const override {
    const std::uint64_t end = begin + target.size() / size_;
    for (std::uint64_t at = begin; at < end;) {
      const std::uint64_t count = std::min(columns_ - at % columns_, end - at);
      source_.bytes.read(source_of(at) * size_, target.subspan((at - begin) * size_, count * size_));
      at += count;
    }
  }
  std::optional<checkpoint::BlockRun> blocks_at(std::uint64_t begin, std::uint64_t count) const override {
    return checkpoint::blocks_at(source_.bytes, source_of(begin), std::min(columns_ - begin % columns_, count));
  }

 private:
  /// The place in the source of an element.
  std::uint64_t source_of(std::uint64_t at) const {
    const std::uint64_t row = at / columns_, first = row / (2 * half_) * (2 * half_), within = row - first;
    const std::uint64_t from = forward_ ? within % 2 * half_ + within / 2 : within % half_ * 2 + within / half_;
    return (first + from) * columns_ + at % columns_;
  }

  std::uint64_t columns_ = 1, half_ = 1;
  bool forward_;
};

class Offset final : public Changed {
 public:
  Offset(TensorView source, float offset) : Changed(std::move(source)), offset_(offset) {}
  void decode(std::uint64_t begin, std::span<std::byte> target) const override {
    const std::size_t n = target.size() / sizeof(float);
    const TensorPiece piece(source_.bytes, begin * size_, n * size_);
    std::vector<float> values(n);
    using kernels::FloatType;
    kernels::to_f32(source_.dtype == DType::kF64    ? FloatType::kF64
                    : source_.dtype == DType::kF16  ? FloatType::kF16
                    : source_.dtype == DType::kBF16 ? FloatType::kBF16
                                                    : FloatType::kF32,
                    piece.data(), n, values.data());
    for (float& value : values) value += offset_;
    std::memcpy(target.data(), values.data(), target.size());
  }

 private:
  float offset_;
};

/// Copies the columns [first, first + count) of `rows` rows of `width` elements; column i goes to `out` + i * `apart`.
template <class Bits>
void copy_columns(const std::byte* strip, std::size_t rows, std::size_t width, std::size_t first, std::size_t count,
                  std::byte* out, std::size_t apart) {
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t row = 0; row < rows; ++row)
      std::memcpy(out + (i * apart + row) * sizeof(Bits), strip + (row * width + first + i) * sizeof(Bits),
                  sizeof(Bits));
}

class Transposed final : public Changed {
 public:
  explicit Transposed(TensorView source) : Changed(std::move(source)) {}
  /// Some whole columns of the source. A piece that begins or ends within some costs little more.
  std::size_t granularity() const noexcept override { return kColumns * std::max<std::uint64_t>(1, source_.shape[0]); }
  void decode(std::uint64_t begin, std::span<std::byte> target) const override {
    if (target.empty()) return;
    const std::uint64_t rows = source_.shape[0], columns = source_.shape[1],
                        last = (begin + target.size() / size_) / rows;
    // What the source computes together is read together, though some of it may not be wanted.
    const std::uint64_t unit = std::max<std::uint64_t>(kColumns, granularity_of(source_));
    std::vector<std::byte> strip(kRows * std::min(unit, columns) * size_);
    for (std::uint64_t column = begin / rows; column < last;) {
      const std::uint64_t from = column / unit * unit, width = std::min(unit, columns - from);
      const std::uint64_t count = std::min(from + width, last) - column;
      for (std::uint64_t row = 0; row < rows; row += kRows) {
        const std::uint64_t some = std::min<std::uint64_t>(kRows, rows - row);
        for (std::uint64_t i = 0; i < some; ++i)
          source_.bytes.read(((row + i) * columns + from) * size_,
                             std::span(strip).subspan(i * width * size_, width * size_));
        std::byte* out = target.data() + (column * rows - begin + row) * size_;
        const auto copy = size_ == 1   ? copy_columns<std::uint8_t>
                          : size_ == 2 ? copy_columns<std::uint16_t>
                          : size_ == 4 ? copy_columns<std::uint32_t>
                                       : copy_columns<std::uint64_t>;
        copy(strip.data(), some, width, column - from, count, out, rows);
      }
      column += count;
    }
  }

 private:
  /// Rows whose strips are copied together: a cache line of F32.
  static constexpr std::size_t kRows = 16;
};

}  // namespace

TensorView with_head_rows(TensorView tensor, std::uint64_t heads, bool forward) {
  TensorView changed = tensor;
  changed.bytes = TensorBytes(std::make_shared<const HeadRows>(std::move(tensor), heads, forward), changed.bytes.size(),
                              size_of(changed.dtype));
  return changed;
}

TensorView with_offset(TensorView tensor, float offset) {
  TensorView changed = tensor;
  changed.dtype = DType::kF32;
  changed.bytes = TensorBytes(std::make_shared<const Offset>(std::move(tensor), offset),
                              changed.elements() * sizeof(float), sizeof(float));
  return changed;
}

TensorView transposed(TensorView tensor) {
  TensorView changed = tensor;
  std::swap(changed.shape[0], changed.shape[1]);
  changed.bytes =
      TensorBytes(std::make_shared<const Transposed>(std::move(tensor)), changed.bytes.size(), size_of(changed.dtype));
  return changed;
}

}  // namespace pare::model
