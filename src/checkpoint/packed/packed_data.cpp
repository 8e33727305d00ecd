#include "checkpoint/packed/packed_data.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernels/nonzero.h"

namespace pare::checkpoint {
namespace {

static_assert(kValueSlack >= kernels::kCompressSlack);

constexpr std::uint64_t kBlock = 4096;  // elements whose bits are computed at once; they stay in the first-level cache

kernels::Width width_of(std::size_t size) { return static_cast<kernels::Width>(size); }

/// Calls f with an unsigned integer as wide as an element.
template <class F>
auto with_width(std::size_t size, F f) {
  switch (size) {
    case 1:
      return f(std::uint8_t{});
    case 2:
      return f(std::uint16_t{});
    case 4:
      return f(std::uint32_t{});
    default:
      return f(std::uint64_t{});
  }
}

const std::uint8_t* bytes_of(Bytes bytes) { return reinterpret_cast<const std::uint8_t*>(bytes.data()); }

/// Up to 64 bits, starting at a whole byte.
std::uint64_t load_bits(const std::uint8_t* from, std::uint64_t count) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, from, mask_row_bytes(std::min<std::uint64_t>(64, count)));
  return bits;
}

std::uint64_t count_bits(const std::uint8_t* mask, std::uint64_t columns) {
  std::uint64_t count = 0;
  for (std::uint64_t i = 0; i < columns; i += 64)
    count += static_cast<std::uint64_t>(std::popcount(load_bits(mask + i / 8, columns - i)));
  return count;
}

/// Calls f(index) for each bit that is set, indices from `first` on.
template <class F>
void for_bits(const std::uint8_t* mask, std::uint64_t columns, std::uint64_t first, F f) {
  for (std::uint64_t i = 0; i < columns; i += 64)
    for (std::uint64_t bits = load_bits(mask + i / 8, columns - i); bits != 0; bits &= bits - 1)
      f(first + i + static_cast<std::uint64_t>(std::countr_zero(bits)));
}

/// Calls f(index) for the nonzeros in order, and block(bits, begin, count) before each block's.
template <class Block, class F>
void for_nonzeros(Bytes dense, std::size_t size, Block block, F f) {
  std::uint8_t bits[kBlock / 8];
  const std::uint64_t n = dense.size() / size;
  for (std::uint64_t begin = 0; begin < n; begin += kBlock) {
    const std::uint64_t count = std::min(kBlock, n - begin);
    kernels::nonzero_bits(width_of(size), dense.data() + begin * size, count, bits);
    block(bits, begin, count);
    for_bits(bits, count, begin, f);
  }
}

constexpr std::uint64_t long_gap(GapCode code) { return code == GapCode::k8 ? 255 : 15; }

/// Writes units one after another into bytes that are 0.
template <GapCode kCode>
class UnitWriter {
 public:
  explicit UnitWriter(std::uint8_t* bytes) : bytes_(bytes) {}
  void put(std::uint64_t unit) {
    if constexpr (kCode == GapCode::k8) {
      bytes_[units_++] = static_cast<std::uint8_t>(unit);
    } else {
      bytes_[units_ / 2] = static_cast<std::uint8_t>(bytes_[units_ / 2] | unit << units_ % 2 * 4);
      ++units_;
    }
  }
  void put_gap(std::uint64_t zeros, bool ended) {
    for (; zeros >= long_gap(kCode); zeros -= long_gap(kCode)) put(long_gap(kCode));
    if (ended) put(zeros);
  }

 private:
  std::uint8_t* bytes_;
  std::uint64_t units_ = 0;
};

template <GapCode kCode>
void encode(Bytes dense, std::size_t size, std::uint8_t* gaps, std::byte* values) {
  UnitWriter<kCode> writer(gaps);
  std::uint64_t next = 0;
  for_nonzeros(
      dense, size,
      [&](const std::uint8_t* bits, std::uint64_t begin, std::uint64_t count) {
        values += size * kernels::compress(width_of(size), dense.data() + begin * size, count, bits, values);
      },
      [&](std::uint64_t index) {
        writer.put_gap(index - next, true);
        next = index + 1;
      });
  writer.put_gap(dense.size() / size - next, false);
}

/// Follows the units through `elements`, `nonzeros` of which are not 0.
template <GapCode kCode, class Sink>
class GapReader {
 public:
  GapReader(std::uint64_t elements, std::uint64_t nonzeros, Sink sink)
      : elements_(elements), left_(nonzeros), sink_(std::move(sink)) {}

  bool read(Bytes gaps) {
    if (gaps.empty()) return complete();
    for (const std::byte byte : gaps.first(gaps.size() - 1))
      if (!step(std::to_integer<std::uint64_t>(byte))) return false;
    const auto last = std::to_integer<std::uint64_t>(gaps.back());
    if constexpr (kCode == GapCode::k8) return take(last) && complete();
    if (!take(last & 15)) return false;
    if (complete()) return last >> 4 == 0;
    return take(last >> 4) && complete();
  }

 private:
  bool step(std::uint64_t byte) {
    if constexpr (kCode == GapCode::k8) return take(byte);
    return take(byte & 15) && take(byte >> 4);
  }

  bool take(std::uint64_t unit) {
    next_ += unit;
    if (unit == long_gap(kCode)) return next_ <= elements_;
    if (next_ >= elements_ || left_ == 0) return false;
    --left_;
    sink_(next_++);
    return true;
  }

  bool complete() const { return left_ == 0 && elements_ - next_ < long_gap(kCode); }

  const std::uint64_t elements_;
  std::uint64_t left_, next_ = 0;
  Sink sink_;
};

template <class Sink>
bool read_gaps(GapCode code, Bytes gaps, std::uint64_t elements, std::uint64_t nonzeros, Sink sink) {
  if (code == GapCode::k8) return GapReader<GapCode::k8, Sink>(elements, nonzeros, std::move(sink)).read(gaps);
  return GapReader<GapCode::k4, Sink>(elements, nonzeros, std::move(sink)).read(gaps);
}

}  // namespace

std::uint64_t count_nonzeros(Bytes dense, std::size_t size) {
  const std::uint64_t n = dense.size() / size;
  return n - kernels::count_pattern(width_of(size), dense.data(), n, 0);
}

std::uint64_t count_negative_zeros(Bytes values, std::size_t size) {
  return with_width(size, [&](auto zero) {
    using T = decltype(zero);
    constexpr auto kSign = static_cast<T>(T{1} << (8 * sizeof(T) - 1));
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < values.size(); i += sizeof(T)) {
      T value;
      std::memcpy(&value, values.data() + i, sizeof(T));
      count += value == kSign ? 1 : 0;
    }
    return count;
  });
}

void encode_bitmask(Bytes dense, std::size_t size, std::uint64_t rows, std::uint64_t columns, std::uint8_t* mask,
                    std::byte* values) {
  if (columns % 8 == 0) {  // rows then follow each other without gaps
    columns *= rows;
    rows = 1;
  }
  for (std::uint64_t row = 0; row < rows; ++row)
    for (std::uint64_t begin = 0; begin < columns; begin += kBlock) {
      const std::uint64_t count = std::min(kBlock, columns - begin);
      const std::byte* data = dense.data() + (row * columns + begin) * size;
      std::uint8_t* bits = mask + row * mask_row_bytes(columns) + begin / 8;
      kernels::nonzero_bits(width_of(size), data, count, bits);
      values += size * kernels::compress(width_of(size), data, count, bits, values);
    }
}

bool bitmask_fits(Bytes mask, std::uint64_t rows, std::uint64_t columns, std::uint64_t nonzeros) {
  if (count_bits(bytes_of(mask), mask.size() * 8) != nonzeros) return false;
  if (columns % 8 == 0) return true;
  const std::uint64_t row_bytes = mask_row_bytes(columns);
  for (std::uint64_t row = 0; row < rows; ++row)
    if (std::to_integer<unsigned>(mask[row * row_bytes + row_bytes - 1]) >> columns % 8 != 0) return false;
  return true;
}

std::vector<std::int64_t> row_offsets(Bytes mask, std::uint64_t rows, std::uint64_t columns, std::uint64_t inner) {
  const std::uint64_t row_bytes = mask_row_bytes(columns);
  std::vector<std::int64_t> offsets(rows, 0);
  for (std::uint64_t row = inner; row < rows; ++row)
    offsets[row] = offsets[row - inner] +
                   static_cast<std::int64_t>(count_bits(bytes_of(mask) + (row - inner) * row_bytes, columns));
  return offsets;
}

void decode_bitmask(Bytes mask, Bytes values, std::size_t size, std::uint64_t rows, std::uint64_t columns,
                    std::byte* dense) {
  if (columns % 8 == 0) {
    columns *= rows;
    rows = 1;
  }
  const std::byte* from = values.data();
  for (std::uint64_t row = 0; row < rows; ++row)
    from += size * kernels::expand(width_of(size), bytes_of(mask) + row * mask_row_bytes(columns), columns, from,
                                   dense + row * columns * size);
}

void bitmask_columns(Bytes mask, std::uint64_t rows, std::uint64_t columns, std::uint64_t* begin,
                     std::uint32_t* column) {
  std::uint64_t count = 0;
  for (std::uint64_t row = 0; row < rows; ++row) {
    begin[row] = count;
    for_bits(bytes_of(mask) + row * mask_row_bytes(columns), columns, 0,
             [&](std::uint64_t index) { column[count++] = static_cast<std::uint32_t>(index); });
  }
  begin[rows] = count;
}

GapUnits count_gap_units(Bytes dense, std::size_t size) {
  GapUnits units;
  std::uint64_t next = 0;
  for_nonzeros(
      dense, size, [](const std::uint8_t*, std::uint64_t, std::uint64_t) {},
      [&](std::uint64_t index) {
        units.of8 += 1 + (index - next) / 255;
        units.of4 += 1 + (index - next) / 15;
        next = index + 1;
      });
  units.of8 += (dense.size() / size - next) / 255;
  units.of4 += (dense.size() / size - next) / 15;
  return units;
}

void encode_gaps(GapCode code, Bytes dense, std::size_t size, std::span<std::uint8_t> gaps, std::byte* values) {
  std::fill(gaps.begin(), gaps.end(), std::uint8_t{0});
  if (code == GapCode::k8) {
    encode<GapCode::k8>(dense, size, gaps.data(), values);
  } else {
    encode<GapCode::k4>(dense, size, gaps.data(), values);
  }
}

bool decode_gaps(GapCode code, Bytes gaps, Bytes values, std::size_t size, std::span<std::byte> dense) {
  std::fill(dense.begin(), dense.end(), std::byte{});
  return with_width(size, [&](auto zero) {
    using T = decltype(zero);
    const std::byte* from = values.data();
    std::byte* to = dense.data();
    return read_gaps(code, gaps, dense.size() / sizeof(T), values.size() / sizeof(T),
                     [from, to](std::uint64_t index) mutable {
                       std::memcpy(to + index * sizeof(T), from, sizeof(T));
                       from += sizeof(T);
                     });
  });
}

bool gap_columns(GapCode code, Bytes gaps, std::uint64_t nonzeros, std::uint64_t rows, std::uint64_t columns,
                 std::uint64_t* begin, std::uint32_t* column) {
  std::uint64_t row = 0, row_begin = 0, count = 0;
  begin[0] = 0;
  const auto up_to = [&](std::uint64_t index) {
    for (; index - row_begin >= columns; row_begin += columns) begin[++row] = count;
  };
  if (!read_gaps(code, gaps, rows * columns, nonzeros, [&](std::uint64_t index) {
        up_to(index);
        column[count++] = static_cast<std::uint32_t>(index - row_begin);
      }))
    return false;
  up_to(rows * columns);
  return true;
}

void split_planes(Bytes values, std::size_t size, std::byte* planes) {
  const std::size_t n = values.size() / size;
  for (std::size_t plane = 0; plane < size; ++plane)
    for (std::size_t i = 0; i < n; ++i) planes[plane * n + i] = values[i * size + plane];
}

void join_planes(Bytes planes, std::size_t size, std::byte* values) {
  const std::size_t n = planes.size() / size;
  for (std::size_t plane = 0; plane < size; ++plane)
    for (std::size_t i = 0; i < n; ++i) values[i * size + plane] = planes[plane * n + i];
}

}  // namespace pare::checkpoint
