#include "bench/compressed_size.h"

#include <libdeflate.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "base/parallel.h"
#include "pare/error.h"

namespace pare::bench {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;
constexpr int kLevel = 6;

struct FreeCompressor {
  void operator()(libdeflate_compressor* compressor) const noexcept { libdeflate_free_compressor(compressor); }
};

/// The compressor of one thread and its output buffer.
struct Workshop {
  std::unique_ptr<libdeflate_compressor, FreeCompressor> compressor;
  std::vector<std::byte> room;
};

}  // namespace

std::uint64_t gzip_size(const Checkpoint& checkpoint, const Context& context) {
  std::vector<std::span<const std::byte>> pieces;
  std::uint64_t total = 0;
  for (const CheckpointFile& file : checkpoint.files()) {
    total += file.header.size();
    for (const std::size_t index : file.tensors) {
      const std::span<const std::byte> bytes = checkpoint.tensors()[index].bytes;
      for (std::size_t begin = 0; begin < bytes.size(); begin += kPiece)
        pieces.push_back(bytes.subspan(begin, std::min(kPiece, bytes.size() - begin)));
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
    sizes[i] = libdeflate_gzip_compress(own.compressor.get(), pieces[i].data(), pieces[i].size(), own.room.data(),
                                        own.room.size());
  });
  return std::accumulate(sizes.begin(), sizes.end(), total);
}

}  // namespace pare::bench
