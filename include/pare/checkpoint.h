// Checkpoints on disk as memory-mapped tensors: nothing is copied, nothing is executed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pare {

/// Element types, by their safetensors names. The first six are analysed and pruned; the others
/// (integers, bools, complex, and the sub-byte types) pass through untouched.
enum class DType : std::uint8_t {
  kF64,
  kF32,
  kF16,
  kBF16,
  kF8E4M3,
  kF8E5M2,
  kF8E8M0,
  kF8E4M3FNUZ,
  kF8E5M2FNUZ,
  kF6E2M3,
  kF6E3M2,
  kF4,
  kC64,
  kI64,
  kI32,
  kI16,
  kI8,
  kU64,
  kU32,
  kU16,
  kU8,
  kBool,
};

/// Name as in a safetensors header, for example "BF16".
std::string_view dtype_name(DType dtype) noexcept;
/// nullopt for a name that the format does not define.
std::optional<DType> parse_dtype(std::string_view name) noexcept;
/// Size of one element in bits (4 and 6 for the sub-byte types).
unsigned dtype_bits(DType dtype) noexcept;
/// True for the six IEEE-like types whose values pare measures and prunes.
bool is_analysed(DType dtype) noexcept;

/// One tensor: C-contiguous, little-endian bytes inside a mapping owned by its Checkpoint.
struct TensorView {
  std::string name;  ///< as the file spells it
  DType dtype = DType::kF32;
  std::vector<std::uint64_t> shape;  ///< empty for a scalar
  std::span<const std::byte> bytes;  ///< valid as long as the Checkpoint lives
  std::size_t file = 0;              ///< index into Checkpoint::files()

  /// Product of the shape (1 for a scalar); checked when the file was read.
  std::uint64_t elements() const noexcept;
};

/// How the tensors are laid out in files, and how a rewritten checkpoint lays them out again.
struct CheckpointFile {
  std::filesystem::path path;                   ///< as opened; empty for tensors that came from no file
  std::string output_name;                      ///< safetensors file name to write, e.g. "model.safetensors"
  std::uint64_t size = 0;                       ///< bytes on disk
  std::vector<std::size_t> tensors;             ///< indices into tensors(), in data order
  std::map<std::string, std::string> metadata;  ///< "__metadata__" of the header
  /// The header, verbatim (the 8 length bytes and the JSON), where the source is safetensors:
  /// a copy with the same tensors starts with these very bytes. Empty otherwise.
  std::span<const std::byte> header;
};

/// A checkpoint opened for reading. Cheap to copy (shared, immutable); safe to use from any thread.
class Checkpoint {
 public:
  /// Opens a model directory, a .safetensors file, an index (*.index.json), a PyTorch zip archive
  /// (.bin, .pt, .pth) or a name in the local Hugging Face cache (HF_HUB_CACHE, HF_HOME), for
  /// example "gpt2" or "openai-community/gpt2". In a directory the order of preference is that of
  /// transformers: model.safetensors, its index, pytorch_model.bin, its index; else the only
  /// checkpoint file there is.
  /// Throws Error (file, tensor, cause) for anything that is no well-formed checkpoint.
  static Checkpoint open(const std::string& where);

  /// One made of tensors that live elsewhere (`keep_alive` owns their bytes).
  static Checkpoint from_tensors(std::vector<TensorView> tensors, std::vector<CheckpointFile> files,
                                 std::filesystem::path directory, std::shared_ptr<const void> keep_alive);

  std::span<const TensorView> tensors() const noexcept;          ///< in the order of files, then of data
  const TensorView* find(std::string_view name) const noexcept;  ///< nullptr if there is none
  std::span<const CheckpointFile> files() const noexcept;
  /// The model directory (holding config.json and the tokenizer), or the file's own directory.
  const std::filesystem::path& directory() const noexcept;
  /// Text of config.json in directory(), if it is there. Throws Error if it cannot be read.
  std::optional<std::string> config_text() const;
  /// Bytes of all files together.
  std::uint64_t bytes_on_disk() const noexcept;

 private:
  struct State;
  explicit Checkpoint(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace pare
