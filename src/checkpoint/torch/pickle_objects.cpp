// The objects that the restricted pickle machine makes: descriptions of storages and tensors.
#include "checkpoint/torch/pickle_machine.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

using Kind = PickleValue::Kind;

constexpr std::size_t kShownName = 120;

PickleValue make_index(Kind kind, std::size_t size) { return {kind, static_cast<std::uint32_t>(size - 1), 0}; }

}  // namespace

void PickleMachine::push_global(std::string_view module, std::string_view name) {
  const auto global = resolve_global(module, name);
  if (!global) {
    const std::string shown = std::string(module.substr(0, kShownName)) + "." + std::string(name.substr(0, kShownName));
    fail("refers to '" + shown +
             "', which builds no tensor and is not run; save a plain state dict (model.state_dict()) or safetensors",
         ErrorCode::kUnsupported);
  }
  globals_.push_back(*global);
  push(make_index(Kind::kGlobal, globals_.size()));
}

PickleMachine::Value PickleMachine::make_dict() {
  dicts_.emplace_back();
  return make_index(Kind::kDict, dicts_.size());
}

/// torch.save's persistent id of a storage: ("storage", class, key, location, number of elements).
PickleMachine::Value PickleMachine::persistent(Value id) {
  const auto parts = id.kind == Kind::kTuple ? items(id) : std::span<const Value>();
  const bool storage_id = parts.size() == 5 && parts[0].kind == Kind::kText && text(parts[0]) == "storage" &&
                          parts[1].kind == Kind::kGlobal &&
                          globals_[parts[1].index].kind == TorchGlobal::kStorageType && parts[2].kind == Kind::kText &&
                          parts[4].kind == Kind::kInt;
  if (!storage_id) fail("has a persistent id that is not a tensor storage");
  if (parts[4].integer < 0) fail("has a storage of " + std::to_string(parts[4].integer) + " elements");
  storages_.push_back({text(parts[2]), globals_[parts[1].index].type, parts[4].integer});
  return make_index(Kind::kStorage, storages_.size());
}

PickleMachine::Value PickleMachine::reduce(Value function, Value arguments) {
  if (function.kind != Kind::kGlobal || arguments.kind != Kind::kTuple) fail("calls a value that is not a function");
  const auto given = items(arguments);
  switch (const TorchGlobal kind = globals_[function.index].kind) {
    case TorchGlobal::kOrderedDict:
      if (!given.empty()) fail("makes an OrderedDict of arguments, which torch.save does not");
      return make_dict();
    case TorchGlobal::kSize:
      if (given.size() != 1 || given[0].kind != Kind::kTuple) fail("makes a torch.Size of a value that is not a tuple");
      return given[0];
    case TorchGlobal::kIgnored:
      return {Kind::kOpaque};
    case TorchGlobal::kRebuildTensor:
    case TorchGlobal::kRebuildTensorV2:
    case TorchGlobal::kRebuildTensorV3:
      return rebuild_tensor(given, kind);
    case TorchGlobal::kRebuildParameter:
    case TorchGlobal::kRebuildParameterWithState:
      if (given.empty() || given[0].kind != Kind::kTensor) fail("makes a parameter from a value that is not a tensor");
      return given[0];
    case TorchGlobal::kRebuildFromType:
      return rebuild_from_type(given);
    case TorchGlobal::kStorageType:
    case TorchGlobal::kDType:
    case TorchGlobal::kTensorClass:
      break;
  }
  fail("calls a type that is not a function");
}

/// _rebuild_tensor(storage, storage_offset, size, stride),
/// _v2(..., requires_grad, backward_hooks, metadata=None),
/// _v3(..., requires_grad, backward_hooks, dtype, metadata=None).
PickleMachine::Value PickleMachine::rebuild_tensor(std::span<const Value> arguments, TorchGlobal version) {
  const std::size_t needed = version == TorchGlobal::kRebuildTensor     ? 4
                             : version == TorchGlobal::kRebuildTensorV2 ? 6
                                                                        : 7;
  const bool well_formed = (arguments.size() == needed || (arguments.size() == needed + 1 && needed > 4)) &&
                           arguments[0].kind == Kind::kStorage && arguments[1].kind == Kind::kInt &&
                           arguments[2].kind == Kind::kTuple && arguments[3].kind == Kind::kTuple;
  if (!well_formed) fail("rebuilds a tensor from arguments other than storage, offset, size and stride");
  PickleTensor tensor{
      arguments[0].index, storages_[arguments[0].index].type, arguments[1].integer, arguments[2], arguments[3], false};
  if (version == TorchGlobal::kRebuildTensorV3) {
    const Value dtype = arguments[6];
    if (dtype.kind != Kind::kGlobal || globals_[dtype.index].kind != TorchGlobal::kDType)
      fail("rebuilds a tensor with a value that is not a dtype");
    tensor.type = globals_[dtype.index].type;
  }
  // {"conj": True} or {"neg": True}: the values differ from the stored bytes.
  if (arguments.size() > needed) {
    const Value metadata = arguments[needed];
    tensor.lazy = metadata.kind != Kind::kNone && !(metadata.kind == Kind::kDict && dict(metadata).entries.empty());
  }
  tensors_.push_back(tensor);
  return make_index(Kind::kTensor, tensors_.size());
}

/// _rebuild_from_type_v2(function, class, arguments, state): a tensor with Python attributes.
PickleMachine::Value PickleMachine::rebuild_from_type(std::span<const Value> arguments) {
  const bool well_formed = arguments.size() == 4 && arguments[0].kind == Kind::kGlobal &&
                           globals_[arguments[0].index].kind != TorchGlobal::kRebuildFromType &&
                           arguments[1].kind == Kind::kGlobal &&
                           globals_[arguments[1].index].kind == TorchGlobal::kTensorClass;
  if (!well_formed) fail("rebuilds a tensor of a class of its own", ErrorCode::kUnsupported);
  const Value tensor = reduce(arguments[0], arguments[2]);
  if (tensor.kind != Kind::kTensor) fail("rebuilds a tensor from a value that is not a tensor");
  return tensor;
}

/// Allowed only for an OrderedDict's attributes (state_dict()'s _metadata), which contain no tensor.
void PickleMachine::build() {
  pop();
  if (top().kind != Kind::kDict) fail("sets attributes of a value that is not a dict");
}

}  // namespace pare::checkpoint
