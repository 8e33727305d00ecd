#include "checkpoint/torch/torch_types.h"

#include <array>

namespace pare::checkpoint {
namespace {

constexpr TorchType kTypes[] = {
    {"float64", "DoubleStorage", 8, DType::kF64},
    {"float32", "FloatStorage", 4, DType::kF32},
    {"float16", "HalfStorage", 2, DType::kF16},
    {"bfloat16", "BFloat16Storage", 2, DType::kBF16},
    {"float8_e4m3fn", "", 1, DType::kF8E4M3},
    {"float8_e5m2", "", 1, DType::kF8E5M2},
    {"float8_e8m0fnu", "", 1, DType::kF8E8M0},
    {"float8_e4m3fnuz", "", 1, DType::kF8E4M3FNUZ},
    {"float8_e5m2fnuz", "", 1, DType::kF8E5M2FNUZ},
    {"float4_e2m1fn_x2", "", 1, DType::kF4, 2},
    {"complex32", "", 4, std::nullopt},
    {"complex64", "ComplexFloatStorage", 8, DType::kC64},
    {"complex128", "ComplexDoubleStorage", 16, std::nullopt},
    {"int64", "LongStorage", 8, DType::kI64},
    {"int32", "IntStorage", 4, DType::kI32},
    {"int16", "ShortStorage", 2, DType::kI16},
    {"int8", "CharStorage", 1, DType::kI8},
    {"uint64", "", 8, DType::kU64},
    {"uint32", "", 4, DType::kU32},
    {"uint16", "", 2, DType::kU16},
    {"uint8", "ByteStorage", 1, DType::kU8},
    {"bool", "BoolStorage", 1, DType::kBool},
};

/// An untyped storage counts as this type in functions without a dtype, as in torch.load.
constexpr const TorchType* kUntyped = &kTypes[20];
static_assert(kTypes[20].name == "uint8");

struct NamedGlobal {
  std::string_view module, name;
  TorchGlobal kind;
};

constexpr NamedGlobal kGlobals[] = {
    {"collections", "OrderedDict", TorchGlobal::kOrderedDict},
    {"torch", "Size", TorchGlobal::kSize},
    {"torch", "Tensor", TorchGlobal::kTensorClass},
    {"torch.nn.parameter", "Parameter", TorchGlobal::kTensorClass},
    {"torch.nn.parameter", "Buffer", TorchGlobal::kTensorClass},
    {"torch", "device", TorchGlobal::kIgnored},
    {"__builtin__", "set", TorchGlobal::kIgnored},  // protocol 2 writes these names for a set,
    {"builtins", "set", TorchGlobal::kIgnored},     // protocol 3 too,
    {"builtins", "bytearray", TorchGlobal::kIgnored},
    {"builtins", "complex", TorchGlobal::kIgnored},
    {"__builtin__", "bytearray", TorchGlobal::kIgnored},
    {"__builtin__", "complex", TorchGlobal::kIgnored},
    {"collections", "Counter", TorchGlobal::kIgnored},
    {"_codecs", "encode", TorchGlobal::kIgnored},  // and for bytes
    {"torch._utils", "_rebuild_tensor", TorchGlobal::kRebuildTensor},
    {"torch._utils", "_rebuild_tensor_v2", TorchGlobal::kRebuildTensorV2},
    {"torch._utils", "_rebuild_tensor_v3", TorchGlobal::kRebuildTensorV3},
    {"torch._utils", "_rebuild_parameter", TorchGlobal::kRebuildParameter},
    {"torch._utils", "_rebuild_parameter_with_state", TorchGlobal::kRebuildParameterWithState},
    {"torch._tensor", "_rebuild_from_type_v2", TorchGlobal::kRebuildFromType},
    {"torch.serialization", "_get_layout", TorchGlobal::kGetLayout},
    {"torch._utils", "_rebuild_sparse_tensor", TorchGlobal::kRebuildSparse},
};

}  // namespace

std::optional<ResolvedGlobal> resolve_global(std::string_view module, std::string_view name) noexcept {
  for (const NamedGlobal& global : kGlobals)
    if (global.module == module && global.name == name) return ResolvedGlobal{global.kind};
  if ((module == "torch.storage" || module == "torch") && name == "UntypedStorage")
    return ResolvedGlobal{TorchGlobal::kStorageType, kUntyped};
  if (module == "torch.cuda" && name.ends_with("Storage")) module = "torch";
  if (module != "torch" || name.empty()) return std::nullopt;
  for (const TorchType& type : kTypes) {
    if (type.storage == name) return ResolvedGlobal{TorchGlobal::kStorageType, &type};
    if (type.name == name) return ResolvedGlobal{TorchGlobal::kDType, &type};
  }
  return std::nullopt;
}

}  // namespace pare::checkpoint
