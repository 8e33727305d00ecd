#include "checkpoint/quantized/quantized.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "checkpoint/quantized/four_bit_weights.h"
#include "checkpoint/quantized/marlin_weights.h"
#include "checkpoint/quantized/packed_integers.h"
#include "checkpoint/quantized/quantized_fold.h"
#include "checkpoint/quantized/scaled_weights.h"
#include "checkpoint/quantized/torchao_weights.h"

namespace pare::checkpoint {
namespace {

/// How a format stores a weight: by what its principal part is recognized, and what makes the weight of the parts.
struct Layout {
  std::string_view ending;  ///< of the principal part's name
  DType dtype;              ///< of the principal part
  bool (*fold)(QuantizedFold& fold, std::size_t principal);
};

constexpr Layout kLayouts[] = {
    {"_qdata", DType::kF8E4M3, fold_torchao},
    {"_qdata", DType::kF8E5M2, fold_torchao},
    {"_qdata", DType::kI8, fold_torchao},
    {"_qdata", DType::kI32, fold_torchao},
    {"_qdata", DType::kU8, fold_torchao},
    {"", DType::kF8E4M3, fold_scaled},
    {"", DType::kF8E5M2, fold_scaled},
    {"", DType::kF8E4M3FNUZ, fold_scaled},
    {"", DType::kF8E5M2FNUZ, fold_scaled},
    {"weight", DType::kI8, fold_scaled},
    {".weight", DType::kI8, fold_scb},
    {".qweight", DType::kI32, fold_qweight},
    {".weight_packed", DType::kI32, fold_marlin24},
    {".weight_packed", DType::kI32, fold_weight_packed},
    {".weight_packed", DType::kU8, fold_fp4_packed},
    {"weight", DType::kU8, fold_modelopt_fp4},
    {"_blocks", DType::kU8, fold_mxfp4_experts},
    {".quant_state.bitsandbytes__nf4", DType::kU8, fold_bitsandbytes},
    {".quant_state.bitsandbytes__fp4", DType::kU8, fold_bitsandbytes},
};

bool matches(const Layout& layout, const TensorView& tensor) {
  return tensor.dtype == layout.dtype && tensor.name.ends_with(layout.ending);
}

}  // namespace

bool may_be_quantized(const std::vector<TensorView>& tensors) {
  return std::any_of(tensors.begin(), tensors.end(), [](const TensorView& tensor) {
    return std::any_of(std::begin(kLayouts), std::end(kLayouts),
                       [&](const Layout& layout) { return matches(layout, tensor); });
  });
}

bool fold_quantized(std::vector<TensorView>& tensors, std::vector<CheckpointFile>& files,
                    const QuantizationConfig& config, std::vector<std::string>& notes) {
  QuantizedFold fold(tensors, files, config);
  for (std::size_t i = 0; i < tensors.size(); ++i)
    for (const Layout& layout : kLayouts)
      if (fold.tensors().is_kept(i) && matches(layout, tensors[i]) && layout.fold(fold, i)) break;
  if (!fold.tensors().changes()) return false;
  drop_activation_scales(fold);
  fold.finish(notes);
  return true;
}

}  // namespace pare::checkpoint
