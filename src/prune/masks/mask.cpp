#include "pare/mask.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "checkpoint/tensor_piece.h"
#include "kernels/magnitude.h"
#include "pare/error.h"
#include "prune/criteria/random_scores.h"
#include "prune/masks/count_zeros.h"
#include "prune/patterns/n_of_m.h"
#include "stats/float_format.h"

namespace pare {
namespace {

/// Elements [begin, begin + n) of a tensor, and their destination.
struct Piece {
  const TensorView& tensor;
  std::uint64_t begin, n;
  std::byte* target;
  std::size_t size;  ///< bytes of an element; kept, because some masks need it for every element

  const stats::FloatFormat& format() const { return stats::float_format(tensor.dtype); }
  checkpoint::TensorPiece source() const { return {tensor.bytes, begin * size, n * size}; }
  void remove(std::uint64_t from, std::uint64_t count) const {
    std::memset(target + (from - begin) * size, 0, count * size);
  }
};

void copy_all(const Piece& piece, const std::byte* from) {
  if (piece.n != 0) std::memcpy(piece.target, from, piece.n * piece.size);
}

void copy(const Mask::None&, const Piece& piece) { copy_all(piece, piece.source().data()); }

void copy(const Mask::BelowKey& mask, const Piece& piece) {
  // Ties before tie_end are pruned too, so the first key to keep is one higher there.
  const std::uint64_t with_ties = mask.tie_end <= piece.begin ? 0 : std::min(piece.n, mask.tie_end - piece.begin);
  const std::uint64_t bytes = with_ties * piece.size;
  const checkpoint::TensorPiece source = piece.source();
  kernels::copy_from_key(piece.format().width, source.data(), piece.target, with_ties, mask.key + 1);
  kernels::copy_from_key(piece.format().width, source.data() + bytes, piece.target + bytes, piece.n - with_ties,
                         mask.key);
}

void copy(const Mask::BelowScore& mask, const Piece& piece) {
  std::array<std::uint32_t, 4096> scores;
  copy_all(piece, piece.source().data());
  const std::uint64_t end = piece.begin + piece.n;
  for (std::uint64_t block = piece.begin; block < end; block += scores.size()) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(scores.size(), end - block));
    prune::fill_scores(mask.seed, mask.first_position + block, count, scores.data());
    for (std::size_t i = 0; i < count; ++i)
      if (scores[i] < mask.key || (scores[i] == mask.key && block + i < mask.tie_end)) piece.remove(block + i, 1);
  }
}

void copy(const Mask::NOfM& mask, const Piece& piece) {
  const Pattern pattern{Pattern::Kind::kNOfM, mask.n, mask.m};
  prune::copy_n_of_m(piece.tensor, pattern, mask.orientation, piece.begin, piece.n, piece.target);
}

void require_size(const TensorView& tensor, std::string_view what, std::uint64_t expected, std::uint64_t found) {
  if (found != expected)
    throw Error(ErrorCode::kMismatch, {}, tensor.name,
                fmt::format("the mask does not fit the tensor (expected {} {}, found {})", expected, what, found));
}

/// Copies row by stored row, block by block.
void copy(const Mask::Bits& mask, const Piece& piece) {
  const bool matrix = piece.tensor.shape.size() == 2;
  const std::uint64_t columns = matrix ? piece.tensor.shape[1] : piece.tensor.elements();
  const std::uint64_t rows = matrix ? piece.tensor.shape[0] : 1;
  const std::uint64_t strips = (columns + mask.block_columns - 1) / mask.block_columns;
  const std::uint64_t blocks = (rows + mask.block_rows - 1) / mask.block_rows * strips;
  require_size(piece.tensor, "words of bits", (blocks + 63) / 64, mask.removed.size());
  if (mask.values != nullptr)
    require_size(piece.tensor, "bytes of values", piece.tensor.bytes.size(), mask.values->size());
  if (mask.values == nullptr)
    copy_all(piece, piece.source().data());
  else
    copy_all(piece, mask.values->data() + piece.begin * piece.size);
  const std::uint64_t end = piece.begin + piece.n;
  for (std::uint64_t row = columns == 0 ? 0 : piece.begin / columns; row * columns < end; ++row) {
    const std::uint64_t start = row * columns, first_block = row / mask.block_rows * strips;
    const std::uint64_t from = piece.begin > start ? piece.begin - start : 0, to = std::min(columns, end - start);
    for (std::uint64_t strip = from / mask.block_columns; strip * mask.block_columns < to; ++strip) {
      const std::uint64_t block = first_block + strip;
      if ((mask.removed[block / 64] >> block % 64 & 1) == 0) continue;
      const std::uint64_t left = std::max(from, strip * mask.block_columns);
      piece.remove(start + left, std::min(to, (strip + 1) * mask.block_columns) - left);
    }
  }
}

}  // namespace

bool Mask::changes_values() const noexcept {
  const Bits* bits = std::get_if<Bits>(&kind_);
  return bits != nullptr && bits->values != nullptr;
}

bool Mask::removes_smallest() const noexcept { return is_none() || std::holds_alternative<BelowKey>(kind_); }

void Mask::copy(const TensorView& tensor, std::uint64_t begin, std::uint64_t n, std::byte* target) const {
  const Piece piece{tensor, begin, n, target, dtype_bits(tensor.dtype) / 8};
  std::visit([&](const auto& kind) { pare::copy(kind, piece); }, kind_);
}

std::uint64_t Mask::zeros(const TensorView& tensor, const Context& context) const {
  const Mask* const self = this;
  return prune::count_zeros_after(tensor, {&self, 1}, context).front();
}

}  // namespace pare
