// Pickles that torch.save wrote, read as data: which tensors a state dict holds, and in which storage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/torch/torch_types.h"

namespace pare::checkpoint {

/// A tensor as the pickle describes it. Nothing about it has been checked against the storage yet:
/// the numbers are as the file gives them, except that none is negative.
struct PickledTensor {
  std::string name;                    ///< its key in the state dict; valid UTF-8
  const TorchType* type;               ///< of the tensor's elements
  std::string_view storage_key;        ///< entry data/KEY of the archive; points into the pickle
  const TorchType* storage_type;       ///< "uint8" for an untyped storage
  std::uint64_t storage_elements;      ///< of storage_type
  std::uint64_t storage_begin = 0;     ///< first element of this part of the storage, of storage_type
  std::uint64_t offset;                ///< of the first element, in elements of `type`
  std::vector<std::uint64_t> shape;    ///< at most kMaxRank extents
  std::vector<std::uint64_t> strides;  ///< in elements of `type`, one for each extent
  static constexpr std::size_t kMaxRank = 64;

  /// Of a sparse tensor: its layout ("sparse_coo"), else empty; `parts` are its indices and values, and `shape` its
  /// own, and the members from storage_key on mean nothing.
  std::string_view layout = {};
  std::vector<PickledTensor> parts = {};
};

/// A storage that a tensor of the pickle has, whether the tensor is in the state dict or not.
struct PickledStorage {
  std::string_view key;  ///< points into the pickle
  const TorchType* type;
  std::uint64_t elements;
};

struct StateDict {
  std::vector<PickledTensor> tensors;
  std::vector<std::string> notes;  ///< what was stepped over
  std::size_t consumed = 0;        ///< bytes of the pickle
  std::vector<PickledStorage> storages;
};

/// Reads a pickle of protocol 2 to 5 with a machine that knows only dicts, tuples, numbers, strings and the
/// tensor-building functions of resolve_global(). Nothing is executed. Returns the tensors of the state dict in its
/// order: of the top-level dict, or of the one dict in it that holds tensors ("state_dict", "model_state_dict",
/// "model", "module" in this order of preference, else the only one). Everything else in the pickle (epochs, options,
/// optimizer states, _metadata, objects of any class) is stepped over; a note names the classes. `title` names the
/// pickle in messages, e.g. "entry 'archive/data.pkl'". Throws Error(path) with the byte's position for a pickle that
/// is malformed, names a function that runs code, or is too large (see kMaxPickleBytes and kMaxPickleValues);
/// Error(path, tensor) for a tensor with a negative extent, lazy conjugation or more than kMaxRank dimensions.
StateDict read_state_dict(std::span<const std::byte> pickle, const std::filesystem::path& path,
                          const std::string& title);

/// Limits of the machine; a state dict takes about 200 bytes and 40 values,
/// memo included, for each tensor.
inline constexpr std::size_t kMaxPickleBytes = std::size_t{256} << 20;
inline constexpr std::size_t kMaxPickleValues = std::size_t{1} << 23;

}  // namespace pare::checkpoint
