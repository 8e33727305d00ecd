#include "prune/masks/mask_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <set>
#include <utility>

#include "checkpoint/tensor_piece.h"
#include "pare/error.h"
#include "stats/float_format.h"

namespace pare::prune {
namespace {

/// What torch.nn.utils.prune appends to the name of a parameter.
constexpr std::string_view kMaskSuffix = "_mask";

bool is_byte(DType dtype) { return dtype == DType::kBool || dtype == DType::kU8; }

bool looks_like_mask(const TensorView& tensor) {
  return is_byte(tensor.dtype) || (is_analyzed(tensor.dtype) && tensor.name.ends_with(kMaskSuffix));
}

template <class Pattern>
void mark(const std::byte* data, std::size_t n, std::uint8_t* kept) {
  constexpr auto kMagnitude = static_cast<Pattern>(static_cast<Pattern>(~Pattern{0}) >> 1U);
  for (std::size_t i = 0; i < n; ++i) {
    Pattern pattern;
    std::memcpy(&pattern, data + i * sizeof pattern, sizeof pattern);
    kept[i] = static_cast<Pattern>(pattern & kMagnitude) != 0 ? 1 : 0;
  }
}

[[noreturn]] void refuse_value(const Checkpoint& checkpoint, const TensorView& tensor, std::uint64_t element) {
  throw Error(ErrorCode::kMalformed, checkpoint.files()[tensor.file].path, tensor.name,
              fmt::format("element {} of the mask is neither 0 nor 1", element));
}

}  // namespace

void mark_nonzeros(DType dtype, const std::byte* data, std::size_t n, std::uint8_t* kept) {
  switch (stats::float_format(dtype).width) {
    case kernels::Width::k8:
      return mark<std::uint8_t>(data, n, kept);
    case kernels::Width::k16:
      return mark<std::uint16_t>(data, n, kept);
    case kernels::Width::k32:
      return mark<std::uint32_t>(data, n, kept);
    case kernels::Width::k64:
      return mark<std::uint64_t>(data, n, kept);
  }
}

MaskSource::MaskSource(const std::string& where, const ModelOptions& options, const Context& context) : where_(where) {
  if (!open_file(context)) open_weights(options, context);
}

bool MaskSource::open_file(const Context& context) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(where_, ignored)) return false;
  checkpoint_ = Checkpoint::open(where_, context);
  const auto tensors = checkpoint_->tensors();
  if (tensors.empty() || !std::all_of(tensors.begin(), tensors.end(), looks_like_mask)) return false;
  std::set<std::string> names;
  for (const TensorView& tensor : tensors) {
    std::string name = tensor.name;
    if (name.ends_with(kMaskSuffix)) name.resize(name.size() - kMaskSuffix.size());
    if (!names.insert(name).second)
      throw Error(ErrorCode::kMalformed, where_, tensor.name, "is a second mask of the parameter " + name);
    tensors_.push_back({std::move(name), tensor});
  }
  is_file_ = true;
  return true;
}

void MaskSource::open_weights(const ModelOptions& options, const Context& context) {
  const Model model = open_model(where_, options, context);
  checkpoint_ = model.checkpoint;
  for (const Parameter& parameter : model.parameters)
    if (parameter.prunable && is_analyzed(model.tensor(parameter).dtype))
      tensors_.push_back({parameter.name, model.tensor(parameter)});
  if (tensors_.empty())
    throw Error(ErrorCode::kUnsupported, where_, "is neither a mask file nor a model with weight matrices");
}

void MaskSource::read(const Tensor& tensor, std::uint64_t begin, std::size_t n, std::uint8_t* kept) const {
  const TensorView& view = tensor.view;
  const std::size_t size = dtype_bits(view.dtype) / 8;
  const checkpoint::TensorPiece piece(view.bytes, begin * size, n * size);
  if (!is_file_) return mark_nonzeros(view.dtype, piece.data(), n, kept);
  if (is_byte(view.dtype)) {
    if (n != 0) std::memcpy(kept, piece.data(), n);
    const std::uint8_t* wrong = std::find_if(kept, kept + n, [](std::uint8_t value) { return value > 1; });
    if (wrong != kept + n) refuse_value(*checkpoint_, view, begin + static_cast<std::uint64_t>(wrong - kept));
    return;
  }
  const stats::FloatFormat& format = stats::float_format(view.dtype);
  const std::uint64_t one = stats::rounded_key(format, 1);
  mark_nonzeros(view.dtype, piece.data(), n, kept);
  for (std::size_t i = 0; i < n; ++i)
    if (kept[i] != 0 && stats::load_pattern(format, piece.data(), i) != one)
      refuse_value(*checkpoint_, view, begin + i);
}

}  // namespace pare::prune
