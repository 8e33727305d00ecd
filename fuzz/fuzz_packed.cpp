// Packed tensors: any sizes, counts and data as one stored tensor, without the checksum that would end most changes at
// once; or, behind a byte of 255, any bytes as a file (whose checksums a file of compressed-tensors does not have).
#include <cstring>
#include <string>
#include <vector>

#include "checkpoint/packed/packed_tensor.h"
#include "fuzz/check.h"
#include "pare/error.h"

namespace {

using pare::checkpoint::Bytes;

/// Takes the input from the front; missing bytes are 0.
class Input {
 public:
  explicit Input(Bytes bytes) : bytes_(bytes) {}
  template <class T>
  T number() {
    T value{};
    const Bytes taken = take(sizeof value);
    if (!taken.empty()) std::memcpy(&value, taken.data(), taken.size());
    return value;
  }
  Bytes take(std::size_t size) {
    const Bytes taken = bytes_.first(std::min(size, bytes_.size()));
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }
  Bytes rest() { return take(bytes_.size()); }

 private:
  Bytes bytes_;
};

pare::checkpoint::StoredTensor stored_tensor(Input input) {
  pare::checkpoint::StoredTensor stored;
  stored.path = "fuzz.safetensors";
  stored.name = "w";
  stored.encoding = static_cast<pare::Encoding>(input.number<std::uint8_t>() % 6);
  stored.dtype = static_cast<pare::DType>(input.number<std::uint8_t>() % 22);
  stored.shape.resize(input.number<std::uint8_t>() % 5);
  for (std::uint64_t& extent : stored.shape) extent = input.number<std::uint16_t>();
  stored.nonzeros = input.number<std::uint32_t>();
  const std::size_t sizes[] = {input.number<std::uint16_t>(), input.number<std::uint16_t>(),
                               input.number<std::uint16_t>()};
  stored.positions = input.take(sizes[0]);
  stored.values = input.take(sizes[1]);
  stored.extents = input.take(sizes[2]);
  stored.row_offsets = input.rest();
  return stored;
}

/// Rows without zeros, put back at their positions, equal the dense elements.
void check_rows(const pare::SparseRows& rows, const std::vector<std::byte>& dense, std::size_t size,
                std::uint64_t columns) {
  std::vector<std::byte> rebuilt(dense.size());
  for (std::size_t row = 0; row + 1 < rows.begin.size(); ++row)
    for (std::uint64_t i = rows.begin[row]; i < rows.begin[row + 1]; ++i) {
      pare::fuzz::require(rows.column[i] < columns, "columns lie within a row");
      std::memcpy(rebuilt.data() + (row * columns + rows.column[i]) * size, rows.values.data() + i * size, size);
    }
  pare::fuzz::require(rows.begin.back() == rows.column.size(), "every nonzero is in a row");
  pare::fuzz::require(rebuilt == dense, "rows and dense elements agree");
}

void check_stored(const pare::checkpoint::StoredTensor& stored) {
  const auto packed = pare::checkpoint::make_packed_tensor(stored);
  std::uint64_t elements = 1;
  for (const std::uint64_t extent : stored.shape) elements *= extent;
  std::vector<std::byte> dense(elements * pare::dtype_bits(stored.dtype) / 8);
  packed->decode(dense);
  const pare::SparseRows rows = packed->sparse_rows();
  check_rows(rows, dense, pare::dtype_bits(stored.dtype) / 8, stored.columns());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes = std::as_bytes(std::span(data, size));
  try {
    if (size != 0 && data[0] == 255) {
      pare::fuzz::check_tensors(pare::checkpoint::parse_safetensors(bytes.subspan(1), "fuzz.safetensors", nullptr));
    } else {
      check_stored(stored_tensor(Input(bytes)));
    }
  } catch (const pare::Error&) {
  }
  return 0;
}
