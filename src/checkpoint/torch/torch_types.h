// The element types and the few functions that a torch.save pickle may name.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "pare/checkpoint.h"

namespace pare::checkpoint {

/// An element type of PyTorch.
struct TorchType {
  std::string_view name;       ///< of the torch.dtype, e.g. "bfloat16"
  std::string_view storage;    ///< of the typed storage class, e.g. "BFloat16Storage"; empty if there is none
  unsigned bytes;              ///< of one element
  std::optional<DType> dtype;  ///< the safetensors type; nullopt if that format has none (complex128)
  unsigned packed = 1;         ///< values in one element, counted along the last dimension (float4_e2m1fn_x2: 2)
};

/// The meaning of a global name in a pickle.
enum class TorchGlobal : std::uint8_t {
  kStorageType,       ///< torch.FloatStorage, ...; torch.storage.UntypedStorage, which counts bytes
  kDType,             ///< torch.float8_e4m3fn, ...
  kOrderedDict,       ///< collections.OrderedDict
  kSize,              ///< torch.Size
  kTensorClass,       ///< torch.Tensor, torch.nn.parameter.Parameter or Buffer: allowed as an argument only
  kIgnored,           ///< makes values that are not tensors (torch.device, set): a call returns an opaque value
  kRebuildTensor,     ///< torch._utils._rebuild_tensor
  kRebuildTensorV2,   ///< torch._utils._rebuild_tensor_v2
  kRebuildTensorV3,   ///< torch._utils._rebuild_tensor_v3
  kRebuildParameter,  ///< torch._utils._rebuild_parameter
  kRebuildParameterWithState,  ///< torch._utils._rebuild_parameter_with_state
  kRebuildFromType,            ///< torch._tensor._rebuild_from_type_v2: a tensor with Python attributes
  kGetLayout,                  ///< torch.serialization._get_layout
  kRebuildSparse,              ///< torch._utils._rebuild_sparse_tensor
};

struct ResolvedGlobal {
  TorchGlobal kind;
  const TorchType* type = nullptr;  ///< for kStorageType and kDType
};

/// The complete list of names that build tensors, or plain values beside them; nullopt for any other. Nothing is
/// imported or called: a name only selects one of pare's own functions.
std::optional<ResolvedGlobal> resolve_global(std::string_view module, std::string_view name) noexcept;

}  // namespace pare::checkpoint
