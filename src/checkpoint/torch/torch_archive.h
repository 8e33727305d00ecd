// PyTorch zip archives, as torch.save has written since 1.6: pytorch_model.bin, .pt, .pth.
//
//   NAME/data.pkl    the pickled state dict; tensors refer to storages by key
//   NAME/data/KEY    the bytes of one storage
//   NAME/byteorder   "little" (missing before torch 2.1: little)
//   NAME/version, NAME/.data/..., NAME/.format_version, ...   not needed
//
// The readers themselves are declared in source.h.
#pragma once

#include <cstdint>

namespace pare::checkpoint {

/// Tensors that are not a contiguous piece of their storage (transposed, expanded) are copied to a
/// scratch file. All copies of an archive together may take at most this many times its size (but always
/// kMinCopyLimit), so that an expanded tensor of a few bytes cannot fill the disk.
inline constexpr std::uint64_t kCopyLimitFactor = 16;
inline constexpr std::uint64_t kMinCopyLimit = std::uint64_t{1} << 20;  ///< bytes

}  // namespace pare::checkpoint
