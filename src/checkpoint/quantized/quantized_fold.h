// What the layouts of quantized weights have in common: their parts, the errors about them, and the replacement.
#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/quantized/quantization_config.h"
#include "checkpoint/tensor_fold.h"
#include "pare/error.h"

namespace pare::checkpoint {

class QuantizedFold {
 public:
  QuantizedFold(std::vector<TensorView>& tensors, std::vector<CheckpointFile>& files, const QuantizationConfig& config)
      : tensors_(tensors, files), config_(config) {}

  TensorFold& tensors() noexcept { return tensors_; }
  const TensorFold& tensors() const noexcept { return tensors_; }
  const QuantizationConfig& config() const noexcept { return config_; }

  /// The metadata of the file that holds a tensor.
  const std::map<std::string, std::string>& metadata_of(std::size_t tensor);
  /// The metadata of its file will not be written.
  void drop_metadata(std::size_t tensor) { tensors_.drop_metadata(tensor); }

  /// A kept tensor of this name.
  std::optional<std::size_t> find(const std::string& name) const;
  /// A tensor without which another, `of`, has no values.
  std::size_t require(const std::string& name, std::size_t of) const;
  void require_dtype(std::size_t tensor, std::initializer_list<DType> allowed) const;
  void require_shape(std::size_t tensor, const std::vector<std::uint64_t>& expected) const;
  [[noreturn]] void fail(std::size_t tensor, ErrorCode code, const std::string& cause) const;

  /// Replaces `place` by a tensor whose values `encoded` computes; `kind` completes the note "12 weights are ...".
  /// `dtype` is F32, F16 or BF16. Throws Error if there is another tensor of this name, or if the shape is too large.
  void replace(std::size_t place, const std::string& name, DType dtype, std::vector<std::uint64_t> shape,
               std::shared_ptr<const EncodedTensor> encoded, const std::vector<std::size_t>& parts,
               const std::string& kind);
  void finish(std::vector<std::string>& notes);

 private:
  TensorFold tensors_;
  const QuantizationConfig& config_;
  std::map<std::string, std::size_t> kinds_;
  std::map<std::size_t, std::map<std::string, std::string>> metadata_;  ///< by file
};

/// "[128, 64]"
std::string shape_text(const std::vector<std::uint64_t>& shape);

/// The type of values that are computed with scales of this type.
DType value_dtype(DType scale);
/// Writes n values, rounded to nearest even.
void store_values(DType dtype, const float* values, std::size_t n, std::byte* out);

/// A number of one of the types that scales have: F32, F16, BF16, F8_E4M3, and the exponents E8M0 (also as U8).
float load_scale(DType dtype, const std::byte* at);
/// The values of the 256 bytes of a type: F8_E4M3, F8_E5M2, their FNUZ variants, F8_E8M0 (also as U8), I8.
const float* byte_values(DType dtype);

}  // namespace pare::checkpoint
