#include "checkpoint/packed/packed_tensor.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <memory>
#include <mutex>
#include <new>

#include "base/aligned_buffer.h"
#include "base/checked.h"
#include "base/hash.h"
#include "checkpoint/packed/packed_format.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

using Buffer = base::AlignedBuffer<std::byte>;

constexpr int kZstdLevel = 3;

Bytes view(const Buffer& buffer) { return {buffer.data(), buffer.size()}; }

GapCode gap_code(Encoding encoding) { return encoding == Encoding::kGaps4 ? GapCode::k4 : GapCode::k8; }

class MappedTensor final : public PackedTensor {
 public:
  explicit MappedTensor(StoredTensor stored) : stored_(std::move(stored)) {
    check_shape();
    switch (stored_.encoding) {
      case Encoding::kDense:
        require(stored_.values.size() == dense_size_, "elements", stored_.values.size(), dense_size_);
        break;
      case Encoding::kBitmask:
        check_bitmask();
        break;
      case Encoding::kGaps8:
      case Encoding::kGaps4:
        check_values(stored_.values.size());
        check_gaps(stored_.positions.size());
        break;
      case Encoding::kDenseZstd: {
        const std::uint64_t size = content_size(stored_.values, "elements");
        require(size == dense_size_, "elements", size, dense_size_);
        break;
      }
      case Encoding::kGaps8Zstd:
        check_values(content_size(stored_.values, "values"));
        check_gaps(content_size(stored_.positions, "gaps"));
        break;
    }
  }

  Encoding encoding() const noexcept override { return stored_.encoding; }
  std::uint64_t nonzeros() const noexcept override { return stored_.nonzeros; }
  std::uint64_t negative_zeros() const override {
    if (stored_.encoding == Encoding::kDense || stored_.encoding == Encoding::kDenseZstd) return 0;
    auto nonzeros = std::make_unique<Nonzeros>(read_nonzeros());
    const std::uint64_t count = count_negative_zeros(nonzeros->values, size_);
    if (stored_.encoding == Encoding::kGaps8Zstd) {
      const std::lock_guard lock(decompressed_mutex_);
      decompressed_ = std::move(nonzeros);
    }
    return count;
  }
  std::uint64_t stored_bytes() const noexcept override {
    return stored_.positions.size() + stored_.values.size() + stored_.extents.size() + stored_.row_offsets.size();
  }

  void verify() const override {
    if (stored_.checksum.empty() || verified_.load(std::memory_order_relaxed)) return;
    base::Hash64 hash;
    for (const Bytes part : {stored_.positions, stored_.values, stored_.extents, stored_.row_offsets}) hash.add(part);
    if (hash.hex() != stored_.checksum)
      fail(fmt::format("its data are damaged: their checksum is {}, but should be {}", hash.hex(), stored_.checksum));
    verified_.store(true, std::memory_order_relaxed);
  }

  void decode(std::span<std::byte> target) const override {
    verify();
    switch (stored_.encoding) {
      case Encoding::kDense:
        std::copy(stored_.values.begin(), stored_.values.end(), target.begin());
        return;
      case Encoding::kBitmask:
        check_mask();
        return decode_bitmask(stored_.positions, stored_.values, size_, stored_.rows(), stored_.columns(),
                              target.data());
      case Encoding::kDenseZstd: {
        const Buffer planes = decompress(stored_.values);
        return join_planes(view(planes), size_, target.data());
      }
      default: {
        const Nonzeros nonzeros = take_nonzeros();
        if (!decode_gaps(gap_code(stored_.encoding), nonzeros.gaps, nonzeros.values, size_, target)) fail_gaps();
      }
    }
  }

  SparseRows sparse_rows() const override {
    verify();
    if (elements_ == 0) fail("has no elements to be read as sparse", ErrorCode::kUnsupported);
    if (stored_.columns() > std::numeric_limits<std::uint32_t>::max())
      fail("has rows too long to be read as sparse", ErrorCode::kLimit);
    switch (stored_.encoding) {
      case Encoding::kDense:
        return rows_of_dense(stored_.values);
      case Encoding::kBitmask: {
        check_mask();
        SparseRows sparse = rows_for(stored_.nonzeros);
        bitmask_columns(stored_.positions, stored_.rows(), stored_.columns(), sparse.begin.data(),
                        sparse.column.data());
        std::copy(stored_.values.begin(), stored_.values.end(), sparse.values.begin());
        return sparse;
      }
      case Encoding::kDenseZstd: {
        const Buffer planes = decompress(stored_.values);
        Buffer dense(dense_size_);
        join_planes(view(planes), size_, dense.data());
        return rows_of_dense(view(dense));
      }
      default: {
        const Nonzeros nonzeros = take_nonzeros();
        SparseRows sparse = rows_for(stored_.nonzeros);
        if (!gap_columns(gap_code(stored_.encoding), nonzeros.gaps, stored_.nonzeros, stored_.rows(), stored_.columns(),
                         sparse.begin.data(), sparse.column.data()))
          fail_gaps();
        std::copy(nonzeros.values.begin(), nonzeros.values.end(), sparse.values.begin());
        return sparse;
      }
    }
  }

 private:
  /// Gaps and values as the gap codes read them. Those of a compressed tensor are decompressed into the owned buffers.
  struct Nonzeros {
    Bytes gaps, values;
    Buffer owned_gaps, owned_values;
  };

  [[noreturn]] void fail(const std::string& cause, ErrorCode code = ErrorCode::kMalformed) const {
    throw Error(code, stored_.path, stored_.name, cause);
  }
  [[noreturn]] void fail_gaps() const { fail("its gaps do not fit its shape and the number of its values"); }

  void require(bool holds, std::string_view what, std::uint64_t found, std::uint64_t expected) const {
    if (!holds)
      fail(fmt::format("there are {} bytes of {}; its shape and number of values need {}", found, what, expected));
  }

  void check_shape() {
    const auto elements = base::checked_product(stored_.shape);
    const auto bits = elements ? base::checked_multiply(*elements, dtype_bits(stored_.dtype)) : std::nullopt;
    if (!bits || *bits % 8 != 0) fail("the product of its shape overflows");
    elements_ = *elements;
    dense_size_ = *bits / 8;
    if (stored_.nonzeros > elements_)
      fail(fmt::format("{} nonzeros are declared for {} elements", stored_.nonzeros, elements_));
    if (stored_.encoding == Encoding::kDense) return;
    if (!is_analyzed(stored_.dtype))
      fail(fmt::format("has dtype {}, which is never packed", dtype_name(stored_.dtype)));
    size_ = dtype_bits(stored_.dtype) / 8;
    if (dense_size_ / kLargestRatio > stored_bytes())
      fail(fmt::format("{} bytes are declared to unpack to {}, which is more than {} times as many", stored_bytes(),
                       dense_size_, kLargestRatio),
           ErrorCode::kLimit);
  }

  void check_values(std::uint64_t bytes) const {
    require(bytes == stored_.nonzeros * size_, "values", bytes, stored_.nonzeros * size_);
  }

  void check_gaps(std::uint64_t bytes) const {
    const GapCode code = gap_code(stored_.encoding);
    const std::uint64_t fewest = fewest_gap_bytes(code, stored_.nonzeros);
    const std::uint64_t most = fewest + (elements_ - stored_.nonzeros) / (code == GapCode::k8 ? 255 : 30) + 1;
    if (bytes < fewest || bytes > most)
      fail(
          fmt::format("there are {} bytes of gaps; its shape and number of values need {} to {}", bytes, fewest, most));
  }

  void check_bitmask() const {
    check_values(stored_.values.size());
    const std::uint64_t rows = stored_.rows(), mask = rows * mask_row_bytes(stored_.columns());
    require(stored_.positions.size() == mask, "bitmask", stored_.positions.size(), mask);
    if (stored_.has_row_offsets)
      require(stored_.row_offsets.size() / 8 == rows && stored_.row_offsets.size() % 8 == 0, "row_offsets",
              stored_.row_offsets.size(), rows * 8);
    require(stored_.extents.size() == stored_.shape.size() * 8, "'shape'", stored_.extents.size(),
            stored_.shape.size() * 8);
    if (!std::ranges::equal(stored_.extents, std::as_bytes(std::span(stored_.shape))))
      fail("its 'shape' is not the shape that the header gives");
  }

  void check_mask() const {
    const std::uint64_t rows = stored_.rows(), columns = stored_.columns();
    if (!bitmask_fits(stored_.positions, rows, columns, stored_.nonzeros))
      fail("its bitmask has bits beyond a row's end, or not as many as there are values");
    if (!stored_.has_row_offsets) return;
    const std::vector<std::int64_t> offsets = row_offsets(stored_.positions, rows, columns, stored_.inner_rows());
    if (!std::ranges::equal(stored_.row_offsets, std::as_bytes(std::span(offsets))))
      fail("its row_offsets contradict its bitmask");
  }

  std::uint64_t content_size(Bytes frame, std::string_view what) const {
    const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR)
      fail(fmt::format("its {} are not a zstd frame of a known size", what));
    return size;
  }

  Buffer decompress(Bytes frame) const {
    Buffer content(content_size(frame, "data"));
    const std::size_t size = ZSTD_decompress(content.data(), content.size(), frame.data(), frame.size());
    if (ZSTD_isError(size) != 0) fail(fmt::format("its data cannot be decompressed: {}", ZSTD_getErrorName(size)));
    if (size != content.size()) fail("its data decompress to fewer bytes than declared");
    return content;
  }

  Nonzeros read_nonzeros() const {
    if (stored_.encoding != Encoding::kGaps8Zstd) return {stored_.positions, stored_.values, {}, {}};
    Nonzeros nonzeros;
    nonzeros.owned_gaps = decompress(stored_.positions);
    const Buffer planes = decompress(stored_.values);
    nonzeros.owned_values = Buffer(planes.size());
    join_planes(view(planes), size_, nonzeros.owned_values.data());
    nonzeros.gaps = view(nonzeros.owned_gaps);
    nonzeros.values = view(nonzeros.owned_values);
    return nonzeros;
  }

  /// Returns what negative_zeros() decompressed, the first time; otherwise reads it.
  Nonzeros take_nonzeros() const {
    std::unique_ptr<Nonzeros> nonzeros;
    {
      const std::lock_guard lock(decompressed_mutex_);
      nonzeros = std::move(decompressed_);
    }
    return nonzeros ? std::move(*nonzeros) : read_nonzeros();
  }

  SparseRows rows_for(std::uint64_t nonzeros) const {
    SparseRows sparse;
    sparse.begin.resize(stored_.rows() + 1);
    sparse.column.resize(nonzeros);
    sparse.values.resize(nonzeros * size_);
    return sparse;
  }

  SparseRows rows_of_dense(Bytes dense) const {
    if (!is_analyzed(stored_.dtype)) fail("is of a dtype that is never read as sparse", ErrorCode::kUnsupported);
    const std::size_t size = dtype_bits(stored_.dtype) / 8;
    SparseRows sparse;
    sparse.begin.resize(stored_.rows() + 1);
    const std::uint64_t nonzeros = count_nonzeros(dense, size);
    sparse.column.resize(nonzeros);
    sparse.values.resize(nonzeros * size + kValueSlack);
    std::vector<std::uint8_t> mask(stored_.rows() * mask_row_bytes(stored_.columns()));
    encode_bitmask(dense, size, stored_.rows(), stored_.columns(), mask.data(), sparse.values.data());
    bitmask_columns(std::as_bytes(std::span(mask)), stored_.rows(), stored_.columns(), sparse.begin.data(),
                    sparse.column.data());
    sparse.values.resize(nonzeros * size);
    return sparse;
  }

  const StoredTensor stored_;
  std::uint64_t elements_ = 0, dense_size_ = 0;
  std::size_t size_ = 0;  ///< size of an element, unless the tensor is dense
  mutable std::atomic<bool> verified_{false};
  mutable std::mutex decompressed_mutex_;
  mutable std::unique_ptr<Nonzeros> decompressed_;  ///< stored by negative_zeros() for the next reader
};

}  // namespace

std::uint64_t StoredTensor::rows() const noexcept {
  std::uint64_t rows = 1;
  for (std::size_t axis = 0; axis + 1 < shape.size(); ++axis) rows *= shape[axis];
  return rows;
}

std::uint64_t StoredTensor::inner_rows() const noexcept {
  return shape.size() < 2 || shape.front() == 0 ? 1 : std::max<std::uint64_t>(1, rows() / shape.front());
}

std::shared_ptr<const PackedTensor> make_packed_tensor(StoredTensor stored) {
  return std::make_shared<const MappedTensor>(std::move(stored));
}

std::vector<std::byte> compress_zstd(Bytes bytes) {
  std::vector<std::byte> frame(ZSTD_compressBound(bytes.size()));
  const std::size_t size = ZSTD_compress(frame.data(), frame.size(), bytes.data(), bytes.size(), kZstdLevel);
  if (ZSTD_isError(size) != 0) throw std::bad_alloc();  // the only possible failure, because the buffer is large enough
  frame.resize(size);
  frame.shrink_to_fit();
  return frame;
}

}  // namespace pare::checkpoint
