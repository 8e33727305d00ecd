// Checkpoints on disk as tensors: ordinary ones are used in the mapped files, without a copy; packed and quantized ones
// are computed when they are needed. No code in a file is executed.
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
namespace checkpoint {
class GgufMetadata;
}

/// Element types of safetensors. The first six, kF64 to kF8E5M2, are measured and pruned (see is_analyzed()); tensors
/// of the others are copied unchanged.
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
/// Returns nullopt for a name that the safetensors format does not define.
std::optional<DType> parse_dtype(std::string_view name) noexcept;
/// Size of one element in bits (4 and 6 for the sub-byte types).
unsigned dtype_bits(DType dtype) noexcept;
/// True for the six types whose values pare measures and prunes: F64, F32, F16, BF16, F8_E4M3 and F8_E5M2.
bool is_analyzed(DType dtype) noexcept;

/// How a tensor is stored in a packed file (docs/formats.md). Byte planes: first the first byte of every element, then
/// the second of every element, and so on.
enum class Encoding : std::uint8_t {
  kDense,
  kBitmask,    ///< compressed-tensors' "sparse-bitmask": a bit for each element, and the nonzeros
  kGaps8,      ///< a byte for each run of zeros, and the nonzeros
  kGaps4,      ///< half a byte for each run of zeros, and the nonzeros
  kDenseZstd,  ///< all elements, split into byte planes and compressed with zstd
  kGaps8Zstd,  ///< as kGaps8, with the nonzeros split into byte planes, both parts compressed with zstd
};
/// "dense", "sparse-bitmask", "gaps8", "gaps4", "dense-zstd", "gaps8-zstd".
std::string_view encoding_name(Encoding encoding) noexcept;
std::optional<Encoding> parse_encoding(std::string_view name) noexcept;

/// The nonzeros of a tensor (here with -0, see PackedTensor) in compressed sparse row (CSR) form. A row runs along the
/// last axis; a scalar or vector is one row.
struct SparseRows {
  std::vector<std::uint64_t> begin;   ///< rows + 1 entries: row i's nonzeros are begin[i] to begin[i + 1] (exclusive)
  std::vector<std::uint32_t> column;  ///< column of each nonzero, ascending within a row
  std::vector<std::byte> values;      ///< value of each nonzero, in the tensor's dtype
};

/// A tensor of a packed file. Here, a nonzero is an element with any bit set, so that -0 is restored bit for bit.
/// (Everywhere else in pare, -0 counts as a zero.)
/// Opening the file checks that the sizes of the stored parts fit the tensor's shape and number of nonzeros. decode()
/// and sparse_rows() check the data itself, with the checksum if the file has one. Functions that read the data throw
/// Error if it is damaged. Safe to use from any thread.
class PackedTensor {
 public:
  virtual ~PackedTensor() = default;
  virtual Encoding encoding() const noexcept = 0;
  /// Returns the number of nonzeros that the file declares, without checking it. For encodings that store only the
  /// nonzeros, decode() and sparse_rows() throw Error if the data holds a different number.
  virtual std::uint64_t nonzeros() const noexcept = 0;
  /// Returns how many of the nonzeros are -0. (Multiplying weights by a mask leaves -0 where a weight was negative.)
  /// Returns 0 for an encoding that stores all elements. Does not expand the tensor and does not verify the checksum.
  virtual std::uint64_t negative_zeros() const = 0;
  /// Returns the size of the tensor's data in the file in bytes, without its entries in the header.
  virtual std::uint64_t stored_bytes() const noexcept = 0;
  /// Writes all elements to `target`, which must have the size of the unpacked tensor.
  virtual void decode(std::span<std::byte> target) const = 0;
  /// Returns the nonzeros by row. Visits the zeros only if the encoding stores all elements. Throws Error: kUnsupported
  /// for a tensor without elements or of a dtype that is not analyzed, kLimit for rows of more than 2^32 - 1 elements.
  virtual SparseRows sparse_rows() const = 0;
  /// Computes the checksum of the data. Throws Error if it differs from the file's checksum. Does nothing if the file
  /// has none.
  virtual void verify() const = 0;
};

/// A tensor whose values are computed from what the file stores: quantized weights, for example. Its TensorView has the
/// dtype and the shape of the computed values. Where pare reads such a tensor piece by piece (TensorBytes::read()), a
/// large one takes no more memory than a small one. Safe to use from any thread.
class EncodedTensor {
 public:
  virtual ~EncodedTensor() = default;
  /// Returns how the file stores the tensor, in words for users, for example "Q4_K".
  virtual std::string_view stored_type() const noexcept = 0;
  /// Returns the size in bytes of all that the file stores for the tensor, scales included.
  virtual std::uint64_t stored_bytes() const noexcept = 0;
  /// Returns the number of elements that are computed together, at least 1.
  virtual std::size_t granularity() const noexcept = 0;
  /// Computes the elements from index `begin` on, in row-major order, as many as fill `target`. `begin` is a multiple
  /// of granularity(), and so is the number of elements, unless they reach the end of the tensor. Throws Error if the
  /// stored data are damaged.
  virtual void decode(std::uint64_t begin, std::span<std::byte> target) const = 0;
};

/// The bytes of a tensor. They are in memory already (usually in a mapped file), or those of a packed or an encoded
/// tensor, which the first call of data() computes and then keeps. Cheap to copy; safe to use from any thread. Does not
/// own bytes that are in memory already. data() and all functions that call it throw Error if the bytes cannot be
/// decoded.
class TensorBytes {
 public:
  TensorBytes() = default;
  template <class Range>
  requires(std::convertible_to<Range, std::span<const std::byte>> &&
           !std::same_as<std::remove_cvref_t<Range>, TensorBytes>) TensorBytes(Range&& range)
      : TensorBytes(std::span<const std::byte>(range).data(), std::size(range)) {}  // NOLINT
  TensorBytes(const std::byte* data, std::size_t size) : data_(data), size_(size) {}
  /// Refers to the `size` bytes that `packed` decodes to. For a tensor that a packed file stores dense, `data` points
  /// to its bytes, and nothing is decoded.
  TensorBytes(std::shared_ptr<const PackedTensor> packed, std::size_t size, const std::byte* data = nullptr);
  /// Refers to the `size` bytes that are computed from `encoded`, in elements of `element_size` bytes.
  TensorBytes(std::shared_ptr<const EncodedTensor> encoded, std::size_t size, std::size_t element_size);

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
  /// Returns the packed form of the tensor; nullptr for a tensor that is not from a packed file.
  const PackedTensor* packed() const noexcept;
  /// Returns the tensor as the file stores it; nullptr if the bytes are not computed from it.
  const EncodedTensor* encoded() const noexcept;
  /// Copies or computes the bytes from byte `begin` on, as many as fill `target`. Unlike data(), keeps nothing of an
  /// encoded tensor in memory.
  void read(std::size_t begin, std::span<std::byte> target) const;

 private:
  struct Kept;
  const std::byte* decoded() const;

  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::shared_ptr<Kept> kept_;
};

/// One tensor: row-major, little-endian bytes owned by its Checkpoint.
struct TensorView {
  std::string name;  ///< as the file spells it
  DType dtype = DType::kF32;
  std::vector<std::uint64_t> shape;  ///< empty for a scalar
  TensorBytes bytes;                 ///< valid as long as a copy of the Checkpoint lives
  std::size_t file = 0;              ///< index into Checkpoint::files()

  /// Product of the shape (1 for a scalar). It does not overflow: Checkpoint::open() checks this.
  std::uint64_t elements() const noexcept;
};

/// Decodes the packed tensors among `tensors` in parallel. Called before work that would otherwise decode them one
/// after another. Throws Error if a tensor is damaged, and Interrupted if `context` was stopped.
void decode_packed(std::span<const TensorView> tensors, const Context& context = {});

/// One file of a checkpoint and the tensors in it. A rewritten checkpoint has a safetensors file
/// for each of them, with the same tensors.
struct CheckpointFile {
  std::filesystem::path path;        ///< as opened; empty for tensors that came from no file
  std::string output_name;           ///< safetensors file name to write, e.g. "model.safetensors"
  std::uint64_t size = 0;            ///< bytes on disk, packed or not
  std::vector<std::size_t> tensors;  ///< indices into Checkpoint::tensors(), in data order
  /// The safetensors header (the 8 length bytes and the JSON) to write at the start of a pruned or unpacked copy of
  /// this file:
  /// - an ordinary safetensors file: its own header;
  /// - packed by pare: the header of the original file, which pare stored inside the packed one;
  /// - anything else (PyTorch, GGUF, packed by compressed-tensors): empty.
  std::span<const std::byte> header;
  std::vector<FileVersion> sources = {};  ///< the files that were read for it, as they were when they were opened
  /// The header that metadata() reads: that of the file itself if compressed-tensors packed it, otherwise `header`.
  /// Empty for files of other formats.
  std::span<const std::byte> metadata_header = {};

  /// Parses "__metadata__" in metadata_header on every call. Returns {"format": "pt"} if metadata_header is empty.
  std::map<std::string, std::string> metadata() const;
};

/// A checkpoint opened for reading. Cheap to copy (shared, immutable); safe to use from any thread.
class Checkpoint {
 public:
  /// Opens a model directory, a .safetensors file, an index (*.index.json), a PyTorch zip archive
  /// (.bin, .pt, .pth, .ckpt), a GGUF file (of a split model the first one) or a name on the Hugging Face Hub, for
  /// example "gpt2" or "openai-community/gpt2@REVISION", which is downloaded unless the local cache has it. In a
  /// directory the order of preference is that of transformers: model.safetensors, its index, pytorch_model.bin, its
  /// index. If there is none of these, the directory must contain exactly one checkpoint file. Throws Error (file,
  /// tensor, cause) for anything that is not a well-formed checkpoint; Interrupted.
  static Checkpoint open(const std::string& where, const Context& context = {});

  /// Makes a checkpoint from tensors in memory; `keep_alive` owns their bytes. `files` says into which files they are
  /// written: each tensor is listed in the `tensors` of one entry, and TensorView::file is the index of that entry.
  /// config_text() returns `config` or, without one, the text of config.json in `directory`. Throws Error (kMismatch)
  /// if two tensors have the same name.
  static Checkpoint from_tensors(std::vector<TensorView> tensors, std::vector<CheckpointFile> files,
                                 std::filesystem::path directory, std::shared_ptr<const void> keep_alive,
                                 std::optional<std::string> config = std::nullopt);

  std::span<const TensorView> tensors() const noexcept;          ///< by file, then in data order
  const TensorView* find(std::string_view name) const noexcept;  ///< nullptr if there is none
  std::span<const CheckpointFile> files() const noexcept;
  /// How the tensors differ from what the files store, a sentence each, for people.
  std::span<const std::string> notes() const noexcept;
  /// The model directory (holding config.json and the tokenizer), or the file's own directory.
  const std::filesystem::path& directory() const noexcept;
  /// Returns the text of config.json in directory(), or nullopt if there is no such file. Throws Error if it cannot be
  /// read.
  std::optional<std::string> config_text() const;
  /// The metadata of a GGUF file, for the library's own use; nullptr for other formats.
  const checkpoint::GgufMetadata* gguf() const noexcept;
  /// Throws Error if one of the files was written to, replaced or removed since it was opened, because the data that
  /// was read may then be a mixture of two states.
  void require_unchanged() const;
  /// Bytes of all files together.
  std::uint64_t bytes_on_disk() const noexcept;

 private:
  struct State;
  explicit Checkpoint(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace pare
