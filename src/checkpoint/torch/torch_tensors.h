// From descriptions of tensors in a pickle to their bytes.
#pragma once

#include <functional>
#include <memory>

#include "base/bytes.h"
#include "checkpoint/source.h"
#include "checkpoint/torch/pickle.h"

namespace pare::checkpoint {

/// Finds the bytes of a tensor's storage, all of them or (PickledTensor::storage_begin) the part. Throws Error.
using FindStorage = std::function<base::Bytes(const PickledTensor& tensor)>;

/// Checks every tensor against its storage. Contiguous ones are used where they are; views are copied, and sparse ones
/// expanded, to a scratch file, within the limits below. `check` is called once before anything is copied: it verifies
/// checksums. `file_size` is in bytes; `owner` owns the storages. Throws Error naming the path and the tensor;
/// Interrupted.
SourceFile place_tensors(const StateDict& state, const FindStorage& find_storage, const std::function<void()>& check,
                         std::uint64_t file_size, const std::filesystem::path& path, std::shared_ptr<const void> owner,
                         const Context& context);

/// Tensors that are not a contiguous piece of their storage (transposed, expanded) are copied to a
/// scratch file. All copies of a file together may take at most this many times its size (but always
/// kMinCopyLimit), so that an expanded tensor of a few bytes cannot fill the disk.
inline constexpr std::uint64_t kCopyLimitFactor = 16;
inline constexpr std::uint64_t kMinCopyLimit = std::uint64_t{1} << 20;  ///< bytes
/// The same for sparse tensors, as for those of packed files.
inline constexpr std::uint64_t kSparseLimitFactor = 2048;

}  // namespace pare::checkpoint
