// Quantized weights: tensors with the names of the parts that pare knows, and any dtypes, shapes and data. What becomes
// of them is computed as a whole and in pieces, which must agree.
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/quantized/quantized.h"
#include "fuzz/check.h"
#include "pare/error.h"

namespace {

constexpr std::size_t kMostTensors = 10, kMostBytes = std::size_t{1} << 14;

/// By index, as make_corpus.py has them.
constexpr std::string_view kPartNames[] = {"weight",
                                           "weight_scale",
                                           "weight_scale_inv",
                                           "scale_weight",
                                           "weight_zero_point",
                                           "SCB",
                                           "weight_format",
                                           "qweight",
                                           "qzeros",
                                           "scales",
                                           "g_idx",
                                           "weight_packed",
                                           "weight_shape",
                                           "weight_g_idx",
                                           "weight_global_scale",
                                           "weight_scale_2",
                                           "scale_packed",
                                           "meta",
                                           "_weight_qdata",
                                           "_weight_scale",
                                           "_weight_zero_point",
                                           "x_blocks",
                                           "x_scales",
                                           "weight.quant_state.bitsandbytes__nf4",
                                           "weight.absmax",
                                           "weight.quant_map",
                                           "weight.nested_absmax",
                                           "weight.nested_quant_map",
                                           "input_scale",
                                           "bias"};

/// The metadata of torchao's files, for one of the parameters.
constexpr std::string_view kMetadata =
    R"({"__metadata__":{"a.weight":"{\"_type\":\"Float8Tensor\",\"_data\":{\"dtype\":{\"_type\":\"torch.dtype\",\"_data\":\"bfloat16\"}}}"}})";

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes && size_ != 0; ++i, ++data_, --size_) value |= std::uint64_t{*data_} << 8 * i;
    return value;
  }
  /// As many bytes as are left; the others are 0.
  void copy(std::vector<std::byte>& to) {
    const std::size_t taken = std::min(to.size(), size_);
    if (taken != 0) std::memcpy(to.data(), data_, taken);
    data_ += taken;
    size_ -= taken;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

struct Parts {
  std::vector<pare::TensorView> tensors;
  std::vector<std::vector<std::byte>> data;

  explicit Parts(Input& input) : data(input.number(1) % (kMostTensors + 1)) {
    std::size_t left = kMostBytes;
    for (std::vector<std::byte>& bytes : data) {
      pare::TensorView& tensor = tensors.emplace_back();
      const std::uint64_t name = input.number(1);
      tensor.name = std::string(name < 128 ? "a." : "b.") + std::string(kPartNames[name % 128 % std::size(kPartNames)]);
      tensor.dtype = static_cast<pare::DType>(input.number(1) % 22);
      tensor.shape.resize(input.number(1) % 5);
      std::uint64_t bits = pare::dtype_bits(tensor.dtype);
      for (std::uint64_t& extent : tensor.shape) {
        extent = input.number(2);
        bits = std::min<std::uint64_t>(bits * extent, 16 * kMostBytes);  // too many, but no overflow
      }
      if (bits % 8 != 0 || bits / 8 > left) tensor.shape = {0}, bits = 0;
      left -= bits / 8;
      bytes.resize(bits / 8);
    }
    for (std::size_t i = 0; i < data.size(); ++i) {
      input.copy(data[i]);
      tensors[i].bytes = data[i];
    }
  }
};

void check_values(const pare::TensorView& tensor) {
  if (tensor.bytes.encoded() == nullptr || tensor.bytes.size() > kMostBytes * 8) return;
  std::vector<std::byte> whole(tensor.bytes.size());
  tensor.bytes.read(0, whole);
  const std::size_t begin = whole.size() / 3, size = whole.size() / 2;
  std::vector<std::byte> part(size);
  tensor.bytes.read(begin, part);
  pare::fuzz::require(std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(begin)),
                      "a piece has the values of the whole");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  pare::checkpoint::QuantizationConfig config;
  config.block_rows = input.number(1);
  config.block_columns = input.number(1);
  if (const std::uint64_t bits = input.number(1); bits != 0) config.bits = bits;
  const std::uint64_t flags = input.number(1);
  if ((flags & 1U) != 0) config.checkpoint_format = "gptq_v2";
  Parts parts(input);
  std::vector<pare::CheckpointFile> files(1);
  files[0].path = "fuzz.safetensors";
  for (std::size_t i = 0; i < parts.tensors.size(); ++i) files[0].tensors.push_back(i);
  static const std::string header = [] {
    const std::uint64_t length = kMetadata.size();
    std::string text(sizeof length, '\0');
    std::memcpy(text.data(), &length, sizeof length);
    return text.append(kMetadata);
  }();
  if ((flags & 2U) != 0) files[0].metadata_header = std::as_bytes(std::span(header));
  std::vector<std::string> notes;
  try {
    pare::checkpoint::fold_quantized(parts.tensors, files, config, notes);
    for (const pare::TensorView& tensor : parts.tensors) {
      pare::fuzz::require(tensor.elements() * pare::dtype_bits(tensor.dtype) == tensor.bytes.size() * 8,
                          "a tensor has the bytes of its shape");
      check_values(tensor);
    }
  } catch (const pare::Error&) {
  }
  return 0;
}
