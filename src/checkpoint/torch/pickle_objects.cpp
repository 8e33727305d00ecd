// The objects that the restricted pickle machine makes: descriptions of storages and tensors.
#include <algorithm>
#include <iterator>

#include "checkpoint/torch/pickle_machine.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

using Kind = PickleValue::Kind;

constexpr std::size_t kShownName = 120;

/// Whether a name runs code or reaches the system: nothing that training saves. pare would not run it anyway, but other
/// readers of the file might.
bool is_dangerous(std::string_view module, std::string_view name) {
  constexpr std::string_view kModules[] = {"os",       "posix",  "nt",     "subprocess", "sys",    "shutil",
                                           "socket",   "runpy",  "pty",    "importlib",  "ctypes", "commands",
                                           "pdb",      "bdb",    "pickle", "timeit",     "code",   "webbrowser",
                                           "platform", "urllib", "asyncio"};
  constexpr std::string_view kBuiltins[] = {"eval",     "exec",       "compile", "open",
                                            "execfile", "__import__", "input",   "breakpoint"};
  const std::string_view package = module.substr(0, module.find('.'));
  if (std::find(std::begin(kModules), std::end(kModules), package) != std::end(kModules)) return true;
  return (module == "builtins" || module == "__builtin__") &&
         std::find(std::begin(kBuiltins), std::end(kBuiltins), name) != std::end(kBuiltins);
}

PickleValue make_index(Kind kind, std::size_t size) { return {kind, static_cast<std::uint32_t>(size - 1), 0}; }

}  // namespace

void PickleMachine::push_global(std::string_view module, std::string_view name) {
  if (const auto global = resolve_global(module, name)) {
    globals_.push_back(*global);
    push(make_index(Kind::kGlobal, globals_.size()));
    return;
  }
  const std::string shown = std::string(module.substr(0, kShownName)) + "." + std::string(name.substr(0, kShownName));
  if (is_dangerous(module, name))
    fail("refers to '" + shown +
             "', which builds no tensor and is not run; a checkpoint has no use for it, so the file may be an attack",
         ErrorCode::kUnsupported);
  push(stranger(shown));
}

/// An object of a class that builds no tensor, or the class itself: both are stepped over.
PickleMachine::Value PickleMachine::stranger(const std::string& name) {
  if (const auto known = stranger_index_.find(name); known != stranger_index_.end())
    return {Kind::kOpaque, known->second};
  if (strangers_.size() == kMostStrangers)
    fail("refers to more than " + std::to_string(kMostStrangers) + " classes that build no tensor", ErrorCode::kLimit);
  strangers_.push_back(name);
  const auto index = static_cast<std::uint32_t>(strangers_.size());
  stranger_index_.emplace(name, index);
  return {Kind::kOpaque, index};
}

/// torch.save's persistent id of a storage: ("storage", class, key, location, number of elements), before 1.6 with a
/// sixth item that is None or (key, first element, number of elements) of a part of it; or, before 1.6, of a module:
/// ("module", class, file, source).
PickleMachine::Value PickleMachine::persistent(Value id) {
  const auto parts = id.kind == Kind::kTuple ? items(id) : std::span<const Value>();
  if (parts.size() == 4 && parts[0].kind == Kind::kText && text(parts[0]) == "module" && parts[1].kind == Kind::kOpaque)
    return parts[1];
  const bool storage_id = (parts.size() == 5 || parts.size() == 6) && parts[0].kind == Kind::kText &&
                          text(parts[0]) == "storage" && parts[1].kind == Kind::kGlobal &&
                          globals_[parts[1].index].kind == TorchGlobal::kStorageType && parts[2].kind == Kind::kText &&
                          parts[4].kind == Kind::kInt;
  if (!storage_id) fail("has a persistent id that is not a tensor storage");
  if (parts[4].integer < 0) fail("has a storage of " + std::to_string(parts[4].integer) + " elements");
  PickleStorage storage{text(parts[2]), globals_[parts[1].index].type, parts[4].integer};
  if (parts.size() == 6 && parts[5].kind != Kind::kNone) {
    const auto view = parts[5].kind == Kind::kTuple ? items(parts[5]) : std::span<const Value>();
    if (view.size() != 3 || view[1].kind != Kind::kInt || view[2].kind != Kind::kInt || view[1].integer < 0 ||
        view[2].integer < 0 || view[1].integer > storage.elements ||
        view[2].integer > storage.elements - view[1].integer)
      fail("has a part of a storage that does not lie in it");
    storage.begin = view[1].integer;
    storage.elements = view[2].integer;
  }
  storages_.push_back(storage);
  return make_index(Kind::kStorage, storages_.size());
}

PickleMachine::Value PickleMachine::reduce(Value function, Value arguments) {
  if (function.kind == Kind::kOpaque && arguments.kind == Kind::kTuple) return function;
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
    case TorchGlobal::kGetLayout:
      return layout_of(given);
    case TorchGlobal::kRebuildSparse:
      return rebuild_sparse(given);
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
  if (arguments.size() == 4 && arguments[1].kind == Kind::kOpaque) return arguments[1];  // a tensor of another class
  const bool well_formed = arguments.size() == 4 && arguments[0].kind == Kind::kGlobal &&
                           globals_[arguments[0].index].kind != TorchGlobal::kRebuildFromType &&
                           arguments[1].kind == Kind::kGlobal &&
                           globals_[arguments[1].index].kind == TorchGlobal::kTensorClass;
  if (!well_formed) fail("rebuilds a tensor of a class of its own", ErrorCode::kUnsupported);
  const Value tensor = reduce(arguments[0], arguments[2]);
  if (tensor.kind != Kind::kTensor) fail("rebuilds a tensor from a value that is not a tensor");
  return tensor;
}

/// torch.serialization._get_layout(name): the name without "torch." stands for the layout.
PickleMachine::Value PickleMachine::layout_of(std::span<const Value> arguments) {
  constexpr std::string_view kModule = "torch.";
  if (arguments.size() != 1 || arguments[0].kind != Kind::kText || !text(arguments[0]).starts_with(kModule))
    fail("names a layout by a value that is not a name");
  const Value name = arguments[0];
  return {Kind::kText, static_cast<std::uint32_t>(name.index - kModule.size()),
          name.integer + static_cast<std::int64_t>(kModule.size())};
}

/// _rebuild_sparse_tensor(layout, (indices, values, size[, is_coalesced])), or (layout, (compressed indices, plain
/// indices, values, size)).
PickleMachine::Value PickleMachine::rebuild_sparse(std::span<const Value> arguments) {
  if (arguments.size() != 2 || arguments[0].kind != Kind::kText || arguments[1].kind != Kind::kTuple)
    fail("rebuilds a sparse tensor from arguments other than a layout and its parts");
  PickleSparse sparse{text(arguments[0]), {}, {}};
  const auto given = items(arguments[1]);
  const std::size_t parts = sparse.layout == "sparse_coo" ? 2 : 3;
  const bool fits = given.size() == parts + 1 || (parts == 2 && given.size() == 4);
  if (!fits || given[parts].kind != Kind::kTuple) fail("rebuilds a sparse tensor from other parts than its layout has");
  for (const Value part : given.first(parts)) {
    if (part.kind != Kind::kTensor || tensors_[part.index].sparse >= 0)
      fail("rebuilds a sparse tensor from a part that is not a dense tensor");
    sparse.parts.push_back(part);
  }
  sparse.shape = given[parts];
  sparse_.push_back(std::move(sparse));
  PickleTensor tensor = tensors_[sparse_.back().parts.back().index];
  tensor.sparse = static_cast<std::int64_t>(sparse_.size() - 1);
  tensors_.push_back(tensor);
  return make_index(Kind::kTensor, tensors_.size());
}

/// Allowed for attributes, which contain no tensor of the state dict: those of an OrderedDict (state_dict()'s
/// _metadata), of a parameter, and of objects that are stepped over.
void PickleMachine::build() {
  pop();
  const Kind kind = top().kind;
  if (kind != Kind::kDict && kind != Kind::kOpaque && kind != Kind::kTensor)
    fail("sets attributes of a value that is not a dict");
}

}  // namespace pare::checkpoint
