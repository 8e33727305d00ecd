#include "stats/tensor_pieces.h"

#include <algorithm>
#include <mutex>

#include "base/collective.h"
#include "base/file_map.h"
#include "base/holes.h"
#include "base/parallel.h"

namespace pare::stats {
namespace {

/// Asks the system for pieces before they are read.
class ReadAhead {
 public:
  ReadAhead(std::span<const TensorView> tensors, std::span<const Piece> pieces) : tensors_(tensors), pieces_(pieces) {}

  /// Called before a piece is read. A thread that finds another one at it does without.
  void reach(std::size_t piece) {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock()) return;
    for (; reached_ < piece; ++reached_) ahead_ -= std::min(ahead_, bytes_of(pieces_[reached_]));
    next_ = std::max(next_, piece);
    for (; next_ < pieces_.size() && ahead_ < kAhead; ++next_) {
      ahead_ += bytes_of(pieces_[next_]);
      ask_for(pieces_[next_]);
    }
  }

 private:
  static constexpr std::uint64_t kAhead = 16U << 20;  // bytes: 5 ms of 3 GB/s
  static constexpr std::uint64_t kSmallest = 64U
                                             << 10;  // bytes; a smaller piece comes with the page that is read first

  std::uint64_t bytes_of(const Piece& piece) const {
    return piece.count * dtype_bits(tensors_[piece.tensor].dtype) / 8;
  }

  void ask_for(const Piece& piece) const {
    const TensorBytes& bytes = tensors_[piece.tensor].bytes;
    const std::uint64_t size = bytes_of(piece);
    if (size < kSmallest || bytes.packed() != nullptr || bytes.encoded() != nullptr) return;
    const std::byte* data = bytes.data() + piece.begin * dtype_bits(tensors_[piece.tensor].dtype) / 8;
    if (!base::is_hole(data, size)) base::read_ahead(data, size);
  }

  std::span<const TensorView> tensors_;
  std::span<const Piece> pieces_;
  std::mutex mutex_;
  std::size_t reached_ = 0, next_ = 0;
  std::uint64_t ahead_ = 0;  ///< bytes from piece reached_ up to piece next_
};

}  // namespace

void for_pieces(std::span<const TensorView> tensors, std::span<const Piece> pieces, const Context& context,
                const std::function<void(std::size_t piece, unsigned worker)>& body) {
  ReadAhead ahead(tensors, pieces);
  base::parallel_for(pieces.size(), context, [&](std::size_t item, unsigned worker) {
    ahead.reach(item);
    body(item, worker);
  });
}

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
