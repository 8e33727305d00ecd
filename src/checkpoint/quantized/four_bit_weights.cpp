#include "checkpoint/quantized/four_bit_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/json.h"
#include "checkpoint/element.h"

namespace pare::checkpoint {
namespace {

constexpr std::size_t kFourBitChunk = 512;
constexpr std::uint64_t kMxBlock = 32, kNvBlock = 16;

using SixteenValues = std::array<float, 16>;
/// E2M1, the type of OCP's microscaling formats.
constexpr SixteenValues kE2M1{0.0F,  0.5F,  1.0F,  1.5F,  2.0F,  3.0F,  4.0F,  6.0F,
                              -0.0F, -0.5F, -1.0F, -1.5F, -2.0F, -3.0F, -4.0F, -6.0F};

struct FourBitParts {
  TensorView bytes, scales;
  SixteenValues values = kE2M1;
  bool high_first = false;               ///< which half of a byte comes first
  std::uint64_t block = 1;               ///< weights that share a scale
  DType dtype = DType::kBF16;            ///< of the weights
  float divisor = 1, factor = 1;         ///< of all scales
  std::uint64_t rows = 0, columns = 0;   ///< of a stored matrix, if the weights are the transposed matrices
  std::optional<TensorView> outer = {};  ///< scales of the scales, which are then indices into outer_values
  std::vector<float> outer_values = {};
  std::uint64_t outer_block = 1;
  float offset = 0;  ///< is added to the scales
  std::string_view type = {};
};

class FourBitWeights final : public EncodedTensor {
 public:
  explicit FourBitWeights(FourBitParts parts) : parts_(std::move(parts)) {}

  std::string_view stored_type() const noexcept override { return parts_.type; }
  std::uint64_t stored_bytes() const noexcept override {
    return parts_.bytes.bytes.size() + parts_.scales.bytes.size() + (parts_.outer ? parts_.outer->bytes.size() : 0);
  }
  std::size_t granularity() const noexcept override { return 1; }

  void decode(std::uint64_t begin, std::span<std::byte> target) const override {
    const std::size_t size = dtype_bits(parts_.dtype) / 8;
    const std::byte* bytes = parts_.bytes.bytes.data();
    const std::uint64_t end = begin + target.size() / size;
    std::array<float, kFourBitChunk> buffer;
    std::uint64_t current = ~std::uint64_t{0};
    float scale = 0;
    std::byte* out = target.data();
    for (std::uint64_t at = begin; at < end;) {
      const std::size_t n = std::min<std::uint64_t>(end - at, kFourBitChunk);
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t place = stored_place(at + i);
        if (const std::uint64_t block = place / parts_.block; block != current) {
          current = block;
          scale = scale_of(block);
        }
        const auto pair = static_cast<unsigned>(bytes[place / 2]);
        buffer[i] = parts_.values[(place % 2 == 0) == parts_.high_first ? pair >> 4 : pair & 15U] * scale;
      }
      store_values(parts_.dtype, buffer.data(), n, out);
      at += n;
      out += n * size;
    }
  }

 private:
  std::uint64_t stored_place(std::uint64_t at) const {
    if (parts_.rows == 0) return at;
    const std::uint64_t matrix = parts_.rows * parts_.columns, inside = at % matrix;
    return at / matrix * matrix + inside % parts_.rows * parts_.columns + inside / parts_.rows;
  }

  float scale_of(std::uint64_t block) const {
    const std::byte* scales = parts_.scales.bytes.data();
    if (!parts_.outer)
      return load_scale(parts_.scales.dtype, scales + block * (dtype_bits(parts_.scales.dtype) / 8)) / parts_.divisor *
             parts_.factor;
    const float outer = load_as<float>(parts_.outer->bytes.data() + block / parts_.outer_block * sizeof(float));
    return parts_.outer_values[static_cast<unsigned>(scales[block])] * outer + parts_.offset;
  }

  FourBitParts parts_;
};

std::uint64_t blocks_of(std::uint64_t n, std::uint64_t block) { return n / block + (n % block != 0 ? 1 : 0); }

/// What bitsandbytes stores as JSON in a tensor of bytes.
struct QuantState {
  std::uint64_t block = 0, nested_block = 0;
  DType dtype = DType::kF16;
  std::vector<std::uint64_t> shape;
  std::uint64_t elements = 1;
  float offset = 0;
};

QuantState parse_state(const QuantizedFold& fold, std::size_t i) {
  const TensorView& tensor = fold.tensors()[i];
  const std::string text(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
  const base::JsonDocument document(text, fold.tensors().file_of(i).path, base::kMutableJsonDepth, tensor.name);
  const base::JsonValue root = document.root();
  QuantState state;
  state.block = root.at("blocksize").unsigned_integer();
  if (const auto nested = root.find("nested_blocksize")) {
    state.nested_block = nested->unsigned_integer();
    state.offset = static_cast<float>(root.at("nested_offset").number());
    if (state.nested_block == 0) fold.fail(i, ErrorCode::kMalformed, "has nested_blocksize 0");
  }
  if (state.block == 0) fold.fail(i, ErrorCode::kMalformed, "has blocksize 0");
  const std::string_view dtype = root.at("dtype").text();
  if (dtype == "float32")
    state.dtype = DType::kF32;
  else if (dtype == "bfloat16")
    state.dtype = DType::kBF16;
  else if (dtype != "float16")
    fold.fail(i, ErrorCode::kUnsupported,
              fmt::format("has dtype '{}' (expected float16, bfloat16 or float32)", dtype.substr(0, 40)));
  root.at("shape").for_elements(
      [&](const base::JsonValue& extent) { state.shape.push_back(extent.unsigned_integer()); });
  for (const std::uint64_t extent : state.shape) {
    if (extent != 0 && state.elements > (std::uint64_t{1} << 60) / extent)
      fold.fail(i, ErrorCode::kLimit, fmt::format("has shape {} of more than 2^60 weights", shape_text(state.shape)));
    state.elements *= extent;
  }
  return state;
}

std::vector<float> floats_of(const QuantizedFold& fold, std::size_t i, std::uint64_t count) {
  fold.require_dtype(i, {DType::kF32});
  fold.require_shape(i, {count});
  std::vector<float> values(count);
  std::memcpy(values.data(), fold.tensors()[i].bytes.data(), count * sizeof(float));
  return values;
}

/// A tensor of one number, with an axis or without.
float single_float(const QuantizedFold& fold, std::size_t i) {
  fold.require_dtype(i, {DType::kF32});
  if (!fold.tensors()[i].shape.empty()) fold.require_shape(i, {1});
  return load_as<float>(fold.tensors()[i].bytes.data());
}

/// Adds the scales of the blocks, which may be quantized themselves.
void add_absmax(const QuantizedFold& fold, const std::string& name, std::size_t i, const QuantState& state,
                FourBitParts& parts, std::vector<std::size_t>& used) {
  const std::uint64_t count = blocks_of(state.elements, state.block);
  const std::size_t scales = fold.require(name + ".absmax", i);
  fold.require_shape(scales, {count});
  used.push_back(scales);
  parts.scales = fold.tensors()[scales];
  if (state.nested_block == 0) return fold.require_dtype(scales, {DType::kF32});
  fold.require_dtype(scales, {DType::kU8});
  const std::size_t outer = fold.require(name + ".nested_absmax", i), map = fold.require(name + ".nested_quant_map", i);
  fold.require_dtype(outer, {DType::kF32});
  fold.require_shape(outer, {blocks_of(count, state.nested_block)});
  parts.outer = fold.tensors()[outer];
  parts.outer_values = floats_of(fold, map, 256);
  parts.outer_block = state.nested_block;
  parts.offset = state.offset;
  used.insert(used.end(), {outer, map});
}

}  // namespace

bool fold_bitsandbytes(QuantizedFold& fold, std::size_t i) {
  constexpr std::string_view ending = ".quant_state.bitsandbytes__nf4";
  const std::string& full = fold.tensors()[i].name;
  const std::string name = full.substr(0, full.size() - ending.size());
  const bool is_nf4 = full.ends_with(ending);
  const QuantState state = parse_state(fold, i);
  const std::size_t weight = fold.require(name, i), map = fold.require(name + ".quant_map", i);
  const TensorView& bytes = fold.tensors()[weight];
  if (bytes.bytes.size() != blocks_of(state.elements, 2))
    fold.fail(weight, ErrorCode::kMismatch,
              fmt::format("has {} bytes (expected {} for the shape {} in {})", bytes.bytes.size(),
                          blocks_of(state.elements, 2), shape_text(state.shape), full));
  FourBitParts parts{bytes, {}};
  const std::vector<float> values = floats_of(fold, map, parts.values.size());
  std::copy(values.begin(), values.end(), parts.values.begin());
  parts.high_first = true;
  parts.block = state.block;
  parts.dtype = state.dtype;
  parts.type = is_nf4 ? "NF4" : "FP4";
  std::vector<std::size_t> used{i, map};
  add_absmax(fold, name, i, state, parts, used);
  const std::string kind = fmt::format("{} of bitsandbytes in blocks of {}{}", parts.type, state.block,
                                       state.nested_block == 0 ? "" : ", with quantized scales,");
  fold.replace(weight, name, state.dtype, state.shape, std::make_shared<FourBitWeights>(std::move(parts)), used, kind);
  return true;
}

bool fold_mxfp4_experts(QuantizedFold& fold, std::size_t i) {
  const TensorView& blocks = fold.tensors()[i];
  const std::string name = blocks.name.substr(0, blocks.name.size() - std::string_view("_blocks").size());
  const auto scales = fold.find(name + "_scales");
  if (!scales) return false;
  if (blocks.shape.size() != 4 || blocks.shape[3] != kMxBlock / 2)
    fold.fail(i, ErrorCode::kMismatch,
              fmt::format("has shape {} (expected [experts, outputs, blocks, 16])", shape_text(blocks.shape)));
  fold.require_dtype(*scales, {DType::kU8, DType::kF8E8M0});
  fold.require_shape(*scales, {blocks.shape.begin(), blocks.shape.end() - 1});
  FourBitParts parts{blocks, fold.tensors()[*scales]};
  parts.block = kMxBlock;
  parts.rows = blocks.shape[1];
  parts.columns = blocks.shape[2] * kMxBlock;
  parts.type = "MXFP4";
  std::vector<std::uint64_t> shape{blocks.shape[0], parts.columns, parts.rows};
  fold.replace(i, name, DType::kBF16, std::move(shape), std::make_shared<FourBitWeights>(std::move(parts)), {*scales},
               "MXFP4 in blocks of 32");
  return true;
}

bool fold_modelopt_fp4(QuantizedFold& fold, std::size_t i) {
  const TensorView& bytes = fold.tensors()[i];
  const auto scale = fold.find(bytes.name + "_scale"), factor = fold.find(bytes.name + "_scale_2");
  if (!scale || !factor) return false;
  if (bytes.shape.size() < 2 || bytes.shape.back() % (kNvBlock / 2) != 0)
    fold.fail(
        i, ErrorCode::kMismatch,
        fmt::format("has shape {} (expected [outputs, a multiple of {}])", shape_text(bytes.shape), kNvBlock / 2));
  std::vector<std::uint64_t> shape = bytes.shape, blocks = bytes.shape;
  shape.back() *= 2;
  blocks.back() /= kNvBlock / 2;
  fold.require_dtype(*scale, {DType::kF8E4M3});
  fold.require_shape(*scale, blocks);
  FourBitParts parts{bytes, fold.tensors()[*scale]};
  parts.block = kNvBlock;
  parts.type = "NVFP4";
  parts.factor = single_float(fold, *factor);
  parts.values[8] = 0;  // its library knows no -0
  fold.replace(i, bytes.name, parts.dtype, std::move(shape), std::make_shared<FourBitWeights>(std::move(parts)),
               {*scale, *factor}, fmt::format("NVFP4 in blocks of {}", kNvBlock));
  return true;
}

bool fold_fp4_packed(QuantizedFold& fold, std::size_t i) {
  const TensorView& bytes = fold.tensors()[i];
  const std::string name = bytes.name.substr(0, bytes.name.size() - std::string_view("_packed").size());
  const std::size_t scale = fold.require(name + "_scale", i);
  const auto global = fold.find(name + "_global_scale");
  const std::uint64_t block = global ? kNvBlock : kMxBlock;
  if (bytes.shape.size() != 2 || bytes.shape[1] % (block / 2) != 0)
    fold.fail(i, ErrorCode::kMismatch,
              fmt::format("has shape {} (expected [outputs, a multiple of {}])", shape_text(bytes.shape), block / 2));
  if (global)
    fold.require_dtype(scale, {DType::kF8E4M3});
  else
    fold.require_dtype(scale, {DType::kU8, DType::kF8E8M0});
  fold.require_shape(scale, {bytes.shape[0], bytes.shape[1] / (block / 2)});
  FourBitParts parts{bytes, fold.tensors()[scale]};
  parts.block = block;
  parts.type = global ? "NVFP4" : "MXFP4";
  std::vector<std::size_t> used{scale};
  if (global) {
    parts.divisor = single_float(fold, *global);
    used.push_back(*global);
  }
  const std::string kind = fmt::format("{} in blocks of {}", parts.type, block);
  fold.replace(i, name, parts.dtype, {bytes.shape[0], bytes.shape[1] * 2},
               std::make_shared<FourBitWeights>(std::move(parts)), used, kind);
  return true;
}

}  // namespace pare::checkpoint
