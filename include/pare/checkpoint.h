// Checkpoints on disk as memory-mapped tensors: nothing is copied, nothing is executed.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "pare/context.h"
#include "pare/file_version.h"

namespace pare {

/// Element types, by their safetensors names. The first six are analyzed and pruned; the others
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
bool is_analyzed(DType dtype) noexcept;

/// How a tensor is kept in a packed file (docs/formats.md).
enum class Encoding : std::uint8_t {
  kDense,
  kBitmask,    ///< compressed-tensors' "sparse-bitmask": a bit for each element, and the nonzeros
  kGaps8,      ///< a byte for each run of zeros, and the nonzeros
  kGaps4,      ///< half a byte for each run of zeros, and the nonzeros
  kDenseZstd,  ///< all elements, split by byte plane, compressed
  kGaps8Zstd,  ///< as kGaps8, the nonzeros split by byte plane, both compressed
};
/// "dense", "sparse-bitmask", "gaps8", "gaps4", "dense-zstd", "gaps8-zstd".
std::string_view encoding_name(Encoding encoding) noexcept;
std::optional<Encoding> parse_encoding(std::string_view name) noexcept;

/// The nonzeros of a tensor, row by row; a row runs along the last axis. A scalar or vector is one row.
struct SparseRows {
  std::vector<std::uint64_t> begin;   ///< place of each row's first nonzero, and the number of all: one more than rows
  std::vector<std::uint32_t> column;  ///< of each nonzero, rising within a row
  std::vector<std::byte> values;      ///< of each nonzero, in the tensor's dtype
};

/// A tensor of a packed file. A nonzero is an element with any bit set: -0 and NaN come back as they were.
/// Sizes were held against each other when the file was opened; what can only be told from the data (and the
/// checksum, where there is one) is checked when they are read, and throws Error. Safe to use from any thread.
class PackedTensor {
 public:
  virtual ~PackedTensor() = default;
  virtual Encoding encoding() const noexcept = 0;
  /// By the file's word until the data were read.
  virtual std::uint64_t nonzeros() const noexcept = 0;
  /// How many of the nonzeros are -0, as a product with a mask leaves them; 0 for an encoding that holds all elements.
  /// Reads the values alone.
  virtual std::uint64_t negative_zeros() const = 0;
  /// Bytes that the tensor takes in the file, but for its entries in the header.
  virtual std::uint64_t stored_bytes() const noexcept = 0;
  /// Fills `target`, which must have the tensor's size.
  virtual void decode(std::span<std::byte> target) const = 0;
  /// Without going through all elements, unless the encoding holds them all.
  virtual SparseRows sparse_rows() const = 0;
  /// Holds the data against the checksum, where there is one.
  virtual void verify() const = 0;
};

/// Bytes of a tensor: where they lie in a file, or decoded when they are first asked for and then kept. Cheap to copy;
/// safe to use from any thread. What gives access to them throws Error if they cannot be decoded.
class TensorBytes {
 public:
  TensorBytes() = default;
  template <class Range>
  requires(std::convertible_to<Range, std::span<const std::byte>> &&
           !std::same_as<std::remove_cvref_t<Range>, TensorBytes>) TensorBytes(Range&& range)
      : TensorBytes(std::span<const std::byte>(range).data(), std::size(range)) {}  // NOLINT
  TensorBytes(const std::byte* data, std::size_t size) : data_(data), size_(size) {}
  /// Bytes that `packed` decodes to; those of a packed file's dense tensor already lie in `data`.
  TensorBytes(std::shared_ptr<const PackedTensor> packed, std::size_t size, const std::byte* data = nullptr);

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  const std::byte* data() const { return data_ != nullptr || !kept_ ? data_ : decoded(); }
  const std::byte* begin() const { return data(); }
  const std::byte* end() const { return data() + size_; }
  std::span<const std::byte> first(std::size_t count) const { return {data(), count}; }
  std::span<const std::byte> subspan(std::size_t begin, std::size_t count = std::dynamic_extent) const {
    return std::span(data(), size_).subspan(begin, count);
  }
  operator std::span<const std::byte>() const { return {data(), size_}; }  // NOLINT: as a span is
  /// How they are kept in a packed file; nullptr for tensors from elsewhere.
  const PackedTensor* packed() const noexcept;

 private:
  struct Kept;
  const std::byte* decoded() const;

  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::shared_ptr<Kept> kept_;
};

/// One tensor: C-contiguous, little-endian bytes owned by its Checkpoint.
struct TensorView {
  std::string name;  ///< as the file spells it
  DType dtype = DType::kF32;
  std::vector<std::uint64_t> shape;  ///< empty for a scalar
  TensorBytes bytes;                 ///< valid as long as the Checkpoint lives
  std::size_t file = 0;              ///< index into Checkpoint::files()

  /// Product of the shape (1 for a scalar); checked when the file was read.
  std::uint64_t elements() const noexcept;
};

/// Decodes the packed ones among `tensors`, several at a time, before work that would wait for each. Throws Error,
/// Interrupted.
void decode_packed(std::span<const TensorView> tensors, const Context& context = {});

/// How the tensors are laid out in files, and how a rewritten checkpoint lays them out again.
struct CheckpointFile {
  std::filesystem::path path;        ///< as opened; empty for tensors that came from no file
  std::string output_name;           ///< safetensors file name to write, e.g. "model.safetensors"
  std::uint64_t size = 0;            ///< bytes on disk, packed or not
  std::vector<std::size_t> tensors;  ///< indices into tensors(), in data order
  /// The header, verbatim (the 8 length bytes and the JSON), where the source is safetensors, or was before pare
  /// packed it: a copy with the same tensors starts with these very bytes. Empty otherwise.
  std::span<const std::byte> header;
  std::vector<FileVersion> sources = {};  ///< the files that were read for it, as they were when they were opened
  /// `header`, or where that is empty, the header of a packed file whose metadata a rewritten one keeps.
  std::span<const std::byte> metadata_header = {};

  /// "__metadata__" of the header, read anew by each call; {"format": "pt"} where there is no header.
  std::map<std::string, std::string> metadata() const;
};

/// A checkpoint opened for reading. Cheap to copy (shared, immutable); safe to use from any thread.
class Checkpoint {
 public:
  /// Opens a model directory, a .safetensors file, an index (*.index.json), a PyTorch zip archive
  /// (.bin, .pt, .pth) or a name in the local Hugging Face cache (HF_HUB_CACHE, HF_HOME), for
  /// example "gpt2" or "openai-community/gpt2". In a directory the order of preference is that of
  /// transformers: model.safetensors, its index, pytorch_model.bin, its index; else the only
  /// checkpoint file there is.
  /// Throws Error (file, tensor, cause) for anything that is not a well-formed checkpoint, Interrupted.
  static Checkpoint open(const std::string& where, const Context& context = {});

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
  /// Throws Error if one of the files was written to, replaced or removed since it was opened: then what was read may
  /// be a mixture of two states.
  void require_unchanged() const;
  /// Bytes of all files together.
  std::uint64_t bytes_on_disk() const noexcept;

 private:
  struct State;
  explicit Checkpoint(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace pare
