#include "checkpoint/quantized/marlin_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "checkpoint/element.h"

namespace pare::checkpoint {
namespace {

constexpr std::uint64_t kMarlinTile = 16, kMarlinRun = 1024, kMarlinRows = 64;
constexpr std::uint64_t kMetaInputs = 16;  ///< four groups of four inputs, each with two places of two bits

/// Where the kernel's order has the integers of 1024 that lie one after another: four tiles of 16 inputs and 16
/// outputs.
using MarlinPlaces = std::array<std::uint16_t, kMarlinRun>;

MarlinPlaces places_of(unsigned bits) {
  constexpr std::array<unsigned, 8> kFour{0, 2, 4, 6, 1, 3, 5, 7};
  constexpr std::array<unsigned, 4> kEight{0, 2, 1, 3};
  const std::size_t per_word = 32 / bits;
  std::array<unsigned, kMarlinRun> order{};
  std::size_t n = 0;
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned output = 0; output < 4; ++output)
      for (unsigned block = 0; block < 2; ++block)
        for (const unsigned input : {0U, 1U, 8U, 9U})
          order[n++] = 16 * (2 * (lane % 4) + input) + lane / 8 * 256 + lane / 4 % 2 * 8 + 4 * block + output;
  MarlinPlaces places{};
  for (std::size_t place = 0; place < places.size(); ++place) {
    const std::size_t within = place % per_word;
    places[order[place - within + (bits == 4 ? kFour[within] : kEight[within])]] = static_cast<std::uint16_t>(place);
  }
  return places;
}

struct MarlinParts {
  TensorView words, scales, meta;
  unsigned bits = 4;
  std::uint64_t outputs = 0, inputs = 0, groups = 1;
};

class Marlin24Weights final : public EncodedTensor {
 public:
  explicit Marlin24Weights(MarlinParts parts) : parts_(std::move(parts)), places_(places_of(parts_.bits)) {}

  std::string_view stored_type() const noexcept override { return "marlin-24"; }
  std::uint64_t stored_bytes() const noexcept override {
    return parts_.words.bytes.size() + parts_.scales.bytes.size() + parts_.meta.bytes.size();
  }
  std::size_t granularity() const noexcept override { return kMetaInputs; }

  void decode(std::uint64_t begin, std::span<std::byte> target) const override {
    constexpr std::size_t size = 2;  // F16
    std::array<float, kMetaInputs> values;
    for (std::size_t done = 0; done < target.size() / size; done += kMetaInputs) {
      const std::uint64_t output = (begin + done) / parts_.inputs, first = (begin + done) % parts_.inputs;
      const unsigned meta = load_as<std::uint16_t>(parts_.meta.bytes.data() + 2 * meta_place(output, first));
      values.fill(0);
      for (unsigned pair = 0; pair < 8; ++pair) {
        const std::uint64_t place = pair / 2 * 4 + (meta >> (2 * pair) & 3U);
        values[place] = value(output, first / 2 + pair) * scale(output, first + place);
      }
      store_values(DType::kF16, values.data(), values.size(), target.data() + done * size);
    }
  }

 private:
  /// Of the element for 16 inputs from `input` on: the order of CUTLASS, which exchanges rows and columns in places.
  std::uint64_t meta_place(std::uint64_t output, std::uint64_t input) const {
    std::uint64_t row = output / 64 * 64 + output % 2 * 2 + output % 8 / 4 + output % 4 / 2 * 32 + output % 64 / 8 * 4;
    std::uint64_t column = input / kMetaInputs;
    if (row % 2 == 0 && column % 2 == 1) {
      ++row;
      --column;
    } else if (row % 2 == 1 && column % 2 == 0) {
      --row;
      ++column;
    }
    return (column / 2 * parts_.outputs + row) * 2 + column % 2;
  }

  /// Number `kept` of the two in four that an output has, less the zero point.
  float value(std::uint64_t output, std::uint64_t kept) const {
    const std::uint64_t at = output / kMarlinTile * (kMarlinTile * kMarlinTile) + kept % kMarlinTile * kMarlinTile +
                             output % kMarlinTile;  // in a row of tiles
    const std::uint64_t row = parts_.outputs * kMarlinTile, per_word = 32 / parts_.bits;
    const std::uint64_t place = at / kMarlinRun * kMarlinRun + places_[at % kMarlinRun];
    const std::uint64_t word = (kept / kMarlinTile * row + place) / per_word;
    const auto bits = load_as<std::uint32_t>(parts_.words.bytes.data() + 4 * word);
    const std::uint32_t stored = bits >> (place % per_word * parts_.bits) & ((1U << parts_.bits) - 1);
    return static_cast<float>(static_cast<int>(stored) - (1 << (parts_.bits - 1)));
  }

  float scale(std::uint64_t output, std::uint64_t input) const {
    // The writer compares the size of the groups with the number of stored inputs, half of all, so that two groups are
    // left in order as one is.
    const std::uint64_t in_eight = output % 8;
    const std::uint64_t place =
        parts_.groups <= 2 ? output : output - in_eight + (in_eight < 4 ? 2 * in_eight : 2 * in_eight - 7);
    const std::uint64_t group = input / (parts_.inputs / parts_.groups);
    return load_scale(DType::kF16, parts_.scales.bytes.data() + 2 * (group * parts_.outputs + place));
  }

  MarlinParts parts_;
  MarlinPlaces places_;
};

}  // namespace

bool fold_marlin24(QuantizedFold& fold, std::size_t i) {
  const TensorView& words = fold.tensors()[i];
  const std::string module = words.name.substr(0, words.name.size() - std::string_view("weight_packed").size());
  const auto scale = fold.find(module + "scale_packed");
  if (!scale) return false;
  const std::size_t meta = fold.require(module + "meta", i);
  const TensorView& scales = fold.tensors()[*scale];
  fold.require_dtype(*scale, {DType::kF16});
  fold.require_dtype(meta, {DType::kI16});
  if (scales.shape.size() != 2 || scales.shape[0] == 0 || scales.shape[1] == 0 || scales.shape[1] % kMarlinRows != 0)
    fold.fail(*scale, ErrorCode::kMismatch,
              fmt::format("has shape {} (expected [groups, a multiple of 64])", shape_text(scales.shape)));
  MarlinParts parts{words, scales, fold.tensors()[meta]};
  parts.groups = scales.shape[0];
  parts.outputs = scales.shape[1];
  if (words.shape.size() != 2 || (words.shape[1] != 2 * parts.outputs && words.shape[1] / 4 != parts.outputs) ||
      words.shape[1] % parts.outputs != 0)
    fold.fail(i, ErrorCode::kMismatch,
              fmt::format("has shape {} (expected [inputs / 32, {}] of 4 bits or [inputs / 32, {}] of 8)",
                          shape_text(words.shape), 2 * parts.outputs, 4 * parts.outputs));
  parts.bits = words.shape[1] == 2 * parts.outputs ? 4 : 8;
  parts.inputs = words.shape[0] * 32;
  fold.require_shape(meta, {words.shape[0], 2 * parts.outputs});
  if (parts.inputs % parts.groups != 0 || (parts.inputs != 0 && parts.inputs / parts.groups % 4 != 0))
    fold.fail(*scale, ErrorCode::kMismatch,
              fmt::format("has {} groups, which do not divide {} inputs into fours", parts.groups, parts.inputs));
  const std::string kind = fmt::format(
      "{}-bit integers of marlin-24 {}", parts.bits,
      parts.groups == 1 ? "with a scale for each row" : fmt::format("in groups of {}", parts.inputs / parts.groups));
  std::vector<std::uint64_t> shape{parts.outputs, parts.inputs};
  fold.replace(i, module + "weight", DType::kF16, std::move(shape), std::make_shared<Marlin24Weights>(std::move(parts)),
               {*scale, meta}, kind);
  return true;
}

}  // namespace pare::checkpoint
