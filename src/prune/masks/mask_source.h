// Masks to read: of a mask file, or the zeros of a model.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pare/model.h"

namespace pare::prune {

/// Fills kept[i] with 0 where element i of `data` is a zero of either sign, and with 1 elsewhere. `dtype` must be
/// analyzed.
void mark_nonzeros(DType dtype, const std::byte* data, std::size_t n, std::uint8_t* kept);

/// Which weights are kept, tensor by tensor.
class MaskSource {
 public:
  struct Tensor {
    std::string name;  ///< of the parameter
    TensorView view;
  };

  /// A checkpoint file whose tensors all look like masks (BOOL, U8, or named *_mask as in torch.nn.utils.prune) is a
  /// mask file. Anything else is opened as a model, whose parameters that are pruned by default are the tensors. Throws
  /// Error as Checkpoint::open() and open_model(), and for a model without such parameters.
  MaskSource(const std::string& where, const ModelOptions& options, const Context& context);

  const std::string& where() const noexcept { return where_; }
  const std::vector<Tensor>& tensors() const noexcept { return tensors_; }
  /// Whether it is a mask file.
  bool is_file() const noexcept { return is_file_; }
  const Checkpoint& checkpoint() const { return checkpoint_.value(); }
  /// Fills kept[i] with 1 if element begin + i of a tensor is kept, with 0 otherwise. Throws Error (kMalformed) for a
  /// mask with a value other than 0 and 1.
  void read(const Tensor& tensor, std::uint64_t begin, std::size_t n, std::uint8_t* kept) const;

 private:
  bool open_file(const Context& context);
  void open_weights(const ModelOptions& options, const Context& context);

  std::string where_;
  bool is_file_ = false;
  std::optional<Checkpoint> checkpoint_;
  std::vector<Tensor> tensors_;
};

}  // namespace pare::prune
