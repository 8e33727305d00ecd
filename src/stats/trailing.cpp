#include "stats/trailing.h"

#include "base/parallel.h"
#include "checkpoint/tensor_piece.h"
#include "kernels/leading_bits.h"
#include "stats/tensor_pieces.h"

namespace pare::stats {

std::vector<std::uint64_t> count_trailing(std::span<const TensorView> tensors, std::span<const std::uint8_t> slot_of,
                                          std::size_t slots, const Context& context) {
  const std::vector<Piece> pieces = own_pieces(tensors, context);
  std::vector<std::vector<std::uint64_t>> tables(base::thread_count(context));
  for_pieces(tensors, pieces, context, [&](std::size_t item, unsigned worker) {
    if (tables[worker].empty()) tables[worker].assign(slots << 16, 0);
    const Piece& piece = pieces[item];
    const checkpoint::TensorPiece data(tensors[piece.tensor].bytes, piece.begin * 4, piece.count * 4);
    kernels::count_trailing_bits(data.data(), piece.count, slot_of.data(), tables[worker].data());
  });
  std::vector<std::uint64_t> total(slots << 16, 0);
  for (const std::vector<std::uint64_t>& table : tables)
    for (std::size_t i = 0; i < table.size(); ++i) total[i] += table[i];
  return total;
}

}  // namespace pare::stats
