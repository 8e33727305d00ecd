#include "bench/compressed_size.h"

#include <libdeflate.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "base/parallel.h"
#include "checkpoint/tensor_piece.h"
#include "pare/error.h"

namespace pare::bench {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;
constexpr int kLevel = 6;

struct FreeCompressor {
  void operator()(libdeflate_compressor* compressor) const noexcept { libdeflate_free_compressor(compressor); }
};

struct Piece {
  const TensorBytes* bytes;
  std::size_t begin, size;
};

/// The compressor of one thread and its output buffer.
struct Workshop {
  std::unique_ptr<libdeflate_compressor, FreeCompressor> compressor;
  std::vector<std::byte> room;
};

}  // namespace

std::uint64_t gzip_size(const Checkpoint& checkpoint, const Context& context) {
  std::vector<Piece> pieces;
  std::uint64_t total = 0;
  for (const CheckpointFile& file : checkpoint.files()) {
    total += file.header.size();
    for (const std::size_t index : file.tensors) {
      const TensorBytes& bytes = checkpoint.tensors()[index].bytes;
      for (std::size_t begin = 0; begin < bytes.size(); begin += kPiece)
        pieces.push_back({&bytes, begin, std::min(kPiece, bytes.size() - begin)});
    }
  }
  std::vector<Workshop> workshops(base::thread_count(context));
  std::vector<std::uint64_t> sizes(pieces.size());
  base::parallel_for(pieces.size(), context, [&](std::size_t i, unsigned worker) {
    Workshop& own = workshops[worker];
    if (own.compressor == nullptr) {
      own.compressor.reset(libdeflate_alloc_compressor(kLevel));
      if (own.compressor == nullptr) throw Error(ErrorCode::kOutOfMemory, "libdeflate cannot start");
      own.room.resize(libdeflate_gzip_compress_bound(own.compressor.get(), kPiece));
    }
    const checkpoint::TensorPiece data(*pieces[i].bytes, pieces[i].begin, pieces[i].size);
    sizes[i] =
        libdeflate_gzip_compress(own.compressor.get(), data.data(), data.size(), own.room.data(), own.room.size());
  });
  return std::accumulate(sizes.begin(), sizes.end(), total);
}

}  // namespace pare::bench
