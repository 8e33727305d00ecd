// pack_speed [MEGABYTES]: the speed of packing and unpacking with one thread, in GB of dense elements per second, from
// memory to memory: choosing the encoding (by counting), encoding, decoding, and reading rows without the zeros. For
// comparison, memcpy, and zstd and gzip (level 1, by libdeflate) of the dense bytes. Each figure is the median of
// several runs.
#include <libdeflate.h>
#include <zstd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "checkpoint/packed/packed_tensor.h"
#include "pack/encode.h"

namespace {

using pare::DType;

constexpr int kRuns = 7;

/// Seconds of the median run.
double time_of(const std::function<void()>& run, int runs = kRuns) {
  std::vector<double> seconds;
  for (int i = 0; i < runs; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    run();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  std::nth_element(seconds.begin(), seconds.begin() + runs / 2, seconds.end());
  return seconds[static_cast<std::size_t>(runs / 2)];
}

/// Normally distributed weights as F32 or their upper halves (BF16), a given percentage of them 0 at random.
std::vector<std::byte> weights(DType dtype, std::size_t bytes, double percent) {
  const std::size_t size = pare::dtype_bits(dtype) / 8;
  std::mt19937 random(1);
  std::normal_distribution<float> bell(0, 0.05F);
  std::uniform_real_distribution<double> uniform(0, 100);
  std::vector<std::byte> data(bytes);
  for (std::size_t at = 0; at + size <= bytes; at += size) {
    const float value = uniform(random) < percent ? 0.0F : bell(random);
    std::memcpy(data.data() + at, reinterpret_cast<const char*>(&value) + (sizeof value - size), size);
  }
  return data;
}

pare::checkpoint::StoredTensor stored(const pare::pack::TensorPlan& plan, const pare::pack::PartData& data) {
  pare::checkpoint::StoredTensor tensor;
  tensor.dtype = plan.tensor->dtype;
  tensor.shape = plan.tensor->shape;
  tensor.encoding = plan.encoding;
  tensor.nonzeros = plan.nonzeros;
  const auto& parts = data.parts();
  (parts.size() == 1 ? tensor.values : tensor.positions) = parts[0];
  if (parts.size() > 1) tensor.values = parts[1];
  if (parts.size() > 2) {
    tensor.extents = parts[2];
    tensor.row_offsets = parts[3];
  }
  return tensor;
}

void print_row(DType dtype, double percent, std::size_t megabytes) {
  constexpr std::uint64_t kColumns = 3072;
  const std::size_t row = kColumns * pare::dtype_bits(dtype) / 8, rows = megabytes * 1'000'000 / row;
  const std::vector<std::byte> data = weights(dtype, rows * row, percent);
  const pare::TensorView tensor{"w.weight", dtype, {rows, kColumns}, data, 0};
  const auto rate = [&](double seconds) { return static_cast<double>(data.size()) / seconds / 1e9; };

  const pare::pack::TensorPlan plan = pare::pack::plan_tensor(tensor, {});
  const pare::pack::PartData parts(plan);
  const auto packed = pare::checkpoint::make_packed_tensor(stored(plan, parts));
  std::vector<std::byte> target(data.size());
  const double copy = time_of([&] { std::memcpy(target.data(), data.data(), data.size()); });
  const double choose = time_of([&] { pare::pack::plan_tensor(tensor, {}); });
  const double encode = time_of([&] { pare::pack::PartData(plan).parts(); });
  const double decode = time_of([&] { packed->decode(target); });
  const double sparse = time_of([&] { packed->sparse_rows(); });
  if (target != data) {
    std::fputs("pack_speed: what was unpacked is not what was packed\n", stderr);
    std::exit(1);
  }

  std::vector<std::byte> frame(ZSTD_compressBound(data.size()));
  std::size_t frame_size = 0;
  const double zstd =
      time_of([&] { frame_size = ZSTD_compress(frame.data(), frame.size(), data.data(), data.size(), 3); }, 1);
  const double unzstd = time_of([&] { ZSTD_decompress(target.data(), target.size(), frame.data(), frame_size); }, 3);
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(1);
  std::vector<std::byte> gz(libdeflate_gzip_compress_bound(compressor, data.size()));
  std::size_t gz_size = 0;
  const double gzip = time_of(
      [&] { gz_size = libdeflate_gzip_compress(compressor, data.data(), data.size(), gz.data(), gz.size()); }, 1);
  libdeflate_free_compressor(compressor);

  std::printf("%-5s %5.4g %% %-14s %6.2f %7.2f %7.2f %7.2f %7.2f %7.2f %8.2f %8.2f %7.2f %7.1f %7.1f %7.1f\n",
              std::string(pare::dtype_name(dtype)).c_str(), percent, std::string(encoding_name(plan.encoding)).c_str(),
              rate(copy), rate(choose), rate(encode), rate(choose + encode), rate(decode), rate(sparse), rate(zstd),
              rate(unzstd), rate(gzip),
              100.0 * static_cast<double>(plan.stored_bytes()) / static_cast<double>(data.size()),
              100.0 * static_cast<double>(frame_size) / static_cast<double>(data.size()),
              100.0 * static_cast<double>(gz_size) / static_cast<double>(data.size()));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t megabytes = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 64;
  std::puts(
      "GB of dense elements a second, one thread                                                        % of dense");
  std::puts(
      "dtype  zeros encoding       memcpy  choose  encode    pack  unpack    rows     zstd   unzstd    gzip    pare    "
      "zstd    gzip");
  for (const DType dtype : {DType::kF32, DType::kBF16})
    for (const double percent : {0.0, 50.0, 75.0, 90.0, 95.0, 99.0}) print_row(dtype, percent, megabytes);
}
