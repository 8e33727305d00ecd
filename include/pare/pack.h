// Sparse models in less room: packed safetensors files, which every command reads as they are, and back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pare/model.h"

namespace pare {

struct PackOptions {
  /// Compressed encodings compete as well. Then sizes are known only after compressing.
  bool zstd = false;
  /// If set, this encoding or dense, whichever takes less. With Encoding::kBitmask the files are what
  /// compressed-tensors' "sparse-bitmask" readers load, config.json's entry included.
  std::optional<Encoding> encoding;
  bool force = false;  ///< replace an existing output that pare wrote
};

/// What becomes of one tensor.
struct PackedSize {
  std::string name;
  DType dtype = DType::kF32;
  Encoding encoding = Encoding::kDense;
  std::uint64_t elements = 0;
  std::uint64_t nonzeros = 0;      ///< elements with any bit set; all of a dtype that is never packed
  std::uint64_t dense_bytes = 0;   ///< of its elements
  std::uint64_t packed_bytes = 0;  ///< of what it is stored as, without header entries
};

struct PackSummary {
  std::vector<PackedSize> tensors;  ///< in the order of files, then of data; tied tensors once
  std::uint64_t dense_bytes = 0;    ///< of the safetensors files unpacked, headers included
  std::uint64_t packed_bytes = 0;   ///< of the packed files, headers included
};

/// What write_packed() would write, to the byte, from counting (or compressing). Throws Error, Interrupted.
PackSummary plan_packing(const Model& model, const PackOptions& options = {}, const Context& context = {});
/// packed_bytes of plan_packing().
std::uint64_t packed_bytes(const Model& model, const PackOptions& options = {}, const Context& context = {});

/// Writes a packed checkpoint: each safetensors file with the same tensors in whatever encoding takes least, tied
/// tensors once, integer and boolean tensors as they are; config and side files; pare.json. The model may live in
/// memory. Everything appears at once or not at all. Progress is in dense bytes: each is read when its tensor is
/// planned, and once more when it is written. Throws Error, Interrupted.
PackSummary write_packed(const Model& model, const std::filesystem::path& out, const PackOptions& options = {},
                         const Context& context = {});

struct UnpackOptions {
  bool force = false;  ///< replace an existing output that pare wrote
};

/// Writes what was packed: the very safetensors files, byte for byte, where pare packed them. Every checksum is held.
/// Throws Error (also for a model that is not packed), Interrupted.
void write_unpacked(const Model& model, const std::filesystem::path& out, const UnpackOptions& options = {},
                    const Context& context = {});

}  // namespace pare
