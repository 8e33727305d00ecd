#include "checkpoint/quantized/packed_integers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>

#include "checkpoint/element.h"

namespace pare::checkpoint {
namespace {

constexpr std::size_t kIntegerChunk = 512;
constexpr unsigned kWordBits = 32;

/// Output c of eight is at this place in a word of AWQ.
constexpr std::array<unsigned, 8> kAwqPlaces{0, 4, 1, 5, 2, 6, 3, 7};

/// Where integers are. Of a matrix, integer (output, input) is in word
/// (input >> input_shift) * input_stride + (output >> output_shift) * output_stride.
struct Packing {
  unsigned bits = 4;
  unsigned input_shift = 0, output_shift = 0;
  std::uint64_t input_stride = 0, output_stride = 0;
  bool is_awq = false;

  std::uint64_t word(std::uint64_t output, std::uint64_t input) const {
    return (input >> input_shift) * input_stride + (output >> output_shift) * output_stride;
  }
  /// Position in the word. At least one of the axes is not packed.
  unsigned shift(std::uint64_t output, std::uint64_t input) const {
    const auto place =
        static_cast<unsigned>((output & ((1U << output_shift) - 1)) + (input & ((1U << input_shift) - 1)));
    return bits * (is_awq ? kAwqPlaces[place] : place);
  }
  unsigned value(const std::byte* words, std::uint64_t output, std::uint64_t input) const {
    return load_as<std::uint32_t>(words + word(output, input) * sizeof(std::uint32_t)) >> shift(output, input) &
           ((1U << bits) - 1);
  }
};

struct IntegerParts {
  TensorView words, scales;
  std::optional<TensorView> zeros, groups;  ///< g_idx: the group of each input
  Packing packing, zero_packing;            ///< of zeros, "inputs" are groups
  std::uint64_t inputs = 0;
  std::uint64_t group_size = 1;  ///< without g_idx
  std::uint64_t scale_group_stride = 0, scale_output_stride = 0;
  unsigned zero_offset = 0;  ///< is added to what is stored
  std::string_view type = {};
};

class PackedIntegers final : public EncodedTensor {
 public:
  explicit PackedIntegers(IntegerParts parts) : parts_(std::move(parts)) {}

  std::string_view stored_type() const noexcept override { return parts_.type; }
  std::uint64_t stored_bytes() const noexcept override {
    return parts_.words.bytes.size() + parts_.scales.bytes.size() + (parts_.zeros ? parts_.zeros->bytes.size() : 0) +
           (parts_.groups ? parts_.groups->bytes.size() : 0);
  }
  std::size_t granularity() const noexcept override { return 1; }

  void decode(std::uint64_t begin, std::span<std::byte> target) const override {
    const DType dtype = value_dtype(parts_.scales.dtype);
    const std::size_t size = dtype_bits(dtype) / 8;
    const std::uint64_t end = begin + target.size() / size;
    std::array<float, kIntegerChunk> buffer;
    std::byte* out = target.data();
    for (std::uint64_t at = begin; at < end;) {
      const std::uint64_t output = at / parts_.inputs, first = at % parts_.inputs;
      const std::uint64_t n = std::min<std::uint64_t>({parts_.inputs - first, end - at, kIntegerChunk});
      decode_row(output, first, n, buffer.data());
      store_values(dtype, buffer.data(), n, out);
      at += n;
      out += n * size;
    }
  }

 private:
  struct Group {
    std::uint64_t index;
    float scale;
    int zero;
  };

  Group group(std::uint64_t output, std::uint64_t index) const {
    const std::uint64_t place = index * parts_.scale_group_stride + output * parts_.scale_output_stride;
    const std::size_t size = dtype_bits(parts_.scales.dtype) / 8;
    unsigned zero = (1U << parts_.packing.bits) / 2;
    if (parts_.zeros) zero = parts_.zero_packing.value(parts_.zeros->bytes.data(), output, index) + parts_.zero_offset;
    return {index, load_scale(parts_.scales.dtype, parts_.scales.bytes.data() + place * size), static_cast<int>(zero)};
  }

  std::uint64_t group_of(std::uint64_t input) const {
    if (!parts_.groups) return input / parts_.group_size;
    return load_as<std::uint32_t>(parts_.groups->bytes.data() + input * sizeof(std::uint32_t));
  }

  void decode_row(std::uint64_t output, std::uint64_t first, std::uint64_t n, float* out) const {
    const std::byte* words = parts_.words.bytes.data();
    Group current = group(output, group_of(first));
    for (std::uint64_t i = 0; i < n; ++i) {
      if (const std::uint64_t index = group_of(first + i); index != current.index) current = group(output, index);
      const int stored = static_cast<int>(parts_.packing.value(words, output, first + i));
      out[i] = static_cast<float>(stored - current.zero) * current.scale;
    }
  }

  IntegerParts parts_;
};

unsigned log2_of(std::uint64_t power) { return static_cast<unsigned>(std::countr_zero(power)); }

/// Adds the groups of inputs. `groups` is the number that scales have.
void add_groups(const QuantizedFold& fold, std::size_t words, std::optional<std::size_t> g_idx, std::uint64_t groups,
                IntegerParts& parts, std::vector<std::size_t>& used) {
  if (groups == 0) fold.fail(words, ErrorCode::kMismatch, "has scales of 0 groups (expected at least 1)");
  if (g_idx) {
    fold.require_dtype(*g_idx, {DType::kI32});
    fold.require_shape(*g_idx, {parts.inputs});
    used.push_back(*g_idx);
    const TensorView& index = fold.tensors()[*g_idx];
    bool none = true;  // compressed-tensors stores -1 everywhere if there is no order
    std::int64_t worst = -1;
    for (std::uint64_t i = 0; i < parts.inputs; ++i) {
      const auto group = load_as<std::int32_t>(index.bytes.data() + i * sizeof(std::int32_t));
      none = none && group == -1;
      if (group < 0 || static_cast<std::uint64_t>(group) >= groups) worst = static_cast<std::int64_t>(i);
    }
    if (!none && worst >= 0)
      fold.fail(
          *g_idx, ErrorCode::kMalformed,
          fmt::format("input {} is in group {} (expected 0 to {})", worst,
                      load_as<std::int32_t>(index.bytes.data() + static_cast<std::size_t>(worst) * 4), groups - 1));
    if (!none) parts.groups = index;
  }
  if (parts.groups) return;
  if (parts.inputs % groups != 0)
    fold.fail(words, ErrorCode::kMismatch,
              fmt::format("has {} inputs, which the {} groups of the scales do not divide", parts.inputs, groups));
  parts.group_size = std::max<std::uint64_t>(parts.inputs / groups, 1);
}

std::string integer_kind(const char* format, unsigned bits, const IntegerParts& parts, std::uint64_t groups) {
  const std::string text = fmt::format("{}-bit integers of {}", bits, format);
  if (groups <= 1) return text + " with a scale for each row";
  return parts.groups ? text + " in groups by g_idx" : fmt::format("{} in groups of {}", text, parts.group_size);
}

/// Of zero points, [groups, outputs / integers per word], beside scales, [groups, outputs].
std::uint64_t integers_per_word(const QuantizedFold& fold, std::size_t zero, const TensorView& scales) {
  const TensorView& zeros = fold.tensors()[zero];
  const std::uint64_t groups = scales.shape[0], outputs = scales.shape[1];
  for (const std::uint64_t pack : {8U, 4U, 16U}) {
    if (outputs % pack != 0 || zeros.shape != std::vector<std::uint64_t>{groups, outputs / pack}) continue;
    const std::uint64_t bits = kWordBits / pack;
    if (!fold.config().bits || *fold.config().bits == bits) return pack;
    fold.fail(zero, ErrorCode::kMismatch,
              fmt::format("has shape {}, that of {} bits (config.json says {})", shape_text(zeros.shape), bits,
                          fold.config().bits.value_or(0)));
  }
  fold.fail(zero, ErrorCode::kMismatch,
            fmt::format("has shape {} (expected [{}, {} divided by 8, 4 or 16] for 4, 8 or 2 bits, as {} has shape {})",
                        shape_text(zeros.shape), groups, outputs, scales.name, shape_text(scales.shape)));
}

}  // namespace

bool fold_qweight(QuantizedFold& fold, std::size_t i) {
  const TensorView& words = fold.tensors()[i];
  const std::string module = words.name.substr(0, words.name.size() - std::string_view("qweight").size());
  const std::size_t scale = fold.require(module + "scales", i), zero = fold.require(module + "qzeros", i);
  const TensorView &scales = fold.tensors()[scale], &zeros = fold.tensors()[zero];
  fold.require_dtype(scale, {DType::kF16, DType::kBF16, DType::kF32});
  fold.require_dtype(zero, {DType::kI32});
  if (scales.shape.size() != 2)
    fold.fail(scale, ErrorCode::kMismatch,
              fmt::format("has shape {} (expected [groups, outputs])", shape_text(scales.shape)));
  const std::uint64_t groups = scales.shape[0], outputs = scales.shape[1];
  const std::uint64_t pack = integers_per_word(fold, zero, scales);
  const auto bits = static_cast<unsigned>(kWordBits / pack);
  const bool is_gptq = words.shape.size() == 2 && words.shape[1] == outputs;
  const bool is_awq = words.shape.size() == 2 && words.shape[1] == outputs / pack && bits == 4;
  if (!is_gptq && !is_awq)
    fold.fail(i, ErrorCode::kMismatch,
              fmt::format("has shape {} (expected [inputs / {}, {}] of GPTQ{})", shape_text(words.shape), pack, outputs,
                          bits == 4 ? fmt::format(" or [inputs, {}] of AWQ", outputs / pack) : ""));
  IntegerParts parts{words, scales, zeros, std::nullopt, {}, {}};
  parts.inputs = is_gptq ? words.shape[0] * pack : words.shape[0];
  parts.zero_packing = {bits, 0, log2_of(pack), outputs / pack, 1, !is_gptq};
  parts.packing = is_gptq ? Packing{bits, log2_of(pack), 0, outputs, 1, false} : parts.zero_packing;
  parts.scale_group_stride = outputs;
  parts.scale_output_stride = 1;
  parts.zero_offset = is_gptq && fold.config().checkpoint_format != "gptq_v2" ? 1 : 0;
  parts.type = is_gptq ? "GPTQ" : "AWQ";
  std::vector<std::size_t> used{scale, zero};
  add_groups(fold, i, fold.find(module + "g_idx"), groups, parts, used);
  const std::string kind = integer_kind(is_gptq ? "GPTQ" : "AWQ", bits, parts, groups);
  const std::uint64_t inputs = parts.inputs;
  fold.replace(i, module + "weight", value_dtype(scales.dtype), {outputs, inputs},
               std::make_shared<PackedIntegers>(std::move(parts)), used, kind);
  return true;
}

namespace {

/// The extents in M.weight_shape.
std::array<std::uint64_t, 2> stored_shape(const QuantizedFold& fold, std::size_t shape) {
  fold.require_dtype(shape, {DType::kI64, DType::kI32});
  fold.require_shape(shape, {2});
  const TensorView& tensor = fold.tensors()[shape];
  std::array<std::uint64_t, 2> extents{};
  for (std::size_t k = 0; k < 2; ++k) {
    const std::int64_t extent = tensor.dtype == DType::kI64 ? load_as<std::int64_t>(tensor.bytes.data() + k * 8)
                                                            : load_as<std::int32_t>(tensor.bytes.data() + k * 4);
    if (extent <= 0)
      fold.fail(shape, ErrorCode::kMalformed, fmt::format("says {} (expected a positive extent)", extent));
    extents[k] = static_cast<std::uint64_t>(extent);
  }
  return extents;
}

std::uint64_t words_for(std::uint64_t n, std::uint64_t pack) { return n / pack + (n % pack != 0 ? 1 : 0); }

/// Rows of `outputs`, and the integers of a row in whole words.
unsigned width_of(const QuantizedFold& fold, std::size_t words, std::uint64_t outputs, std::uint64_t inputs) {
  const std::vector<std::uint64_t>& shape = fold.tensors()[words].shape;
  for (const unsigned bits : {4U, 8U, 2U})
    if (shape == std::vector<std::uint64_t>{outputs, words_for(inputs, kWordBits / bits)}) return bits;
  fold.fail(words, ErrorCode::kMismatch,
            fmt::format("has shape {} (expected [{}, {}], [{}, {}] or [{}, {}] for 4, 8 or 2 bits)", shape_text(shape),
                        outputs, words_for(inputs, 8), outputs, words_for(inputs, 4), outputs, words_for(inputs, 16)));
}

}  // namespace

bool fold_weight_packed(QuantizedFold& fold, std::size_t i) {
  const TensorView& words = fold.tensors()[i];
  const std::string name = words.name.substr(0, words.name.size() - std::string_view("_packed").size());
  const std::size_t shape = fold.require(name + "_shape", i), scale = fold.require(name + "_scale", i);
  const auto [outputs, inputs] = stored_shape(fold, shape);
  const unsigned bits = width_of(fold, i, outputs, inputs);
  const std::uint64_t pack = kWordBits / bits;
  const TensorView& scales = fold.tensors()[scale];
  fold.require_dtype(scale, {DType::kF16, DType::kBF16, DType::kF32});
  const bool is_single = scales.elements() == 1;
  if (!is_single && (scales.shape.size() != 2 || scales.shape[0] != outputs))
    fold.fail(scale, ErrorCode::kMismatch,
              fmt::format("has shape {} (expected [{}, groups])", shape_text(scales.shape), outputs));
  const std::uint64_t groups = is_single ? 1 : scales.shape[1];
  IntegerParts parts{words, scales, std::nullopt, std::nullopt, {}, {}};
  parts.inputs = inputs;
  parts.packing = {bits, log2_of(pack), 0, 1, words.shape[1], false};
  parts.scale_group_stride = 1;
  parts.scale_output_stride = is_single ? 0 : groups;
  parts.type = "packed integers";
  std::vector<std::size_t> used{shape, scale};
  if (const auto zero = fold.find(name + "_zero_point")) {
    fold.require_dtype(*zero, {DType::kI32});
    fold.require_shape(*zero, {words_for(is_single ? 1 : outputs, pack), groups});
    parts.zeros = fold.tensors()[*zero];
    parts.zero_packing = {bits, 0, log2_of(pack), 1, is_single ? 0 : groups, false};
    used.push_back(*zero);
  }
  add_groups(fold, i, fold.find(name + "_g_idx"), groups, parts, used);
  const std::string kind = integer_kind("compressed-tensors", bits, parts, groups);
  fold.replace(i, name, value_dtype(scales.dtype), {outputs, inputs},
               std::make_shared<PackedIntegers>(std::move(parts)), used, kind);
  return true;
}

}  // namespace pare::checkpoint
