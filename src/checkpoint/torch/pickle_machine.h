// The stack machine that runs pickles, restricted to making plain data and tensors. Opcodes: CPython's
// Lib/pickletools.py. Meaning of the functions: torch/_utils.py, torch/serialization.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "checkpoint/torch/torch_types.h"
#include "pare/error.h"

namespace pare::checkpoint {

/// A value of the machine. Values are small and copied freely; large contents lie in the machine's arenas. Tuples and
/// texts never change, and dicts are read to a depth of two levels only, so a pickle that refers to itself is harmless.
struct PickleValue {
  enum class Kind : std::uint8_t {
    kNone,
    kBool,
    kInt,
    kOpaque,  ///< a float, set, bytes, object, ...: not part of any tensor; index: of its class, see strangers()
    kList,
    kText,   ///< integer: position in the pickle; index: bytes
    kTuple,  ///< integer: first item in the arena; index: number of items
    kDict,
    kGlobal,
    kStorage,
    kTensor,  ///< index: into the arena of its kind
  };
  Kind kind = Kind::kNone;
  std::uint32_t index = 0;
  std::int64_t integer = 0;  ///< the number itself for kBool and kInt
};

struct PickleDict {
  std::vector<std::pair<PickleValue, PickleValue>> entries;  ///< key and value, in order of writing
  bool holds_tensors = false;                                ///< directly as values
};

struct PickleStorage {
  std::string_view key;
  const TorchType* type;
  std::int64_t elements;
  std::int64_t whole = elements;  ///< elements of the storage `key`, of which it is a part
  std::int64_t begin = 0;         ///< its first element within that
};

struct PickleTensor {
  std::uint32_t storage;
  const TorchType* type;
  std::int64_t offset;
  PickleValue shape, strides;  ///< tuples
  bool lazy;                   ///< stands for its conjugate or negative, not for the bytes as stored
  std::int64_t sparse = -1;    ///< index of a PickleSparse, which replaces all other members; -1: dense
};

/// A tensor of which only the nonzeros are stored. `parts` are tensors: indices and values of "sparse_coo"; for the
/// compressed layouts the indices along the compressed axis, those along the other one, and the values.
struct PickleSparse {
  std::string_view layout;  ///< "sparse_coo", "sparse_csr", ...
  std::vector<PickleValue> parts;
  PickleValue shape;  ///< a tuple
};

class PickleMachine {
 public:
  using Value = PickleValue;
  using Kind = PickleValue::Kind;

  PickleMachine(std::span<const std::byte> pickle, const std::filesystem::path& path, const std::string& title);

  /// Runs to STOP and returns the resulting value. Throws Error.
  Value run();
  /// Bytes up to and with STOP.
  std::size_t consumed() const noexcept { return at_; }
  /// Names of classes and functions that build no tensor. Their objects are stepped over: kOpaque, with an index of one
  /// more than that of the name. At most kMostStrangers, of different names.
  const std::vector<std::string>& strangers() const noexcept { return strangers_; }
  static constexpr std::size_t kMostStrangers = 1000;

  std::string_view text(Value value) const {
    return pickle_.substr(static_cast<std::size_t>(value.integer), value.index);
  }
  std::span<const Value> items(Value tuple) const {
    return std::span(items_).subspan(static_cast<std::size_t>(tuple.integer), tuple.index);
  }
  const PickleDict& dict(Value value) const { return dicts_[value.index]; }
  const PickleStorage& storage(std::uint32_t index) const { return storages_[index]; }
  std::span<const PickleStorage> storages() const { return storages_; }
  const PickleTensor& tensor(Value value) const { return tensors_[value.index]; }
  const PickleSparse& sparse(const PickleTensor& tensor) const {
    return sparse_[static_cast<std::size_t>(tensor.sparse)];
  }
  std::span<const Value> list(Value value) const { return lists_[value.index]; }

 private:
  // Reading the program (pickle_machine.cpp).
  [[noreturn]] void fail(const std::string& cause, ErrorCode code = ErrorCode::kMalformed) const;
  std::string_view take(std::uint64_t size);  ///< the next bytes of the program
  template <typename T>
  T take_number();
  std::string_view take_line();
  void step(unsigned char opcode);
  bool step_scalar(unsigned char opcode);  ///< each: false if the opcode is not of its family
  bool step_text(unsigned char opcode);
  bool step_container(unsigned char opcode);
  bool step_sequence(unsigned char opcode);
  bool step_dict(unsigned char opcode);
  bool step_memo(unsigned char opcode);
  bool step_object(unsigned char opcode);
  void take_long(std::uint64_t size);
  void protocol(unsigned char version);

  // The stack.
  void push(Value value);
  void push_text(std::uint64_t size);
  void push_opaque(std::uint64_t size);  ///< skips `size` bytes of the program
  Value pop();
  const Value& top(std::size_t depth = 0) const;
  std::size_t pop_mark();                               ///< where the items above the last mark begin
  void push_tuple(std::size_t count);                   ///< of the topmost values
  void set_items(std::size_t begin);                    ///< stack_[begin..] into the dict below
  void add_items(std::size_t begin, const char* into);  ///< into the list or opaque container below
  void memoize(std::uint64_t index);
  void recall(std::uint64_t index);

  // Making things (pickle_objects.cpp).
  void push_global(std::string_view module, std::string_view name);
  Value persistent(Value id);  ///< a storage
  Value reduce(Value function, Value arguments);
  Value rebuild_tensor(std::span<const Value> arguments, TorchGlobal version);
  Value rebuild_from_type(std::span<const Value> arguments);
  Value rebuild_sparse(std::span<const Value> arguments);
  Value layout_of(std::span<const Value> arguments);
  Value stranger(const std::string& name);
  Value make_dict();
  Value make_list();
  void build();

  const std::string_view pickle_;
  const std::filesystem::path& path_;
  const std::string& title_;
  std::size_t at_ = 0, opcode_at_ = 0, values_ = 0;
  bool stopped_ = false;
  std::vector<Value> stack_, memo_, items_;
  std::vector<std::size_t> marks_;  ///< heights of the stack
  std::vector<PickleDict> dicts_;
  std::vector<ResolvedGlobal> globals_;
  std::vector<PickleStorage> storages_;
  std::vector<PickleTensor> tensors_;
  std::vector<PickleSparse> sparse_;
  std::vector<std::vector<Value>> lists_;
  std::vector<std::string> strangers_;
  std::unordered_map<std::string, std::uint32_t> stranger_index_;  ///< of names, from 1
};

}  // namespace pare::checkpoint
