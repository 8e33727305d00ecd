#include "checkpoint/torch/sparse_torch.h"

#include <fmt/format.h>

#include <cstring>

#include "base/checked.h"
#include "checkpoint/element.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

class Expander {
 public:
  Expander(const SparseParts& sparse, std::span<std::byte> to, const std::filesystem::path& path,
           const std::string& tensor)
      : sparse_(sparse), values_(sparse.parts.back()), to_(to), path_(path), tensor_(tensor) {}

  void expand() {
    if (sparse_.layout == "sparse_coo") return expand_coordinates();
    const bool blocks = sparse_.layout == "sparse_bsr" || sparse_.layout == "sparse_bsc";
    const bool columns = sparse_.layout == "sparse_csc" || sparse_.layout == "sparse_bsc";
    if (!blocks && !columns && sparse_.layout != "sparse_csr")
      fail(fmt::format("has the layout '{}', which pare does not read", sparse_.layout.substr(0, 40)),
           ErrorCode::kUnsupported);
    expand_compressed(columns, blocks);
  }

 private:
  [[noreturn]] void fail(const std::string& cause, ErrorCode code = ErrorCode::kMalformed) const {
    throw Error(code, path_, tensor_, cause);
  }

  std::int64_t index(const SparseParts::Part& part, std::uint64_t at) const {
    return part.dtype == DType::kI32 ? load_as<std::int32_t>(part.bytes.data() + at * 4)
                                     : load_as<std::int64_t>(part.bytes.data() + at * 8);
  }
  void require_indices(const SparseParts::Part& part) const {
    if (part.dtype != DType::kI64 && part.dtype != DType::kI32)
      fail(fmt::format("has indices of type {} (expected I64 or I32)", dtype_name(part.dtype)));
  }
  std::uint64_t checked(std::int64_t found, std::uint64_t extent) const {
    if (found < 0 || static_cast<std::uint64_t>(found) >= extent)
      fail(fmt::format("has an index outside of its shape (expected less than {}, found {})", extent, found));
    return static_cast<std::uint64_t>(found);
  }

  /// Adds `count` values from number `from` on to the elements from number `into` on.
  void add(std::uint64_t from, std::uint64_t into, std::uint64_t count) {
    const std::size_t size = dtype_bits(sparse_.dtype) / 8;
    const std::byte* source = values_.bytes.data() + from * size;
    std::byte* target = to_.data() + into * size;
    if (!is_analyzed(sparse_.dtype) || !has_elements(sparse_.dtype)) {
      std::memcpy(target, source, count * size);
      return;
    }
    for (std::uint64_t i = 0; i < count; ++i, source += size, target += size) {
      const double before = load_element(sparse_.dtype, target);
      if (before == 0)
        std::memcpy(target, source, size);
      else
        store_element(sparse_.dtype, before + load_element(sparse_.dtype, source), target);
    }
  }

  /// Indices [axes, n], values [n, ...]; what follows n are axes that are dense.
  void expand_coordinates() {
    const SparseParts::Part& indices = sparse_.parts[0];
    require_indices(indices);
    const bool fits = indices.shape.size() == 2 && !values_.shape.empty() && indices.shape[1] == values_.shape[0] &&
                      indices.shape[0] + values_.shape.size() - 1 == sparse_.shape.size();
    const std::uint64_t axes = fits ? indices.shape[0] : 0;
    if (!fits || !std::equal(values_.shape.begin() + 1, values_.shape.end(),
                             sparse_.shape.begin() + static_cast<std::ptrdiff_t>(axes)))
      fail("has indices and values that do not fit its shape");
    std::uint64_t dense = 1;
    for (std::size_t k = axes; k < sparse_.shape.size(); ++k) dense *= sparse_.shape[k];
    const std::uint64_t n = indices.shape[1];
    for (std::uint64_t i = 0; i < n; ++i) {
      std::uint64_t place = 0;
      for (std::uint64_t k = 0; k < axes; ++k)
        place = place * sparse_.shape[k] + checked(index(indices, k * n + i), sparse_.shape[k]);
      add(i * dense, place * dense, dense);
    }
  }

  /// Compressed by rows or columns, of elements or of blocks.
  void expand_compressed(bool columns, bool blocks) {
    const SparseParts::Part &begins = sparse_.parts[0], &others = sparse_.parts[1];
    require_indices(begins);
    require_indices(others);
    if (sparse_.shape.size() != 2 || begins.shape.size() != 1 || others.shape.size() != 1)
      fail("is a batch of sparse matrices or a hybrid, which pare does not read", ErrorCode::kUnsupported);
    if (values_.shape.size() != (blocks ? 3 : 1) || values_.shape[0] != others.shape[0])
      fail("has indices and values that do not fit each other");
    const std::uint64_t height = blocks ? values_.shape[1] : 1, width = blocks ? values_.shape[2] : 1;
    if (height == 0 || width == 0 || sparse_.shape[0] % height != 0 || sparse_.shape[1] % width != 0)
      fail("has blocks that do not divide its shape");
    const std::uint64_t rows = sparse_.shape[0] / height, across = sparse_.shape[1] / width;
    const std::uint64_t lines = columns ? across : rows, n = others.shape[0];
    if (begins.shape[0] != lines + 1 || index(begins, 0) != 0 || index(begins, lines) != static_cast<std::int64_t>(n))
      fail(fmt::format("has indices that do not begin {} lines of {} values", lines, n));
    for (std::uint64_t line = 0; line < lines; ++line) {
      const std::int64_t begin = index(begins, line), end = index(begins, line + 1);
      if (begin < 0 || begin > end || static_cast<std::uint64_t>(end) > n)
        fail("has lines that do not follow each other");
      for (auto i = static_cast<std::uint64_t>(begin); i < static_cast<std::uint64_t>(end); ++i) {
        const std::uint64_t other = checked(index(others, i), columns ? rows : across);
        const std::uint64_t row = (columns ? other : line) * height, column = (columns ? line : other) * width;
        for (std::uint64_t r = 0; r < height; ++r)
          add((i * height + r) * width, (row + r) * sparse_.shape[1] + column, width);
      }
    }
  }

  const SparseParts& sparse_;
  const SparseParts::Part& values_;
  std::span<std::byte> to_;
  const std::filesystem::path& path_;
  const std::string& tensor_;
};

}  // namespace

void expand_sparse(const SparseParts& sparse, std::span<std::byte> to, const std::filesystem::path& path,
                   const std::string& tensor) {
  Expander(sparse, to, path, tensor).expand();
}

}  // namespace pare::checkpoint
