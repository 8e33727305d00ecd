// Quantized weights: values against the libraries that read them (tests/golden/make_quantized.py), and malformed parts.
#include "checkpoint/quantized/quantized.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "checkpoint/tensor_piece.h"
#include "support/errors.h"
#include "support/files.h"
#include "support/tensors.h"

namespace pare::checkpoint {
namespace {

using test::OwnedTensor;
using test::ThrowsError;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

const fs::path kGolden = fs::path(PARE_SOURCE_DIR) / "tests/golden/quantized";

/// Bit for bit, except that every NaN equals every other.
void expect_same_values(const TensorView& found, std::span<const std::byte> bytes, const TensorView& expected) {
  const std::size_t size = dtype_bits(found.dtype) / 8;
  for (std::size_t i = 0; i < expected.elements(); ++i) {
    std::uint64_t a = 0, b = 0;
    std::memcpy(&a, bytes.data() + i * size, size);
    std::memcpy(&b, expected.bytes.data() + i * size, size);
    if (std::isnan(test::decode(found.dtype, a)) && std::isnan(test::decode(found.dtype, b))) continue;
    ASSERT_EQ(a, b) << found.name << " at " << i;
  }
}

class GoldenQuantized : public testing::TestWithParam<std::string> {};

TEST_P(GoldenQuantized, ValuesAreThoseOfTheReference) {
  const Checkpoint found = Checkpoint::open((kGolden / GetParam()).string());
  const Checkpoint expected = Checkpoint::open((kGolden / GetParam() / "values.safetensors").string());
  std::set<std::string> names, expected_names;
  for (const TensorView& tensor : found.tensors()) names.insert(tensor.name);
  for (const TensorView& tensor : expected.tensors()) expected_names.insert(tensor.name);
  EXPECT_EQ(names, expected_names);
  for (const TensorView& tensor : expected.tensors()) {
    const TensorView* one = found.find(tensor.name);
    ASSERT_NE(one, nullptr) << tensor.name;
    EXPECT_EQ(one->shape, tensor.shape) << tensor.name;
    ASSERT_EQ(dtype_name(one->dtype), dtype_name(tensor.dtype)) << tensor.name;
    std::vector<std::byte> pieces(one->bytes.size());
    const std::size_t step = 74;  // divides neither rows nor blocks
    for (std::size_t begin = 0; begin < pieces.size(); begin += step) {
      const TensorPiece piece(one->bytes, begin, std::min(step, pieces.size() - begin));
      std::memcpy(pieces.data() + begin, piece.data(), piece.size());
    }
    expect_same_values(*one, pieces, tensor);
    expect_same_values(*one, one->bytes, tensor);
  }
  EXPECT_FALSE(found.notes().empty());
  EXPECT_TRUE(found.files()[0].header.empty()) << "the file is written anew";
  EXPECT_THAT(found.config_text().value(), AllOf(HasSubstr("model_type"), Not(HasSubstr("quantization_config"))));
}

INSTANTIATE_TEST_SUITE_P(Layouts, GoldenQuantized,
                         testing::Values("fp8", "int8", "gptq2_v2", "gptq4", "gptq8", "awq", "pack_quantized",
                                         "bitsandbytes", "mxfp4", "nvfp4", "sparse24", "marlin24", "torchao",
                                         "modelopt"),
                         [](const auto& layout) { return layout.param; });

OwnedTensor zeros(const std::string& name, DType dtype, std::vector<std::uint64_t> shape) {
  std::uint64_t n = 1;
  for (const std::uint64_t extent : shape) n *= extent;
  return OwnedTensor(dtype, std::move(shape), std::vector<std::byte>(n * dtype_bits(dtype) / 8), name);
}

struct Dequantized {
  std::vector<TensorView> tensors;
  std::vector<CheckpointFile> files;
  std::vector<std::string> notes;

  explicit Dequantized(const std::vector<OwnedTensor>& from, const QuantizationConfig& config = {}) : files(1) {
    files[0].path = "model.safetensors";
    for (const OwnedTensor& tensor : from) {
      files[0].tensors.push_back(tensors.size());
      tensors.push_back(tensor.view());
    }
    fold_quantized(tensors, files, config, notes);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const TensorView& tensor : tensors) all.push_back(tensor.name);
    return all;
  }
};

auto refuses(const std::string& tensor, const std::vector<std::string>& parts) {
  return ThrowsError(ErrorCode::kMismatch, "model.safetensors", tensor, parts);
}

TEST(Quantized, NotesSayWhatWasStored) {
  const Dequantized found({zeros("a.weight", DType::kF8E4M3, {4, 8}), zeros("a.weight_scale", DType::kF32, {4, 1}),
                           zeros("b.weight", DType::kF8E5M2, {4, 8}), zeros("b.weight_scale", DType::kF32, {}),
                           zeros("c.weight", DType::kF8E5M2, {4, 8}), zeros("c.weight_scale", DType::kF32, {1}),
                           zeros("c.input_scale", DType::kF32, {})});
  EXPECT_THAT(found.names(), ElementsAre("a.weight", "b.weight", "c.weight"));
  EXPECT_THAT(found.notes, ElementsAre(AllOf(HasSubstr("1 weight "), HasSubstr("F8_E4M3"), HasSubstr("each row")),
                                       AllOf(HasSubstr("2 weights "), HasSubstr("F8_E5M2"), HasSubstr("each tensor"))));
}

TEST(Quantized, WithoutAScaleTheStoredValuesCount) {
  const Dequantized found({zeros("a.weight", DType::kF8E4M3, {4, 8}), zeros("b.weight", DType::kI8, {4, 8}),
                           zeros("b.input_scale", DType::kF32, {})});
  EXPECT_THAT(found.names(), ElementsAre("a.weight", "b.weight", "b.input_scale"));
  EXPECT_EQ(found.tensors[0].dtype, DType::kF8E4M3);
  EXPECT_THAT(found.notes, IsEmpty());
}

TEST(Quantized, ScalesThatDoNotFit) {
  const auto scaled = [](DType dtype, std::vector<std::uint64_t> shape, const QuantizationConfig& config = {}) {
    return [=] {
      Dequantized({zeros("a.weight", DType::kF8E4M3, {40, 24}), zeros("a.weight_scale", dtype, shape)}, config);
    };
  };
  EXPECT_THAT(scaled(DType::kF32, {3, 2}), refuses("a.weight_scale", {"[3, 2]", "[40, 24]", "128 x 128"}));
  QuantizationConfig config;
  config.block_rows = config.block_columns = 16;
  EXPECT_NO_THROW(scaled(DType::kF32, {3, 2}, config)());
  EXPECT_THAT(scaled(DType::kF32, {3, 3, 1}, config), refuses("a.weight_scale", {"[3, 3, 1]", "[3, 2]", "16 x 16"}));
  EXPECT_THAT(scaled(DType::kF32, {24}), refuses("a.weight_scale", {"[24]", "40 for the rows"}));
  EXPECT_THAT(scaled(DType::kF32, {0, 2}), refuses("a.weight_scale", {"[0, 2]"}));
  EXPECT_THAT(scaled(DType::kI32, {}), refuses("a.weight_scale", {"I32", "expected F32 or F16"}));
  const std::vector<OwnedTensor> integers{zeros("a.weight", DType::kI8, {4, 8}),
                                          zeros("a.weight_scale", DType::kF32, {4, 1}),
                                          zeros("a.weight_zero_point", DType::kI8, {4})};
  EXPECT_THAT([&] { Dequantized{integers}; }, refuses("a.weight_zero_point", {"[4]", "expected [4, 1]"}));
}

std::vector<OwnedTensor> gptq_parts() {
  return {zeros("a.qweight", DType::kI32, {8, 16}), zeros("a.qzeros", DType::kI32, {4, 2}),
          zeros("a.scales", DType::kF16, {4, 16}), zeros("a.g_idx", DType::kI32, {64})};
}

TEST(Quantized, GptqPartsThatDoNotFit) {
  EXPECT_THAT(Dequantized(gptq_parts()).notes, ElementsAre(HasSubstr("4-bit integers of GPTQ in groups by g_idx")));
  const auto with = [](std::size_t part, OwnedTensor tensor, const QuantizationConfig& config = {}) {
    std::vector<OwnedTensor> parts = gptq_parts();
    parts[part] = std::move(tensor);
    return [=] { Dequantized(parts, config); };
  };
  EXPECT_THAT(with(1, zeros("a.other", DType::kI32, {4, 2})), refuses("a.qweight", {"'a.qzeros' is missing"}));
  EXPECT_THAT(with(2, zeros("a.other", DType::kF16, {4, 16})), refuses("a.qweight", {"'a.scales' is missing"}));
  EXPECT_THAT(with(0, zeros("a.qweight", DType::kI32, {8, 15})), refuses("a.qweight", {"[8, 15]", "[inputs / 8, 16]"}));
  EXPECT_THAT(with(0, zeros("a.qweight", DType::kI32, {128})), refuses("a.qweight", {"[128]", "AWQ"}));
  EXPECT_THAT(with(1, zeros("a.qzeros", DType::kI32, {4, 3})), refuses("a.qzeros", {"[4, 3]", "[4, 16]"}));
  EXPECT_THAT(with(1, zeros("a.qzeros", DType::kI32, {3, 2})), refuses("a.qzeros", {"[3, 2]"}));
  EXPECT_THAT(with(1, zeros("a.qzeros", DType::kI16, {4, 2})), refuses("a.qzeros", {"I16", "expected I32"}));
  EXPECT_THAT(with(2, zeros("a.scales", DType::kI32, {4, 16})), refuses("a.scales", {"I32", "F16"}));
  EXPECT_THAT(with(2, zeros("a.scales", DType::kF16, {64})), refuses("a.scales", {"[64]", "[groups, outputs]"}));
  EXPECT_THAT(with(2, zeros("a.scales", DType::kF16, {0, 16})), refuses("a.qzeros", {"[0, 16]"}));
  EXPECT_THAT(with(3, zeros("a.g_idx", DType::kI32, {63})), refuses("a.g_idx", {"[63]", "expected [64]"}));
  EXPECT_THAT(with(3, zeros("a.g_idx", DType::kI64, {64})), refuses("a.g_idx", {"I64"}));
  QuantizationConfig config;
  config.bits = 8;
  EXPECT_THAT(with(3, zeros("a.bias", DType::kF16, {16}), config), refuses("a.qzeros", {"4 bits", "says 8"}));
  for (const std::int32_t group : {4, -2}) {
    OwnedTensor index = zeros("a.g_idx", DType::kI32, {64});
    std::memcpy(index.bytes().data() + 20, &group, sizeof group);
    EXPECT_THAT(with(3, index), ThrowsError(ErrorCode::kMalformed, "model.safetensors", "a.g_idx",
                                            {"input 5 is in group " + std::to_string(group), "0 to 3"}));
  }
}

TEST(Quantized, GroupsThatDoNotDivide) {
  EXPECT_THAT(
      [] {
        Dequantized({zeros("a.qweight", DType::kI32, {8, 16}), zeros("a.qzeros", DType::kI32, {3, 2}),
                     zeros("a.scales", DType::kF16, {3, 16})});
      },
      refuses("a.qweight", {"64 inputs", "3 groups"}));
}

TEST(Quantized, CompressedTensorsPartsThatDoNotFit) {
  OwnedTensor shape = zeros("a.weight_shape", DType::kI64, {2});
  const auto set_shape = [&](std::int64_t rows, std::int64_t columns) {
    std::memcpy(shape.bytes().data(), &rows, 8);
    std::memcpy(shape.bytes().data() + 8, &columns, 8);
  };
  const auto parts = [&](const OwnedTensor& scale, const OwnedTensor& zero) {
    return [=] { Dequantized({zeros("a.weight_packed", DType::kI32, {12, 4}), shape, scale, zero}); };
  };
  const OwnedTensor scale = zeros("a.weight_scale", DType::kBF16, {12, 2}),
                    zero = zeros("a.weight_zero_point", DType::kI32, {2, 2});
  set_shape(12, 30);
  EXPECT_NO_THROW(parts(scale, zero)());
  EXPECT_THAT(parts(zeros("a.weight_scale", DType::kBF16, {10, 2}), zero), refuses("a.weight_scale", {"[12, groups]"}));
  EXPECT_THAT(parts(zeros("a.weight_scale", DType::kU8, {12, 2}), zero), refuses("a.weight_scale", {"U8"}));
  EXPECT_THAT(parts(zeros("a.other", DType::kU8, {12, 2}), zero), refuses("a.weight_packed", {"'a.weight_scale'"}));
  EXPECT_THAT(parts(scale, zeros("a.weight_zero_point", DType::kI32, {12, 2})),
              refuses("a.weight_zero_point", {"expected [2, 2]"}));
  set_shape(12, 34);
  EXPECT_THAT(parts(scale, zero), refuses("a.weight_packed", {"[12, 4]", "[12, 5]"}));
  set_shape(12, std::int64_t{1} << 62);
  EXPECT_THAT(parts(scale, zero), refuses("a.weight_packed", {"[12, 4]"}));
  set_shape(-12, 30);
  EXPECT_THAT(parts(scale, zero),
              ThrowsError(ErrorCode::kMalformed, "model.safetensors", "a.weight_shape", {"-12", "positive"}));
}

OwnedTensor text_tensor(const std::string& name, const std::string& text) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
  return OwnedTensor(DType::kU8, {text.size()}, {bytes.begin(), bytes.end()}, name);
}

TEST(Quantized, BitsandbytesPartsThatDoNotFit) {
  const std::string state = "a.weight.quant_state.bitsandbytes__nf4";
  const std::string plain = R"({"blocksize": 64, "dtype": "float16", "shape": [16, 8]})";
  const std::string nested = R"({"blocksize": 64, "dtype": "float16", "shape": [16, 8], "nested_blocksize": 256,
                                 "nested_offset": 0.5})";
  const auto with = [&](const std::string& text, const std::vector<OwnedTensor>& changed) {
    std::vector<OwnedTensor> parts{text_tensor(state, text)};
    for (const OwnedTensor& part :
         {zeros("a.weight", DType::kU8, {64, 1}), zeros("a.weight.absmax", DType::kF32, {2}),
          zeros("a.weight.quant_map", DType::kF32, {16}), zeros("a.weight.nested_absmax", DType::kF32, {1}),
          zeros("a.weight.nested_quant_map", DType::kF32, {256})}) {
      const OwnedTensor* chosen = &part;
      for (const OwnedTensor& other : changed)
        if (other.view().name == part.view().name) chosen = &other;
      parts.push_back(*chosen);
    }
    return [=] { Dequantized{parts}; };
  };
  EXPECT_NO_THROW(with(plain, {})());
  EXPECT_NO_THROW(with(nested, {zeros("a.weight.absmax", DType::kU8, {2})})());
  EXPECT_THAT(with(plain, {zeros("a.weight", DType::kU8, {63, 1})}), refuses("a.weight", {"63 bytes", "expected 64"}));
  EXPECT_THAT(with(plain, {zeros("a.weight.absmax", DType::kF32, {3})}), refuses("a.weight.absmax", {"[3]", "[2]"}));
  EXPECT_THAT(with(plain, {zeros("a.weight.absmax", DType::kU8, {2})}), refuses("a.weight.absmax", {"U8"}));
  EXPECT_THAT(with(plain, {zeros("a.weight.quant_map", DType::kF32, {15})}), refuses("a.weight.quant_map", {"[16]"}));
  EXPECT_THAT(with(plain, {zeros("a.weight.quant_map", DType::kF16, {16})}), refuses("a.weight.quant_map", {"F16"}));
  EXPECT_THAT(with(nested, {}), refuses("a.weight.absmax", {"F32", "expected U8"}));
  for (const auto& part :
       {zeros("a.weight.nested_absmax", DType::kF32, {2}), zeros("a.weight.nested_quant_map", DType::kF32, {16})})
    EXPECT_THAT(with(nested, {zeros("a.weight.absmax", DType::kU8, {2}), part}),
                refuses(part.view().name, {"expected"}));
  for (const char* text :
       {"", "{", "[]", R"({"blocksize": 64})", R"({"blocksize": 0, "dtype": "float16", "shape": [16, 8]})",
        R"({"blocksize": -64, "dtype": "float16", "shape": [16, 8]})",
        R"({"blocksize": 64, "dtype": "float16", "shape": 128})", R"({"blocksize": 64, "dtype": 16, "shape": [16, 8]})",
        R"({"blocksize": 64, "dtype": "float16", "shape": [16, 8], "nested_blocksize": 0, "nested_offset": 1})"})
    EXPECT_THAT(with(text, {}), testing::Throws<Error>(testing::Property(&Error::code, ErrorCode::kMalformed))) << text;
  EXPECT_THAT(with(R"({"blocksize": 64, "dtype": "int8", "shape": [16, 8]})", {}),
              ThrowsError(ErrorCode::kUnsupported, "model.safetensors", state, {"int8"}));
  EXPECT_THAT(with(R"({"blocksize": 64, "dtype": "float16", "shape": [4294967296, 4294967296, 4294967296]})", {}),
              ThrowsError(ErrorCode::kLimit, "model.safetensors", state, {"4294967296"}));
}

TEST(Quantized, RowScalesOfBitsandbytesThatDoNotFit) {
  const auto with = [](std::vector<std::uint64_t> weight, std::vector<std::uint64_t> scale, const char* order) {
    return [=] {
      Dequantized({zeros("a.weight", DType::kI8, weight), zeros("a.SCB", DType::kF32, scale),
                   text_tensor("a.weight_format", std::string(order, 1))});
    };
  };
  EXPECT_NO_THROW(with({4, 8}, {4}, "\0")());
  EXPECT_THAT(with({4, 8}, {8}, "\0"), refuses("a.SCB", {"[8]", "expected [4]"}));
  EXPECT_THAT(with({32}, {32}, "\0"), refuses("a.weight", {"[32]"}));
  EXPECT_THAT(with({4, 8}, {4}, "\1"), ThrowsError(ErrorCode::kUnsupported, "model.safetensors", "a.weight_format"));
}

TEST(Quantized, FourBitFloatsThatDoNotFit) {
  const auto parts = [](const OwnedTensor& bytes, const OwnedTensor& scales, const OwnedTensor& other) {
    return [=] { Dequantized({bytes, scales, other}); };
  };
  const OwnedTensor none = zeros("b", DType::kF32, {1});
  const OwnedTensor blocks = zeros("a_blocks", DType::kU8, {2, 3, 4, 16});
  EXPECT_NO_THROW(parts(blocks, zeros("a_scales", DType::kU8, {2, 3, 4}), none)());
  EXPECT_THAT(parts(blocks, zeros("a_scales", DType::kU8, {2, 3}), none), refuses("a_scales", {"expected [2, 3, 4]"}));
  EXPECT_THAT(parts(blocks, zeros("a_scales", DType::kF32, {2, 3, 4}), none), refuses("a_scales", {"F32", "U8"}));
  EXPECT_THAT(parts(zeros("a_blocks", DType::kU8, {2, 3, 4, 15}), zeros("a_scales", DType::kU8, {2, 3, 4}), none),
              refuses("a_blocks", {"[2, 3, 4, 15]"}));
  const OwnedTensor packed = zeros("a.weight_packed", DType::kU8, {6, 16});
  const OwnedTensor scale = zeros("a.weight_scale", DType::kF8E4M3, {6, 2});
  const OwnedTensor global = zeros("a.weight_global_scale", DType::kF32, {1});
  EXPECT_NO_THROW(parts(packed, scale, global)());
  EXPECT_THAT(parts(packed, none, global), refuses("a.weight_packed", {"'a.weight_scale' is missing"}));
  EXPECT_THAT(parts(packed, zeros("a.weight_scale", DType::kF8E4M3, {6, 3}), global),
              refuses("a.weight_scale", {"expected [6, 2]"}));
  EXPECT_THAT(parts(packed, scale, none), refuses("a.weight_scale", {"F8_E4M3", "U8"}));
  EXPECT_THAT(parts(packed, scale, zeros("a.weight_global_scale", DType::kF32, {2})),
              refuses("a.weight_global_scale", {"expected [1]"}));
  EXPECT_THAT(parts(packed, scale, zeros("a.weight_global_scale", DType::kF16, {})),
              refuses("a.weight_global_scale", {"F16"}));
  EXPECT_THAT(parts(zeros("a.weight_packed", DType::kU8, {6, 17}), scale, global),
              refuses("a.weight_packed", {"[6, 17]"}));
}

TEST(Quantized, ModelOptPartsThatDoNotFit) {
  const auto with = [](std::vector<std::uint64_t> weight, std::vector<std::uint64_t> scale, DType factor) {
    return [=] {
      Dequantized({zeros("a.weight", DType::kU8, weight), zeros("a.weight_scale", DType::kF8E4M3, scale),
                   zeros("a.weight_scale_2", factor, {})});
    };
  };
  EXPECT_NO_THROW(with({6, 16}, {6, 2}, DType::kF32)());
  EXPECT_THAT(with({6, 16}, {6, 1}, DType::kF32), refuses("a.weight_scale", {"[6, 1]", "expected [6, 2]"}));
  EXPECT_THAT(with({6, 17}, {6, 2}, DType::kF32), refuses("a.weight", {"[6, 17]", "multiple of 8"}));
  EXPECT_THAT(with({16}, {2}, DType::kF32), refuses("a.weight", {"[16]"}));
  EXPECT_THAT(with({6, 16}, {6, 2}, DType::kF16), refuses("a.weight_scale_2", {"F16", "expected F32"}));
  EXPECT_THAT(Dequantized({zeros("a.weight", DType::kU8, {6, 16})}).notes, IsEmpty());
}

TEST(Quantized, Marlin24PartsThatDoNotFit) {
  const auto with = [](std::vector<std::uint64_t> words, std::vector<std::uint64_t> scale, const OwnedTensor& meta) {
    return [=] {
      Dequantized({zeros("a.weight_packed", DType::kI32, words), zeros("a.scale_packed", DType::kF16, scale), meta});
    };
  };
  const OwnedTensor meta = zeros("a.meta", DType::kI16, {8, 128});
  EXPECT_NO_THROW(with({8, 128}, {2, 64}, meta)());
  EXPECT_NO_THROW(with({8, 256}, {1, 64}, meta)());
  EXPECT_THAT(with({8, 192}, {2, 64}, meta), refuses("a.weight_packed", {"[8, 192]", "[inputs / 32, 128]"}));
  EXPECT_THAT(with({128}, {2, 64}, meta), refuses("a.weight_packed", {"[128]"}));
  EXPECT_THAT(with({8, 128}, {2, 60}, meta), refuses("a.scale_packed", {"[2, 60]", "multiple of 64"}));
  EXPECT_THAT(with({8, 128}, {0, 64}, meta), refuses("a.scale_packed", {"[0, 64]"}));
  EXPECT_THAT(with({8, 128}, {3, 64}, meta), refuses("a.scale_packed", {"3 groups", "256 inputs"}));
  EXPECT_THAT(with({8, 128}, {2, 64}, zeros("a.meta", DType::kI16, {8, 64})), refuses("a.meta", {"expected [8, 128]"}));
  EXPECT_THAT(with({8, 128}, {2, 64}, zeros("a.meta", DType::kI32, {8, 128})), refuses("a.meta", {"I32"}));
  EXPECT_THAT(with({8, 128}, {2, 64}, zeros("a.other", DType::kI16, {8, 128})),
              refuses("a.weight_packed", {"'a.meta' is missing"}));
}

TEST(Quantized, ClassesOfTorchaoThatAreNotRead) {
  const auto refuses_class = [](const std::string& cause) {
    return ThrowsError(ErrorCode::kUnsupported, "model.safetensors", "a._weight_qdata", {cause});
  };
  const auto with = [](DType dtype, const OwnedTensor& other) {
    return [=] {
      Dequantized({zeros("a._weight_qdata", dtype, {4, 8}), zeros("a._weight_scale", DType::kF32, {4, 1}), other});
    };
  };
  const OwnedTensor none = zeros("a.bias", DType::kF32, {4});
  EXPECT_NO_THROW(with(DType::kI8, none)());
  EXPECT_THAT(with(DType::kI32, none), refuses_class("expected Float8Tensor"));
  EXPECT_THAT(with(DType::kU8, none), refuses_class("save the model dequantized"));
  EXPECT_THAT(with(DType::kI8, zeros("a._weight_act_pre_scale", DType::kF32, {8})), refuses_class("act_pre_scale"));
  EXPECT_THAT(with(DType::kI8, zeros("a._weight_zero_point", DType::kI8, {4})),
              refuses("a._weight_zero_point", {"[4]", "expected [4, 1]"}));
  for (const char* scales : {"a._weight_scale_and_zero", "a._weight_group_scale"})
    EXPECT_THAT(
        [&] {
          Dequantized({zeros("a._weight_qdata", DType::kI32, {1, 2, 4, 4}), zeros(scales, DType::kBF16, {2, 8, 2})});
        },
        refuses_class("of torchao"));
}

TEST(Quantized, TwoOfFourValuesThatDoNotFit) {
  const test::TemporaryDirectory room;
  std::string file = test::read_text(kGolden / "sparse24" / "model.safetensors");
  const std::size_t shape = file.find("[12,18]");
  ASSERT_NE(shape, std::string::npos);
  test::write_text(room / "model.safetensors", file.replace(shape, 7, "[18,12]"));
  EXPECT_THAT(
      [&] { Checkpoint::open((room / "model.safetensors").string()); },
      ThrowsError(ErrorCode::kMalformed, room / "model.safetensors", "b.weight", {"[18, 12]", "two values in four"}));
}

TEST(Quantized, Configuration) {
  const QuantizationConfig none = parse_quantization_config("{", "config.json");
  EXPECT_EQ(none.block_rows, 0U);
  const QuantizationConfig blocks =
      parse_quantization_config(R"({"quantization_config": {"weight_block_size": [64, 128]}})", "config.json");
  EXPECT_EQ(blocks.block_rows, 64U);
  EXPECT_EQ(blocks.block_columns, 128U);
  for (const char* size : {"3", "[1]", "[0, 128]", "[-1, 128]", "[128.5, 1]", "\"x\"", "[1, 2, 3]", "[[1], 2]"})
    EXPECT_THAT(
        [&] {
          parse_quantization_config(R"({"quantization_config": {"weight_block_size": )" + std::string(size) + "}}",
                                    "config.json");
        },
        ThrowsError(ErrorCode::kMalformed, "config.json", "", {"weight_block_size"}))
        << size;
  EXPECT_EQ(without_quantization_config("no JSON"), "no JSON");
  EXPECT_EQ(without_quantization_config("{\"a\": 1}"), "{\"a\": 1}");
  EXPECT_THAT(without_quantization_config(R"({"text_config": {"b": 2, "quantization_config": {"bits": 4}}, "a": 1})"),
              AllOf(HasSubstr("\"a\": 1"), HasSubstr("\"b\": 2"), Not(HasSubstr("bits"))));
}

}  // namespace
}  // namespace pare::checkpoint
