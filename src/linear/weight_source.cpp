#include "linear/weight_source.h"

#include "kernels/float_convert.h"
#include "pare/stats.h"

namespace pare::linear {
namespace {

void convert(DType dtype, const std::byte* data, std::size_t n, float* out) {
  using kernels::FloatType;
  switch (dtype) {
    case DType::kF64:
      return kernels::to_f32(FloatType::kF64, data, n, out);
    case DType::kF32:
      return kernels::to_f32(FloatType::kF32, data, n, out);
    case DType::kF16:
      return kernels::to_f32(FloatType::kF16, data, n, out);
    case DType::kBF16:
      return kernels::to_f32(FloatType::kBF16, data, n, out);
    default:
      break;
  }
  const TensorView values{"", dtype, {n}, TensorBytes(data, n * dtype_bits(dtype) / 8), 0};
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<float>(element_value(values, i));
}

}  // namespace

const float* floats_of(const TensorView& tensor, std::unique_ptr<float[]>& room) {
  const bool aligned = reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) % alignof(float) == 0;
  if (tensor.dtype == DType::kF32 && aligned) return reinterpret_cast<const float*>(tensor.bytes.data());
  if (!room) {
    room = std::make_unique_for_overwrite<float[]>(tensor.elements());
    convert(tensor.dtype, tensor.bytes.data(), tensor.elements(), room.get());
  }
  return room.get();
}

const float* WeightSource::dense() const {
  if (weights_.data != nullptr) return weights_.data;
  once_.run([this] { dense_ = floats_of(tensor_, room_); });
  return dense_;
}

NonzeroRows WeightSource::nonzero_rows() const {
  SparseRows packed = tensor_.bytes.packed()->sparse_rows();
  NonzeroRows rows{std::move(packed.begin), std::move(packed.column), {}};
  rows.values.resize(rows.column.size());
  convert(tensor_.dtype, packed.values.data(), rows.values.size(), rows.values.data());
  return rows;
}

}  // namespace pare::linear
