#include "checkpoint/torch/pickle.h"

#include <simdjson.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "checkpoint/torch/pickle_machine.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

using Value = PickleValue;
using Kind = PickleValue::Kind;

/// The keys under which training scripts store the state dict, in order of preference.
constexpr std::string_view kWrappers[] = {"state_dict", "model_state_dict", "model", "module"};

/// Turns the machine's result into the list of tensors.
class StateDictReader {
 public:
  StateDictReader(const PickleMachine& machine, const std::filesystem::path& path, const std::string& title)
      : machine_(machine), path_(path), title_(title) {}

  StateDict read(Value root) const {
    if (root.kind == Kind::kTensor) fail("is a single tensor, not a state dict", ErrorCode::kUnsupported);
    if (root.kind == Kind::kOpaque && root.index != 0)
      fail("is an object of '" + machine_.strangers()[root.index - 1] +
               "', which is not run, not a dict of tensors; save its state_dict()",
           ErrorCode::kUnsupported);
    if (root.kind != Kind::kDict) fail("is not a dict of tensors", ErrorCode::kUnsupported);
    StateDict state;
    std::unordered_set<std::string_view> names;
    std::size_t objects = 0;
    for (const auto& [key, value] : choose(machine_.dict(root)).entries) {
      objects += value.kind == Kind::kOpaque && value.index != 0;
      if (value.kind != Kind::kTensor) continue;
      if (key.kind != Kind::kText) fail("has a tensor under a key that is not a string", ErrorCode::kUnsupported);
      const std::string_view name = machine_.text(key);
      if (!simdjson::validate_utf8(name.data(), name.size())) fail("has a tensor whose name is not valid UTF-8");
      if (!names.insert(name).second) throw Error(ErrorCode::kMalformed, path_, std::string(name), "occurs twice");
      state.tensors.push_back(describe(std::string(name), machine_.tensor(value)));
    }
    if (!machine_.strangers().empty()) state.notes.push_back(note_on_strangers(objects));
    state.consumed = machine_.consumed();
    for (const PickleStorage& storage : machine_.storages())
      state.storages.push_back({storage.key, storage.type, static_cast<std::uint64_t>(storage.whole)});
    return state;
  }

 private:
  [[noreturn]] void fail(const std::string& cause, ErrorCode code = ErrorCode::kMalformed) const {
    throw Error(code, path_, title_ + ": " + cause);
  }

  std::string note_on_strangers(std::size_t objects) const {
    constexpr std::size_t kNamed = 3;
    const std::vector<std::string>& all = machine_.strangers();
    std::string note = path_.filename().string() + ": objects of ";
    for (std::size_t i = 0; i < std::min(kNamed, all.size()); ++i) note += (i == 0 ? "'" : ", '") + all[i] + "'";
    if (all.size() > kNamed) note += " and " + std::to_string(all.size() - kNamed) + " other classes";
    note += " are stepped over; nothing of them is run";
    if (objects > 0) note += "; " + std::to_string(objects) + " of them are in the state dict, and left out";
    return note;
  }

  /// The state dict: the wrapped one, else the top-level dict, else the only dict with tensors in it.
  const PickleDict& choose(const PickleDict& root) const {
    std::vector<std::pair<std::string_view, const PickleDict*>> nested;
    for (const auto& [key, value] : root.entries)
      if (key.kind == Kind::kText && value.kind == Kind::kDict && machine_.dict(value).holds_tensors)
        nested.emplace_back(machine_.text(key), &machine_.dict(value));
    for (const std::string_view wrapper : kWrappers)
      for (const auto& [key, dict] : nested)
        if (key == wrapper) return *dict;
    if (root.holds_tensors) return root;
    if (nested.size() == 1) return *nested.front().second;
    if (nested.empty() && !machine_.strangers().empty())
      fail("contains no tensors outside objects of '" + machine_.strangers().front() +
               "' and the like, which are not run; save a plain state dict (model.state_dict())",
           ErrorCode::kUnsupported);
    if (nested.empty()) fail("contains no tensors", ErrorCode::kUnsupported);
    fail("holds several dicts of tensors ('" + std::string(nested[0].first) + "', '" + std::string(nested[1].first) +
             "', ...), none of them called state_dict or model: save the one that is meant",
         ErrorCode::kUnsupported);
  }

  PickledTensor describe(std::string name, const PickleTensor& from) const {
    const PickleStorage& storage = machine_.storage(from.storage);
    if (from.lazy)
      throw Error(ErrorCode::kUnsupported, path_, name,
                  "is a lazily negated or conjugated view; save it after resolve_neg() and resolve_conj()");
    if (from.offset < 0)
      throw Error(ErrorCode::kMalformed, path_, name,
                  "begins at element " + std::to_string(from.offset) + " of its storage");
    PickledTensor tensor;
    if (from.sparse >= 0) return describe_sparse(std::move(name), from);
    tensor.shape = sizes(from.shape, name, "an extent");
    tensor.strides = sizes(from.strides, name, "a stride");
    if (tensor.shape.size() != tensor.strides.size())
      throw Error(ErrorCode::kMalformed, path_, name,
                  "has " + std::to_string(tensor.shape.size()) + " extents but " +
                      std::to_string(tensor.strides.size()) + " strides");
    tensor.name = std::move(name);
    tensor.type = from.type;
    tensor.storage_key = storage.key;
    tensor.storage_type = storage.type;
    tensor.storage_elements = static_cast<std::uint64_t>(storage.elements);
    tensor.storage_begin = static_cast<std::uint64_t>(storage.begin);
    tensor.offset = static_cast<std::uint64_t>(from.offset);
    return tensor;
  }

  PickledTensor describe_sparse(std::string name, const PickleTensor& from) const {
    const PickleSparse& sparse = machine_.sparse(from);
    PickledTensor tensor;
    for (const Value part : sparse.parts) tensor.parts.push_back(describe(name, machine_.tensor(part)));
    tensor.shape = sizes(sparse.shape, name, "an extent");
    tensor.layout = sparse.layout;
    tensor.name = std::move(name);
    tensor.type = tensor.parts.back().type;
    return tensor;
  }

  std::vector<std::uint64_t> sizes(Value tuple, const std::string& name, const std::string& what) const {
    const auto items = machine_.items(tuple);
    if (items.size() > PickledTensor::kMaxRank)
      throw Error(ErrorCode::kLimit, path_, name,
                  "has " + std::to_string(items.size()) + " dimensions, more than the " +
                      std::to_string(PickledTensor::kMaxRank) + " that pare reads");
    std::vector<std::uint64_t> numbers;
    for (const Value item : items) {
      if (item.kind != Kind::kInt)
        throw Error(ErrorCode::kMalformed, path_, name, "has " + what + " that is not a 64-bit integer");
      if (item.integer < 0)
        throw Error(ErrorCode::kMalformed, path_, name, "has " + what + " of " + std::to_string(item.integer));
      numbers.push_back(static_cast<std::uint64_t>(item.integer));
    }
    return numbers;
  }

  const PickleMachine& machine_;
  const std::filesystem::path& path_;
  const std::string& title_;
};

}  // namespace

StateDict read_state_dict(std::span<const std::byte> pickle, const std::filesystem::path& path,
                          const std::string& title) {
  PickleMachine machine(pickle, path, title);
  const PickleValue root = machine.run();
  return StateDictReader(machine, path, title).read(root);
}

}  // namespace pare::checkpoint
