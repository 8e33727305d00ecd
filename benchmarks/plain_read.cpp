// plain_read FILE THREADS: maps a file and adds up its bytes as 64-bit words. No program that reads every weight of a
// mapped checkpoint can be faster, so benchmarks/compare.py compares pare with it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <vector>

#include "base/file_map.h"
#include "base/parallel.h"

namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;

std::uint64_t sum_words(const std::byte* bytes, std::size_t size) {
  std::uint64_t sum = 0, word = 0;
  for (std::size_t i = 0; i + sizeof word <= size; i += sizeof word) {
    std::memcpy(&word, bytes + i, sizeof word);
    sum += word;
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fputs("usage: plain_read FILE THREADS\n", stderr);
    return 2;
  }
  const auto file = pare::base::FileMap::open(argv[1]);
  const auto bytes = file->bytes();
  std::vector<std::uint64_t> sums((bytes.size() + kPiece - 1) / kPiece);
  pare::base::parallel_for(sums.size(), pare::Context(static_cast<unsigned>(std::atoi(argv[2]))),
                           [&](std::size_t piece, unsigned) {
                             const std::size_t begin = piece * kPiece;
                             sums[piece] = sum_words(bytes.data() + begin, std::min(kPiece, bytes.size() - begin));
                           });
  std::uint64_t total = 0;
  for (const std::uint64_t sum : sums) total += sum;
  std::printf("%016llx\n", static_cast<unsigned long long>(total));
} catch (const std::exception& failure) {
  std::fprintf(stderr, "plain_read: %s\n", failure.what());
  return 1;
}
