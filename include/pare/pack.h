// Packed checkpoints: safetensors files that store sparse tensors in fewer bytes and that every command reads directly.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pare/model.h"

namespace pare {

struct PackOptions {
  /// Also consider encodings compressed with zstd. Planning must then compress the data to know its size.
  bool zstd = false;
  /// If set, each tensor is stored in this encoding or dense, whichever is smaller. With Encoding::kBitmask the files
  /// are what compressed-tensors' "sparse-bitmask" readers load, config.json's entry included.
  std::optional<Encoding> encoding;
  bool force = false;   ///< replace an existing output that pare wrote
  bool resume = false;  ///< as WriteOptions::resume (pare/prune.h)
};

/// How one tensor is stored.
struct PackedSize {
  std::string name;
  DType dtype = DType::kF32;
  Encoding encoding = Encoding::kDense;
  std::uint64_t elements = 0;
  std::uint64_t nonzeros =
      0;  ///< elements whose bits are not all 0, so -0.0 counts; all elements if the dtype is never packed
  std::uint64_t dense_bytes = 0;   ///< size if stored dense
  std::uint64_t packed_bytes = 0;  ///< size as stored, without header entries
};

struct PackSummary {
  std::vector<PackedSize> tensors;  ///< in the order of files, then of data; tied tensors once
  std::uint64_t dense_bytes = 0;    ///< size of the unpacked safetensors files, headers included
  std::uint64_t packed_bytes = 0;   ///< size of the packed files, headers included
};

/// Returns the exact sizes that write_packed() would give, without writing. Throws Error for tensors that cannot be
/// read; Interrupted.
PackSummary plan_packing(const Model& model, const PackOptions& options = {}, const Context& context = {});
/// Returns packed_bytes of plan_packing().
std::uint64_t packed_bytes(const Model& model, const PackOptions& options = {}, const Context& context = {});

/// Writes a packed checkpoint and returns its sizes. Every tensor is stored in the smallest allowed encoding; integer
/// and boolean tensors stay dense, and tied tensors are stored once. Config and other files are copied (with
/// Encoding::kBitmask, config.json also gets the entry that describes the compression), and pare.json is added. `model`
/// may be in memory. The output appears complete or not at all. Progress counts dense bytes twice: when a tensor is
/// planned, and when it is written. Throws Error for files that cannot be read or written; Interrupted.
PackSummary write_packed(const Model& model, const std::filesystem::path& out, const PackOptions& options = {},
                         const Context& context = {});

struct UnpackOptions {
  bool force = false;  ///< replace an existing output that pare wrote
};

/// Unpacks a packed checkpoint and verifies every checksum. Safetensors files are restored byte for byte; a
/// model that was packed from PyTorch files or from memory becomes the safetensors files that pare would have written.
/// Throws Error for a model that is not packed, and for files that cannot be read or written; Interrupted.
void write_unpacked(const Model& model, const std::filesystem::path& out, const UnpackOptions& options = {},
                    const Context& context = {});

}  // namespace pare
