#include "stats/tensor_pieces.h"

#include <algorithm>

#include "base/collective.h"

namespace pare::stats {

std::vector<Piece> cut_into_pieces(std::span<const TensorView> tensors, std::uint64_t piece_elements) {
  std::vector<Piece> pieces;
  for (std::size_t tensor = 0; tensor < tensors.size(); ++tensor) {
    const std::uint64_t elements = tensors[tensor].elements();
    for (std::uint64_t begin = 0; begin < elements; begin += piece_elements)
      pieces.push_back({tensor, begin, std::min(piece_elements, elements - begin)});
  }
  return pieces;
}

std::uint64_t part_at(std::uint64_t before, std::uint64_t bytes, std::uint64_t total, std::uint64_t count) noexcept {
  if (total == 0) return 0;
  using Wide = unsigned __int128;
  const Wide twice_middle = Wide{before} * 2 + bytes;
  return std::min(static_cast<std::uint64_t>(twice_middle * count / (Wide{total} * 2)), count - 1);
}

std::vector<Piece> own_pieces(std::span<const TensorView> tensors, const Context& context) {
  std::vector<Piece> pieces = cut_into_pieces(tensors);
  const unsigned size = base::group_size(context);
  if (size == 1) return pieces;
  const auto by_file = [&](const Piece& a, const Piece& b) { return tensors[a.tensor].file < tensors[b.tensor].file; };
  const auto by_tensor = [](const Piece& a, const Piece& b) { return a.tensor < b.tensor; };
  std::stable_sort(pieces.begin(), pieces.end(), by_file);
  const auto bytes_of = [&](const Piece& piece) { return piece.count * dtype_bits(tensors[piece.tensor].dtype) / 8; };
  std::uint64_t total = 0, before = 0;
  for (const Piece& piece : pieces) total += bytes_of(piece);
  std::vector<Piece> own;
  for (const Piece& piece : pieces) {
    const std::uint64_t bytes = bytes_of(piece);
    if (part_at(before, bytes, total, size) == base::group_rank(context)) own.push_back(piece);
    before += bytes;
  }
  std::stable_sort(own.begin(), own.end(), by_tensor);
  return own;
}

}  // namespace pare::stats
