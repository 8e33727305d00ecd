// quantized_speed [MIB [THREADS [ROUNDS [TYPE or FILE]]]]: inspects files of quantized weights and, in turn, only reads
// their bytes from the page cache, with read() into a buffer. Prints the processor time of both for each type, and the
// ratio of reading to inspecting, medians of all rounds. (Adding up a mapped file costs from a fifth to twice as much
// as read(), by the size of the pages that the file happens to have in the cache, so it is no measure.) Of a FILE that
// is there, only this one is inspected.
#include <fcntl.h>
#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>

#include "pare/inspect.h"
#include "pare/model.h"
#include "support/gguf.h"

namespace {

namespace fs = std::filesystem;
using pare::test::GgufBuilder;

constexpr std::size_t kColumns = 4096;

/// Numbers that are cheap to draw: sums of four uniform ones are nearly normal.
class Draw {
 public:
  std::uint64_t word() { return engine_(); }
  float normal() {
    const std::uint64_t bits = word();
    int sum = 0;
    for (int i = 0; i < 4; ++i) sum += static_cast<int>(bits >> 16 * i & 0xffff);
    return static_cast<float>(sum - 131070) / 37837.0F;
  }

 private:
  std::mt19937_64 engine_{1};
};

struct Case {
  std::string name;
  std::function<void(const fs::path&, std::size_t)> write;
};

struct Blocks {
  const char* name;
  std::uint32_t id;
  std::size_t elements, bytes;
  std::vector<std::size_t> halves;  ///< where the F16 scales are
  std::uint64_t scale;              ///< their sign and exponent, or the highest bit of subnormal ones
};

void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// Integers from -127 to 127 that are nearly normal, and of which the largest is one of these, as quantization to Q8_0
/// makes them.
void draw_q8(Draw& draw, char* q, std::size_t n) {
  float values[32], largest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    values[i] = draw.normal();
    largest = std::max(largest, std::abs(values[i]));
  }
  for (std::size_t i = 0; i < n; ++i) q[i] = static_cast<char>(std::lround(values[i] / largest * 127));
}

/// Makes the scales of the groups of a K type those of real weights, which are more than half of the block's largest.
void raise_scales(std::uint32_t type, char* block) {
  const auto change = [&](std::size_t begin, std::size_t end, auto&& f) {
    for (std::size_t i = begin; i < end; ++i) block[i] = static_cast<char>(f(static_cast<std::uint8_t>(block[i])));
  };
  switch (type) {
    case 10:  // Q2_K: two of four bits in a byte
      return change(0, 16, [](int byte) { return byte | 0x88; });
    case 11:  // Q3_K: two upper bits of six, which begin at -32, in quarters of a byte
      return change(104, 108, [](int byte) { return (byte & 0x55) * 3; });
    case 12:
    case 13:  // Q4_K and Q5_K: the uppermost of six bits in bits 5 and 7
      return change(4, 12, [](int byte) { return byte | 0xa0; });
    case 14:  // Q6_K: of either sign
      return change(192, 208, [](int byte) { return byte < 128 ? byte | 64 : byte & ~64; });
    default:
      return;
  }
}

/// Integers as they are in Q8_0, and any bits for the others, with scales that vary as those of real weights do.
/// Weights are below 0.1, as nearly all of large language models are.
void write_blocks(const Blocks& type, const fs::path& path, std::size_t bytes) {
  Draw draw;
  const std::size_t rows = bytes / (kColumns / type.elements * type.bytes);
  std::string data;
  for (std::size_t block = 0; block < rows * (kColumns / type.elements); ++block) {
    const std::size_t begin = data.size();
    data.resize(begin + type.bytes);
    if (type.id == 8)
      draw_q8(draw, data.data() + begin + 2, type.elements);
    else
      for (std::size_t i = 0; i < type.bytes; ++i) data[begin + i] = static_cast<char>(draw.word() >> 40);
    raise_scales(type.id, data.data() + begin);
    for (const std::size_t at : type.halves) {
      const std::uint64_t half = type.scale | (draw.word() & (std::min<std::uint64_t>(type.scale, 0x400) - 1));
      data[begin + at] = static_cast<char>(half & 255);
      data[begin + at + 1] = static_cast<char>(half >> 8);
    }
  }
  GgufBuilder builder;
  builder.add("general.architecture", std::string("none"));
  builder.tensor("blk.0.attn_q.weight", type.id, {kColumns, rows}, data);
  write_file(path, builder.file());
}

/// F8_E4M3 with scales of the given shape in BF16.
void write_fp8(std::size_t block_rows, std::size_t block_columns, const fs::path& path, std::size_t bytes) {
  Draw draw;
  const std::size_t rows = bytes / kColumns / 128 * 128;
  const std::size_t scales = rows / (block_rows == 0 ? rows : block_rows),
                    scale_columns = kColumns / (block_columns == 0 ? kColumns : block_columns);
  std::string data(rows * kColumns, '\0');
  for (char& byte : data) {
    const float value = draw.normal() * 100;
    int exponent = 0;
    const float fraction = std::frexp(std::abs(value), &exponent);  // in [0.5, 1)
    const int code = std::clamp((exponent + 6) * 8 + static_cast<int>(fraction * 16) - 8, 0, 126);
    byte = static_cast<char>(code | (value < 0 ? 128 : 0));
  }
  const std::size_t end = data.size();
  for (std::size_t i = 0; i < scales * scale_columns; ++i) {
    const std::uint64_t scale = 0x39c0 | (draw.word() >> 58);  // BF16, near 0.0004
    data += static_cast<char>(scale & 255);
    data += static_cast<char>(scale >> 8);
  }
  std::string header =
      fmt::format(R"({{"layers.0.weight":{{"dtype":"F8_E4M3","shape":[{},{}],"data_offsets":[0,{}]}},)"
                  R"("layers.0.weight_scale":{{"dtype":"BF16","shape":[{},{}],"data_offsets":[{},{}]}}}})",
                  rows, kColumns, end, scales, scale_columns, end, data.size());
  header.resize((header.size() + 7) / 8 * 8, ' ');
  write_file(path, GgufBuilder::number<std::uint64_t>(header.size()) + header + data);
}

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double timed(const std::function<void()>& work) {
  const double begin = processor_seconds();
  work();
  return processor_seconds() - begin;
}

/// Reads the file into a buffer of 1 MiB.
void read_all(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY);
  if (file < 0) throw std::runtime_error("cannot open " + path.string());
  static std::vector<std::byte> buffer(std::size_t{1} << 20);
  while (::read(file, buffer.data(), buffer.size()) > 0) continue;
  ::close(file);
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

void measure(const std::string& name, const fs::path& path, int rounds, const pare::Context& context) {
  std::vector<double> reading, inspecting, ratios;
  double share = 0;
  for (int round = 0; round < rounds; ++round) {
    reading.push_back(timed([&] { read_all(path); }));
    inspecting.push_back(timed([&] {
      const pare::Inspection found = pare::inspect(pare::open_model(path.string(), {}, context), {}, context);
      share = found.overall.stats.share(pare::Measure::kMagnitude);
    }));
    ratios.push_back(reading.back() / inspecting.back());
  }
  fmt::print("{:16} read {:6.1f} ms, inspect {:6.1f} ms, ratio {:.2f} (share {:.4f})\n", name, 1e3 * median(reading),
             1e3 * median(inspecting), median(ratios), share);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Blocks& type : {Blocks{"Q8_0", 8, 32, 34, {0}, 0x0c00}, Blocks{"Q2_K", 10, 256, 84, {80, 82}, 0x1400},
                             Blocks{"Q3_K", 11, 256, 110, {108}, 0x0c00}, Blocks{"Q4_K", 12, 256, 144, {0, 2}, 0x400},
                             Blocks{"Q5_K", 13, 256, 176, {0, 2}, 0x200}, Blocks{"Q6_K", 14, 256, 210, {208}, 0x100}})
    all.push_back({type.name, [type](const fs::path& path, std::size_t bytes) { write_blocks(type, path, bytes); }});
  const auto fp8 = [&](const char* name, std::size_t rows, std::size_t columns) {
    all.push_back({name, [=](const fs::path& path, std::size_t bytes) { write_fp8(rows, columns, path, bytes); }});
  };
  fp8("FP8, a scale", 0, 0);
  fp8("FP8, row scales", 1, 0);
  fp8("FP8, blocks", 128, 128);
  return all;
}

}  // namespace

int main(int argc, char** argv) try {
  const auto argument = [&](int i, int otherwise) { return argc > i ? std::atoi(argv[i]) : otherwise; };
  const std::size_t bytes = static_cast<std::size_t>(argument(1, 64)) << 20;
  const pare::Context context(static_cast<unsigned>(argument(2, 1)));
  const int rounds = argument(3, 7);
  const std::string only = argc > 4 ? argv[4] : "";
  if (fs::is_regular_file(only)) {
    measure(fs::path(only).filename().string(), only, rounds, context);
    return 0;
  }
  const fs::path directory = fs::temp_directory_path() / fmt::format("pare-quantized-{}", ::getpid());
  fs::create_directory(directory);
  for (const Case& one : cases()) {
    if (one.name.find(only) == std::string::npos) continue;
    const fs::path path = directory / (one.name.starts_with("FP8") ? "model.safetensors" : "model.gguf");
    one.write(path, bytes);
    measure(one.name, path, rounds, context);
    fs::remove(path);
  }
  fs::remove_all(directory);
} catch (const std::exception& failure) {
  fmt::print(stderr, "quantized_speed: {}\n", failure.what());
  return 1;
}
