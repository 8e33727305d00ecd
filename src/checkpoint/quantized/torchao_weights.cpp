#include "checkpoint/quantized/torchao_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/json.h"
#include "checkpoint/quantized/scaled_weights.h"

namespace pare::checkpoint {
namespace {

constexpr std::string_view kQdata = "_qdata",
                           kReadClasses[] = {"Float8Tensor", "Int8Tensor", "IntxUnpackedToInt8Tensor"};

/// "M.weight" of "M._weight_qdata"; empty if the name has another form.
std::string parameter_of(std::string_view part) {
  const std::size_t at = part.rfind('.');
  if (at == std::string_view::npos || part.substr(at + 1, 1) != "_" || part.size() <= at + 2 + kQdata.size()) return {};
  const std::string_view own = part.substr(at + 2, part.size() - at - 2 - kQdata.size());
  return fmt::format("{}.{}", part.substr(0, at), own);
}

/// What the file's metadata say of a parameter; all of it may be absent.
struct TorchaoClass {
  std::string name;
  std::optional<DType> dtype;  ///< of the values
};

TorchaoClass class_of(QuantizedFold& fold, std::size_t i, const std::string& parameter) {
  TorchaoClass found;
  const auto& metadata = fold.metadata_of(i);
  const auto entry = metadata.find(parameter);
  if (entry == metadata.end()) return found;
  const base::JsonDocument document(entry->second, fold.tensors().file_of(i).path, base::kMutableJsonDepth, parameter);
  const base::JsonValue root = document.root();
  if (!root.is_object()) return found;
  if (const auto type = root.find("_type"); type && type->is_text()) found.name = type->text();
  const auto data = root.find("_data");
  const auto dtype = data && data->is_object() ? data->find("dtype") : std::nullopt;
  const auto text = dtype && dtype->is_object() ? dtype->find("_data") : std::nullopt;
  if (!text || !text->is_text()) return found;
  if (text->text() == "float32") found.dtype = DType::kF32;
  if (text->text() == "float16") found.dtype = DType::kF16;
  if (text->text() == "bfloat16") found.dtype = DType::kBF16;
  return found;
}

}  // namespace

bool fold_torchao(QuantizedFold& fold, std::size_t i) {
  const TensorView& qdata = fold.tensors()[i];
  const std::string parameter = parameter_of(qdata.name);
  const std::string stem = qdata.name.substr(0, qdata.name.size() - kQdata.size());
  const auto scale = fold.find(stem + "_scale");
  // Layouts for GPUs have their scales in tensors of other names.
  const bool is_other = fold.find(stem + "_scale_and_zero") || fold.find(stem + "_group_scale");
  if (parameter.empty() || (!scale && !is_other)) return false;
  const TorchaoClass kind = class_of(fold, i, parameter);
  const bool is_byte = qdata.dtype != DType::kI32 && qdata.dtype != DType::kU8;
  if (is_other || !is_byte ||
      (!kind.name.empty() &&
       std::find(std::begin(kReadClasses), std::end(kReadClasses), kind.name) == std::end(kReadClasses)))
    fold.fail(i, ErrorCode::kUnsupported,
              fmt::format("is part of a {} of torchao (expected Float8Tensor, Int8Tensor or IntxUnpackedToInt8Tensor): "
                          "save the model dequantized",
                          kind.name.empty() ? "tensor class" : kind.name.substr(0, 40)));
  if (fold.find(stem + "_act_pre_scale"))
    fold.fail(i, ErrorCode::kUnsupported,
              fmt::format("belongs to a weight whose inputs are scaled first ({}_act_pre_scale): save the model "
                          "dequantized",
                          stem));
  ScaledParts parts{parameter, *scale, std::nullopt, kind.dtype};
  if (qdata.dtype == DType::kI8) parts.zero = fold.find(stem + "_zero_point");
  replace_scaled(fold, i, parts);
  for (const char* activation : {"_act_quant_scale", "_act_quant_zero_point"})
    if (const auto found = fold.find(stem + activation)) fold.tensors().drop(*found);
  fold.drop_metadata(i);
  return true;
}

}  // namespace pare::checkpoint
